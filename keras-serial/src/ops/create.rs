//! New tensors: constants and ranges.

use super::dtypes::cast;
use super::empty::empty;
use super::shape::broadcast_to;
use crate::error::Result;
use crate::tensor::{DType, Deferred, Shape, Tensor};

/// Returns a tensor filled with one number (`keras.ops.full`); a symbol if the shape is not fully known.
pub fn full(shape: &Shape, value: f64, dtype: DType) -> Result<Tensor> {
    if !shape.is_known() || Deferred::keeps_out(shape) {
        return Ok(Tensor::symbol(shape, dtype));
    }
    filled(shape, value, dtype)
}

/// Returns a tensor filled with one number that is stored once, until something is computed with it.
pub(crate) fn filled(shape: &Shape, value: f64, dtype: DType) -> Result<Tensor> {
    if shape.num_elements() == Some(0) {
        return empty(shape, dtype);
    }
    broadcast_to(&cast(&Tensor::scalar(value)?, dtype)?, shape)
}

/// Returns zeros (`keras.ops.zeros`).
pub fn zeros(shape: &Shape, dtype: DType) -> Result<Tensor> {
    full(shape, 0.0, dtype)
}

/// Returns ones (`keras.ops.ones`).
pub fn ones(shape: &Shape, dtype: DType) -> Result<Tensor> {
    full(shape, 1.0, dtype)
}

/// Returns 0, 1, … below `end` (`keras.ops.arange`).
pub fn arange(end: usize, dtype: DType) -> Result<Tensor> {
    if Deferred::keeps_out(&[end].into()) {
        return Ok(Tensor::symbol([end], dtype));
    }
    cast(&Tensor::from_vec((0..end as i64).collect(), [end])?, dtype)
}
