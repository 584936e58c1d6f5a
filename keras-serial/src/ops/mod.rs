//! Operations on tensors, by Keras's names (`keras.ops`).
//!
//! On values they compute; on symbols they infer shapes, and are recorded in the graph.

pub(crate) mod arithmetic;
pub(crate) mod arrange;
pub(crate) mod attention;
pub(crate) mod conv;
pub(crate) mod create;
mod define;
pub(crate) mod dtypes;
pub(crate) mod elementwise;
pub(crate) mod graph;
mod graph_ops;
pub(crate) mod image;
pub(crate) mod image_color;
pub(crate) mod image_filter;
pub(crate) mod image_transform;
pub(crate) mod kernels;
pub(crate) mod linalg;
pub mod nn;
mod nn_nodes;
pub(crate) mod normalization;
pub(crate) mod numeric;
mod products;
pub(crate) mod recurrent;
pub(crate) mod reduce;
pub(crate) mod scatter;
pub(crate) mod shape;
pub(crate) mod statistics;

pub use arithmetic::*;
pub use arrange::{pad_constant as pad, repeat, roll_by as roll, swapaxes, tile, tril, triu, unstack};
pub use attention::*;
pub use conv::{DataFormat, Padding};
pub use create::{arange, full, ones, zeros};
pub use dtypes::result_type;
pub use elementwise::*;
pub use graph::{OpNode, OpRef, Operand};
pub use graph_ops::*;
pub use image::{Interpolation, ResizeOptions, resize};
pub use image_transform::{FillMode, Sampling};
pub use nn::*;
pub use normalization::*;
pub use reduce::Axes;
pub use scatter::{segment_sum, take_along_axis};
pub use statistics::{argsort, cumsum, norm, sort, std, top_k};
