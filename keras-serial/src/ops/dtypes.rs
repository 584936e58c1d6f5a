//! Casting, and the promotion of dtypes.

use super::operand::Operand;
use crate::error::Result;
use crate::json::Value;
use crate::program;
use crate::program::primitives::Cast;
use crate::tensor::{DType, Tensor};

/// Casts a tensor to another dtype (`keras.ops.cast`).
///
/// # Errors
/// For strings.
pub(crate) fn cast(x: &Tensor, dtype: DType) -> Result<Tensor> {
    if x.is_traced() && x.dtype() != dtype && dtype != DType::String {
        return program::apply(Cast(dtype), &[x]);
    }
    crate::tensor::cast::cast(x, dtype)
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
