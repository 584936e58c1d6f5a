//! The most common layers (`keras.layers`, core).

mod dense;
mod input_layer;

pub use dense::Dense;
pub use input_layer::{Input, InputLayer};
