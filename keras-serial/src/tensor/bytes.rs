//! A tensor as plain bytes: what files hold, before any engine has seen it.

use bytes::Bytes;

use super::DType;

/// Elements in row-major order, little endian, and what they mean.
///
/// `data` may be a slice of a mapped file; it is shared, never copied, when this is cloned.
#[derive(Debug, Clone, PartialEq)]
pub struct TensorBytes {
    /// The type of the elements.
    pub dtype: DType,
    /// The extents; empty for a scalar.
    pub shape: Vec<usize>,
    /// `shape.product() * dtype.size()` bytes.
    pub data: Bytes,
}
