//! The most common layers (`keras.layers`, core).

mod input_layer;

pub use input_layer::{Input, InputLayer};
