//! Layers that move elements (`keras.layers`, reshaping).

mod flatten;
mod permute;
mod reshape;

pub use flatten::Flatten;
pub use permute::Permute;
pub use reshape::Reshape;
