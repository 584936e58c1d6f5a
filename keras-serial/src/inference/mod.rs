//! Compiled inference: a program as a plan of fused kernels for this processor.
//!
//! [`Plan::compile`] folds constants, fuses bias, batch normalization, activations and residual adds into
//! convolutions and dense layers, recognizes attention, layer normalization and LSTM, makes one pass of chains of
//! element-wise operations, packs weights once, and lets results share buffers. What it has no kernel for runs on
//! the engine, node by node.

mod cache;
mod fold;
mod graph;
mod kernel;
mod lower;
mod memory;
mod place;
mod plan;
mod tail;
mod threads;
mod workspace;

pub(crate) use cache::Plans;
pub use plan::Plan;
pub use threads::{set_spin, set_threads};
