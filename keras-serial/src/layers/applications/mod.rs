//! Layers that occur only in models of `keras.applications`.

mod custom_scale_layer;
mod layer_scale;

pub use custom_scale_layer::CustomScaleLayer;
pub use layer_scale::LayerScale;
