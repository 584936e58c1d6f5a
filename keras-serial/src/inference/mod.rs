//! Compiled inference: a program as a plan of fused kernels for this processor.
//!
//! [`Plan::compile`] folds constants, fuses bias, batch normalization, activations and residual adds into
//! convolutions and dense layers, and packs their weights once. What it has no kernel for runs on the engine,
//! node by node.

mod cache;
mod fold;
mod fuse;
mod plan;
mod step;

pub(crate) use cache::Plans;
pub use plan::Plan;
