//! Tensors without elements, for which the engine has no operations.

use crate::error::Result;
use crate::program;
use crate::tensor::{DType, Shape, Tensor};

/// Returns a tensor without elements.
pub(super) fn empty(shape: &Shape, dtype: DType) -> Result<Tensor> {
    let shape = shape.known()?;
    Tensor::from_bytes(&crate::tensor::TensorBytes { dtype, shape, data: bytes::Bytes::new() })
}

/// Returns a tensor without elements that was computed from others; it tracks gradients if one of those does.
pub(super) fn empty_from(inputs: &[&Tensor], shape: &Shape, dtype: DType) -> Result<Tensor> {
    program::infer_or_compute(inputs, Tensor::symbol(shape, dtype), || {
        let result = empty(shape, dtype)?;
        if dtype.is_float() && inputs.iter().any(|input| input.is_tracked()) { result.watched() } else { Ok(result) }
    })
}
