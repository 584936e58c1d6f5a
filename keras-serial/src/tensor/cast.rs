//! Casting between dtypes.

use burn_backend::ops::{BoolTensorOps, FloatTensorOps, IntTensorOps};

use super::engine::{self, Engine};
use super::{DType, Tensor};
use crate::error::{Error, ErrorKind, Result};

/// Casts a tensor to another dtype (`keras.ops.cast`).
///
/// # Errors
/// For strings.
pub(crate) fn cast(x: &Tensor, dtype: DType) -> Result<Tensor> {
    if x.dtype() == dtype {
        return Ok(x.clone());
    }
    if x.dtype() == DType::String || dtype == DType::String {
        return Err(Error::new(ErrorKind::DType, "text can't be cast")
            .expected(dtype.name())
            .received(x.dtype().name())
            .hint("`StringLookup`, `TextVectorization` and `Hashing` turn text into numbers"));
    }
    if x.is_symbolic() {
        return Ok(Tensor::symbol(x.shape(), dtype));
    }
    let raw = x.raw()?;
    let raw = match (x.dtype(), dtype) {
        (DType::Bool, to) if to.is_float() => Engine::bool_into_float(raw, engine::float(to)?),
        (DType::Bool, to) => Engine::bool_into_int(raw, engine::int(to)?),
        (from, DType::Bool) if from.is_float() => Engine::float_not_equal_elem(raw, 0.0.into(), engine::BOOL),
        (_, DType::Bool) => Engine::int_not_equal_elem(raw, 0.into(), engine::BOOL),
        (from, to) if from.is_float() && to.is_float() => Engine::float_cast(raw, engine::float(to)?),
        (from, to) if from.is_float() => Engine::float_into_int(super::grad::detached(raw), engine::int(to)?),
        (_, to) if to.is_float() => Engine::int_into_float(raw, engine::float(to)?),
        (_, to) => Engine::int_cast(raw, engine::int(to)?),
    };
    Ok(Tensor::from_raw(raw, dtype))
}
