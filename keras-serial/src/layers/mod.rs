//! Layers (`keras.layers`), and what a layer of one's own is made of.

#[macro_use]
mod builder;
mod assets;
pub mod core;
mod base;
mod graph;
mod input_spec;
mod layer;
mod layer_ref;
mod losses;
mod state;
mod weight;

pub use assets::Assets;
pub use core::*;
pub(crate) use base::shapes_from_value;
pub(crate) use builder::{builder, refuse_quantization};
pub use base::{BuildShapes, LayerBase};
pub use graph::GraphModel;
pub use input_spec::InputSpec;
pub use layer::{HasBase, Layer, LayerExt, invalid_argument};
pub use layer_ref::LayerRef;
pub use losses::{add_loss, collect_losses};
pub(crate) use state::State;
pub use weight::{BuildContext, Optional, Weight, WeightMaker};
