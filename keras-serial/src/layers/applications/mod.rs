//! Layers that only models of `keras.applications` have.

mod custom_scale_layer;
mod layer_scale;

pub use custom_scale_layer::CustomScaleLayer;
pub use layer_scale::LayerScale;
