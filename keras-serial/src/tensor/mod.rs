//! Shapes, element types and tensors.

mod bytes;
mod dtype;

pub use bytes::TensorBytes;
pub use dtype::DType;
