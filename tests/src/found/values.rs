//! Tensors in JSON: leaves `{dtype, shape, data}` in structures `dict`, `list`, `tuple`, `none`.

use keras_serial::json::Value;
use keras_serial::ops;
use keras_serial::prelude::*;

use crate::cases::Failure;

/// Returns the structure of tensors that a value describes.
///
/// # Errors
/// When it describes none.
pub fn tensors(value: &Value) -> Result<Nested<Tensor>, Failure> {
    let items = |items: &[Value]| items.iter().map(tensors).collect::<Result<Vec<_>, _>>();
    if let Some(entries) = value.get("dict").and_then(Value::as_dict) {
        let entries = entries.iter().map(|(key, value)| Ok((key.clone(), tensors(value)?)));
        return entries.collect::<Result<_, Failure>>().map(Nested::Dict);
    }
    if let Some(list) = value.get("list").and_then(Value::as_list) {
        return items(list).map(Nested::List);
    }
    if let Some(tuple) = value.get("tuple").and_then(Value::as_list) {
        return items(tuple).map(Nested::Tuple);
    }
    if value.get("none").is_some() {
        return Ok(Nested::None);
    }
    leaf(value).map(Nested::Leaf)
}

fn leaf(value: &Value) -> Result<Tensor, Failure> {
    let wrong = || Failure::Differs(format!("not a tensor: {}", value.short()));
    let dtype = value.get("dtype").and_then(Value::as_str).ok_or_else(wrong)?;
    let shape = Vec::<usize>::from_value(value.get("shape").unwrap_or(&Value::Null))?;
    let data = value.get("data").and_then(Value::as_list).ok_or_else(wrong)?;
    if dtype == "string" {
        let text = data.iter().map(|text| text.as_str().ok_or_else(wrong));
        return Ok(Tensor::from_strings(text.collect::<Result<Vec<_>, _>>()?, shape)?);
    }
    let dtype: DType = dtype.parse()?;
    let tensor = if dtype.is_float() || dtype == DType::Bool {
        let numbers = data.iter().map(|value| number(value).ok_or_else(wrong));
        Tensor::from_vec(numbers.collect::<Result<Vec<f64>, _>>()?, shape)?
    } else {
        let integers = data.iter().map(|value| value.as_i64().ok_or_else(wrong));
        Tensor::from_vec(integers.collect::<Result<Vec<i64>, _>>()?, shape)?
    };
    Ok(ops::cast_to(&tensor, dtype)?)
}

/// Returns a number from a number, a boolean, or the text of a non-finite one: `inf`, `-inf`, `nan`.
fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Bool(flag) => Some(f64::from(u8::from(*flag))),
        Value::Str(text) => text.parse().ok(),
        value => value.as_f64(),
    }
}

/// Formats a structure with a star for each tensor. Keras returns lists and tuples interchangeably.
pub fn kind(nested: &Nested<Tensor>) -> String {
    let all = |items: &[Nested<Tensor>]| items.iter().map(kind).collect::<Vec<_>>().join(", ");
    match nested {
        Nested::Leaf(_) => "*".into(),
        Nested::None => "None".into(),
        Nested::List(items) | Nested::Tuple(items) => format!("[{}]", all(items)),
        Nested::Dict(items) => {
            let mut items: Vec<String> = items.iter().map(|(key, item)| format!("{key}: {}", kind(item))).collect();
            items.sort();
            format!("{{{}}}", items.join(", "))
        }
    }
}
