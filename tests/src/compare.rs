//! Tensors of safetensors files, and comparison within Keras's tolerances.

use std::collections::BTreeMap;
use std::path::Path;

use keras_serial::json::Value;
use keras_serial::ops;
use keras_serial::tensor::{DType, Tensor, TensorBytes};
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};

use crate::cases::Failure;

/// Reads all tensors of a file.
pub fn read(path: &Path) -> Result<BTreeMap<String, Tensor>, Failure> {
    let bytes = std::fs::read(path)?;
    let file = SafeTensors::deserialize(&bytes).map_err(|error| Failure::Differs(error.to_string()))?;
    let mut tensors = BTreeMap::new();
    for (name, view) in file.tensors() {
        let dtype = match view.dtype() {
            Dtype::F64 => DType::Float64,
            Dtype::F32 => DType::Float32,
            Dtype::F16 => DType::Float16,
            Dtype::BF16 => DType::BFloat16,
            Dtype::I64 => DType::Int64,
            Dtype::I32 => DType::Int32,
            Dtype::I16 => DType::Int16,
            Dtype::I8 => DType::Int8,
            Dtype::U64 => DType::UInt64,
            Dtype::U32 => DType::UInt32,
            Dtype::U16 => DType::UInt16,
            Dtype::U8 => DType::UInt8,
            Dtype::BOOL => DType::Bool,
            other => return Err(Failure::Differs(format!("dtype {other:?} of {name}"))),
        };
        let tensor = TensorBytes { dtype, shape: view.shape().to_vec(), data: view.data().to_vec().into() };
        tensors.insert(name, Tensor::from_bytes(&tensor)?);
    }
    Ok(tensors)
}

/// Converts a tensor to double-precision numbers.
pub fn numbers(tensor: &Tensor) -> Result<Vec<f64>, Failure> {
    Ok(ops::cast_to(tensor, DType::Float64)?.to_vec()?)
}

/// The tolerance of a comparison: absolute, and relative to the expected number.
pub fn tolerance(dtype: DType) -> (f64, f64) {
    match dtype {
        DType::Float16 => (2e-3, 1e-2),
        DType::BFloat16 => (2e-2, 2e-2),
        _ => (1e-5, 1e-4),
    }
}

/// Checks that two tensors are equal within a dtype's tolerance.
pub fn close(what: &str, actual: &Tensor, expected: &Tensor, dtype: DType) -> Result<(), Failure> {
    if actual.shape() != expected.shape() {
        return Err(Failure::Differs(format!("{what}: shape {}, expected {}", actual.shape(), expected.shape())));
    }
    close_numbers(what, &numbers(actual)?, &numbers(expected)?, tolerance(dtype))
}

/// Checks that numbers are equal within a tolerance.
pub fn close_numbers(what: &str, actual: &[f64], expected: &[f64], (atol, rtol): (f64, f64)) -> Result<(), Failure> {
    if actual.len() != expected.len() {
        return Err(Failure::Differs(format!("{what}: {} numbers, expected {}", actual.len(), expected.len())));
    }
    for (i, (a, e)) in actual.iter().zip(expected).enumerate() {
        let equal = a == e || (a.is_nan() && e.is_nan()) || (a - e).abs() <= atol + rtol * e.abs();
        if !equal {
            return Err(Failure::Differs(format!("{what}[{i}]: {a}, expected {e}")));
        }
    }
    Ok(())
}

/// Returns a configuration without the ids of shared objects.
pub fn without_sharing(value: &Value) -> Value {
    match value {
        Value::List(items) => Value::List(items.iter().map(without_sharing).collect()),
        Value::Dict(entries) => Value::Dict(
            entries
                .iter()
                .filter(|(key, _)| *key != "shared_object_id")
                .map(|(key, value)| (key.clone(), without_sharing(value)))
                .collect(),
        ),
        other => other.clone(),
    }
}

/// Checks that two configurations are equal as text, entry for entry and in order.
pub fn same_config(actual: &Value, expected: &Value) -> Result<(), Failure> {
    let (actual, expected) = (without_sharing(actual).to_json(), without_sharing(expected).to_json());
    if actual == expected {
        return Ok(());
    }
    let at = actual.bytes().zip(expected.bytes()).take_while(|(a, b)| a == b).count();
    let around = |text: &str| text.chars().skip(at.saturating_sub(60)).take(160).collect::<String>();
    Err(Failure::Differs(format!("config: …{}…, expected …{}…", around(&actual), around(&expected))))
}

/// Writes tensors as a safetensors file.
pub fn write(path: &Path, tensors: &[(String, Tensor)]) -> Result<(), Failure> {
    let bytes: Vec<TensorBytes> = tensors.iter().map(|(_, tensor)| tensor.to_bytes()).collect::<Result<_, _>>()?;
    let views = tensors.iter().zip(&bytes).map(|((name, _), bytes)| {
        let dtype = match bytes.dtype {
            DType::Float32 => Dtype::F32,
            DType::Int32 => Dtype::I32,
            other => return Err(Failure::Differs(format!("{name}: no {} here", other.name()))),
        };
        let view = TensorView::new(dtype, bytes.shape.clone(), &bytes.data);
        Ok((name.as_str(), view.map_err(|error| Failure::Differs(error.to_string()))?))
    });
    let views: Vec<_> = views.collect::<Result<_, Failure>>()?;
    safetensors::serialize_to_file(views, None, path).map_err(|error| Failure::Differs(error.to_string()))
}
