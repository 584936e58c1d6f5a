//! One-hot vectors.

use super::arithmetic::equal;
use super::create::arange;
use super::dtypes::cast;
use super::shape::{expand_at, reshape_to};
use crate::error::Result;
use crate::tensor::{DType, Tensor};

/// Encodes integers as one-hot vectors (`keras.ops.one_hot`); integers out of range give zeros.
pub fn one_hot(x: &Tensor, num_classes: usize, axis: isize, dtype: DType) -> Result<Tensor> {
    let classes = arange(num_classes, DType::Int64)?;
    let x = expand_at(&cast(x, DType::Int64)?, axis)?;
    let position = x.shape().axis(axis)?;
    let mut dims = vec![Some(1); x.rank()];
    if let Some(dim) = dims.get_mut(position) {
        *dim = Some(num_classes);
    }
    cast(&equal(&x, reshape_to(&classes, &dims.into())?)?, dtype)
}
