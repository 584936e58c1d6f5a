//! Operations on tensors, by Keras's names (`keras.ops`).
//!
//! On values they compute; on symbols they infer shapes, and are recorded in the graph.

pub(crate) mod arithmetic;
pub(crate) mod attention;
pub(crate) mod conv;
pub(crate) mod create;
pub(crate) mod dtypes;
pub(crate) mod elementwise;
pub(crate) mod graph;
mod graph_ops;
mod graph_shapes;
pub(crate) mod image;
pub(crate) mod linalg;
pub mod nn;
pub(crate) mod normalization;
pub(crate) mod numeric;
pub(crate) mod reduce;
pub(crate) mod shape;

pub use arithmetic::*;
pub use attention::*;
pub use conv::{DataFormat, Padding};
pub use create::{arange, full, ones, zeros};
pub use dtypes::result_type;
pub use elementwise::*;
pub use graph::{OpNode, OpRef, Operand};
pub use graph_ops::*;
pub use graph_shapes::*;
pub use image::{Interpolation, ResizeOptions, resize};
pub use nn::*;
pub use normalization::*;
pub use reduce::Axes;
