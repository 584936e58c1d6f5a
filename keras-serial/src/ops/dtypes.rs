//! Casting, and the promotion of dtypes.

use burn_backend::ops::{BoolTensorOps, FloatTensorOps, IntTensorOps};

use super::graph::Operand;
use crate::error::{Error, ErrorKind, Result};
use crate::json::Value;
use crate::tensor::engine::{self, Engine};
use crate::tensor::{DType, Tensor};

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
            .received(x.dtype().name()));
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
        (from, to) if from.is_float() => Engine::float_into_int(crate::tensor::grad::detached(raw), engine::int(to)?),
        (_, to) if to.is_float() => Engine::int_into_float(raw, engine::float(to)?),
        (_, to) => Engine::int_cast(raw, engine::int(to)?),
    };
    Ok(Tensor::from_raw(raw, dtype))
}

/// Returns the promoted dtype of two dtypes (`keras.backend.result_type`, which follows JAX).
pub fn result_type(a: DType, b: DType) -> DType {
    use DType::*;
    if a == b {
        return a;
    }
    match (a, b) {
        (Bool, other) | (other, Bool) => other,
        (Float16, BFloat16) | (BFloat16, Float16) => Float32,
        (a, b) if a.is_float() && b.is_float() => {
            if a.size() >= b.size() {
                a
            } else {
                b
            }
        }
        (float, _) | (_, float) if float.is_float() => float,
        (UInt64, signed) | (signed, UInt64) if !is_unsigned(signed) => Float32,
        (a, b) if is_unsigned(a) == is_unsigned(b) => {
            if a.size() >= b.size() {
                a
            } else {
                b
            }
        }
        (a, b) => {
            let (unsigned, signed) = if is_unsigned(a) { (a, b) } else { (b, a) };
            match unsigned.size().max(signed.size() / 2) {
                1 => Int16,
                2 => Int32,
                _ => Int64,
            }
        }
    }
}

fn is_unsigned(dtype: DType) -> bool {
    matches!(dtype, DType::UInt8 | DType::UInt16 | DType::UInt32 | DType::UInt64)
}

/// Returns a scalar of this dtype.
pub(crate) fn full_like(value: &Value, dtype: DType) -> Result<Tensor> {
    let number = match value {
        Value::Bool(flag) => f64::from(u8::from(*flag)),
        value => value.as_f64().ok_or_else(|| crate::config::wrong_type("a number", value))?,
    };
    let scalar = match value {
        Value::Int(number) if !dtype.is_float() => Tensor::scalar(*number)?,
        _ => Tensor::scalar(number)?,
    };
    cast(&scalar, dtype)
}

/// Promotes two operands to tensors of one dtype; a number adopts the tensor's dtype if that can hold it.
pub(crate) fn promote(x: Operand, y: Operand) -> Result<(Tensor, Tensor)> {
    let weak = |value: &Value, other: DType| match value {
        Value::Bool(_) => other,
        Value::Int(_) if other == DType::Bool => DType::Int32,
        Value::Float(_) if !other.is_float() => DType::Float32,
        _ => other,
    };
    match (x, y) {
        (Operand::Tensor(x), Operand::Tensor(y)) => {
            let dtype = result_type(x.dtype(), y.dtype());
            Ok((cast(&x, dtype)?, cast(&y, dtype)?))
        }
        (Operand::Tensor(x), Operand::Value(value)) => {
            let dtype = weak(&value, x.dtype());
            Ok((cast(&x, dtype)?, full_like(&value, dtype)?))
        }
        (Operand::Value(value), Operand::Tensor(y)) => {
            let dtype = weak(&value, y.dtype());
            Ok((full_like(&value, dtype)?, cast(&y, dtype)?))
        }
        (Operand::Value(x), Operand::Value(y)) => {
            let float = matches!((&x, &y), (Value::Float(_), _) | (_, Value::Float(_)));
            let dtype = if float { DType::Float32 } else { DType::Int32 };
            Ok((full_like(&x, dtype)?, full_like(&y, dtype)?))
        }
    }
}

/// Casts to floating point: integers and booleans become `float32`.
pub(crate) fn to_float(x: &Tensor) -> Result<Tensor> {
    if x.dtype().is_float() { Ok(x.clone()) } else { cast(x, DType::Float32) }
}
