//! An array as plain bytes, as files hold it.

use bytes::Bytes;

use super::DType;

/// The elements of a tensor in row-major order as little-endian bytes, with dtype and shape.
///
/// `data` can be a slice of a mapped file; clones share it without a copy.
#[derive(Debug, Clone, PartialEq)]
pub struct TensorBytes {
    /// The dtype of the elements.
    pub dtype: DType,
    /// The extents; empty for a scalar.
    pub shape: Vec<usize>,
    /// `shape.product() * dtype.size()` bytes.
    pub data: Bytes,
}
