//! Tensors as text, as NumPy prints arrays (`tests/fixtures/display/make.py`).

use std::path::Path;

use keras_serial::json::{Dict, Value};
use keras_serial::ops::cast_to;
use keras_serial::prelude::*;

fn number(value: &Value) -> f64 {
    match value {
        Value::Bool(truth) => f64::from(u8::from(*truth)),
        // JSON has no numbers for these.
        Value::Str(special) => special.parse().expect("a number"),
        number => number.as_f64().expect("a number"),
    }
}

fn tensor(case: &Dict) -> Result<Tensor> {
    let dtype: DType = case["dtype"].as_str().unwrap().parse()?;
    let extents = case["shape"].as_list().unwrap().iter();
    let shape: Vec<usize> = extents.map(|extent| extent.as_i64().unwrap() as usize).collect();
    let Some(data) = case.get("data").and_then(Value::as_list) else {
        let (start, step) = (number(&case["start"]), number(&case["step"]));
        let count: usize = shape.iter().product();
        return cast_to(&Tensor::from_vec((0..count).map(|i| start + i as f64 * step).collect(), shape)?, dtype);
    };
    match dtype {
        DType::String => Tensor::from_strings(data.iter().map(|text| text.as_str().unwrap()), shape),
        // Beyond what double precision holds exactly.
        DType::UInt64 => Tensor::from_vec(data.iter().map(|x| x.to_json().parse::<u64>().unwrap()).collect(), shape),
        dtype => cast_to(&Tensor::from_vec(data.iter().map(number).collect::<Vec<f64>>(), shape)?, dtype),
    }
}

#[test]
fn tensors_are_printed_as_numpy_prints_them() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/display/display.json");
    let fixture = Value::parse(&std::fs::read_to_string(path).unwrap()).unwrap();
    let cases = fixture.get("cases").and_then(Value::as_list).unwrap();
    let mut wrong = Vec::new();
    for case in cases {
        let case = case.as_dict().unwrap();
        let (found, expected) = (tensor(case).unwrap().to_string(), case["text"].as_str().unwrap());
        if found != expected {
            wrong.push(format!("{} {}:\n{found}\nexpected\n{expected}", case["dtype"].short(), case["shape"].short()));
        }
    }
    assert!(wrong.is_empty(), "{} of {} differ from NumPy:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}
