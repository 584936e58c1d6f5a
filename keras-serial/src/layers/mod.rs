//! Layers (`keras.layers`), and what a layer of one's own is made of.

mod assets;
mod base;
pub mod convolutional;
pub mod core;
mod dims;
mod graph;
mod input_spec;
mod layer;
mod layer_ref;
mod losses;
pub mod merging;
pub mod pooling;
mod quantization;
pub mod regularization;
pub mod reshaping;
mod state;
mod weight;

pub use assets::Assets;
pub use base::{BuildShapes, LayerBase};
pub use convolutional::*;
pub use core::*;
pub use dims::Dims;
pub use graph::GraphModel;
pub use input_spec::InputSpec;
pub use layer::{HasBase, Layer, LayerExt, invalid_argument};
pub use layer_ref::LayerRef;
pub use losses::{add_loss, collect_losses};
pub use merging::*;
pub use pooling::*;
pub(crate) use quantization::QuantizedWeights;
pub use regularization::*;
pub use reshaping::*;
pub(crate) use state::State;
pub use weight::{BuildContext, Optional, Weight, WeightMaker};
