//! Cases with strings: inputs in `strings.json`, outputs in `strings_out.json`.

use std::path::Path;

use keras_serial::json::Value;
use keras_serial::tensor::{DType, Tensor};

use crate::cases::Failure;
use crate::compare::{close_numbers, numbers, tolerance};

/// Returns the inputs in `strings.json`, if the case has them: strings, or numbers beside strings.
pub fn inputs(folder: &Path) -> Result<Option<Vec<Tensor>>, Failure> {
    let Some(value) = read(folder, "strings.json")? else { return Ok(None) };
    let tensors = match value.get("inputs").and_then(Value::as_list) {
        Some(inputs) => inputs.iter().map(tensor).collect::<Result<_, _>>()?,
        None => vec![tensor(value.get("input").unwrap_or(&value))?],
    };
    Ok(Some(tensors))
}

/// Returns the outputs in `strings_out.json`, if the case has them; one value per output.
pub fn outputs(folder: &Path) -> Result<Option<Vec<Value>>, Failure> {
    let Some(value) = read(folder, "strings_out.json")? else { return Ok(None) };
    Ok(Some(match value.get("outputs").and_then(Value::as_list) {
        Some(outputs) => outputs.to_vec(),
        None => vec![value.get("output").unwrap_or(&value).clone()],
    }))
}

/// Compares outputs with those in `strings_out.json`.
pub fn compare(what: &str, actual: &[Tensor], expected: &[Value]) -> Result<(), Failure> {
    if let [actual] = actual {
        // A single output may be there without a list around it.
        let whole = Value::List(expected.to_vec());
        if actual.shape().known()? == shape_of(&whole) {
            return compare_one(what, actual, &whole);
        }
    }
    if actual.len() != expected.len() {
        return Err(Failure::Differs(format!("{what}: {} outputs, expected {}", actual.len(), expected.len())));
    }
    for (i, (actual, expected)) in actual.iter().zip(expected).enumerate() {
        compare_one(&format!("{what}.{i}"), actual, expected)?;
    }
    Ok(())
}

fn compare_one(what: &str, actual: &Tensor, expected: &Value) -> Result<(), Failure> {
    let shape = shape_of(expected);
    if actual.shape().known()? != shape {
        return Err(Failure::Differs(format!("{what}: shape {}, expected {shape:?}", actual.shape())));
    }
    let mut leaves = Vec::new();
    flatten(expected, &mut leaves);
    if actual.dtype() == DType::String {
        let expected: Option<Vec<&str>> = leaves.iter().map(|leaf| leaf.as_str()).collect();
        let actual: Vec<&str> = actual.strings()?.iter().map(String::as_str).collect();
        return match expected {
            Some(expected) if expected == actual => Ok(()),
            _ => Err(Failure::Differs(format!("{what}: {actual:?}, expected {leaves:?}"))),
        };
    }
    let expected: Option<Vec<f64>> = leaves.iter().map(|leaf| leaf.as_f64()).collect();
    let expected = expected.ok_or_else(|| Failure::Differs(format!("{what}: numbers, expected {leaves:?}")))?;
    close_numbers(what, &numbers(actual)?, &expected, tolerance(actual.dtype()))
}

fn read(folder: &Path, name: &str) -> Result<Option<Value>, Failure> {
    let path = folder.join(name);
    if !path.exists() {
        return Ok(None);
    }
    Ok(Some(Value::parse(&std::fs::read_to_string(path)?)?))
}

/// Nested lists of strings, integers or floating-point numbers.
fn tensor(value: &Value) -> Result<Tensor, Failure> {
    let shape = shape_of(value);
    let mut leaves = Vec::new();
    flatten(value, &mut leaves);
    if let Some(text) = leaves.iter().map(|leaf| leaf.as_str()).collect::<Option<Vec<_>>>() {
        return Ok(Tensor::from_strings(text, shape)?);
    }
    if let Some(integers) = leaves.iter().map(|leaf| leaf.as_i64()).collect::<Option<Vec<_>>>() {
        return Ok(Tensor::from_vec(integers, shape)?);
    }
    let numbers: Option<Vec<f32>> = leaves.iter().map(|leaf| leaf.as_f64().map(|x| x as f32)).collect();
    let numbers = numbers.ok_or_else(|| Failure::Differs(format!("not an input: {}", value.to_json())))?;
    Ok(Tensor::from_vec(numbers, shape)?)
}

fn shape_of(value: &Value) -> Vec<usize> {
    let mut shape = Vec::new();
    let mut level = value;
    while let Value::List(items) = level {
        shape.push(items.len());
        match items.first() {
            Some(first) => level = first,
            None => break,
        }
    }
    shape
}

fn flatten<'a>(value: &'a Value, out: &mut Vec<&'a Value>) {
    match value {
        Value::List(items) => items.iter().for_each(|item| flatten(item, out)),
        leaf => out.push(leaf),
    }
}
