//! Arrays as plain bytes with a dtype and a shape, which need no engine.

mod bytes;
mod dtype;

pub use bytes::TensorBytes;
pub use dtype::DType;
