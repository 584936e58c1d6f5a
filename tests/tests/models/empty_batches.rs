//! Batches of 0 rows through every layer class of `keras.layers` and functions of `keras.ops`, as real Keras
//! takes them (`tests/fixtures/empty/make.py`).
//!
//! Where Keras gives a result, it is the same here. Some layers raise in Keras only because a kernel of
//! TensorFlow does not take tensors without elements; they may give the shapes that inference says.

use std::path::Path;

use keras_serial::json::{Dict, Value};
use keras_serial::layers::LayerRef;
use keras_serial::ops::cast_to;
use keras_serial::prelude::*;
use keras_serial::registry::CustomObjects;
use keras_serial::tensor::Item;

fn dict(value: &Value) -> &Dict {
    value.as_dict().expect("a dict")
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    dict(value)[key].as_list().expect("a list")
}

fn shape_of(value: &Value) -> Vec<usize> {
    list(value, "shape").iter().map(|extent| extent.as_i64().expect("an extent") as usize).collect()
}

fn dtype_of(value: &Value) -> Result<DType> {
    dict(value)["dtype"].as_str().expect("a dtype").parse()
}

/// Returns a described argument, with all its rows or with none.
fn argument(value: &Value, is_empty: bool) -> Result<Nested<Item>> {
    let entries = dict(value);
    if let Some(items) = entries.get("list") {
        let items = items.as_list().expect("a list");
        return Ok(Nested::List(items.iter().map(|item| argument(item, is_empty)).collect::<Result<_>>()?));
    }
    if let Some(value) = entries.get("value") {
        return Ok(Nested::Leaf(Item::Value(value.clone())));
    }
    let mut shape = shape_of(value);
    if let Some(rows) = shape.first_mut().filter(|_| is_empty) {
        *rows = 0;
    }
    let (dtype, count) = (dtype_of(value)?, shape.iter().product());
    let tensor = match dtype {
        DType::String => Tensor::from_strings(vec!["a"; count], shape)?,
        dtype => cast_to(&Tensor::from_vec(vec![1.0f32; count], shape)?, dtype)?,
    };
    Ok(Nested::Leaf(Item::Tensor(tensor)))
}

fn arguments(case: &Value, is_empty: bool) -> Result<CallArgs> {
    let mut args = CallArgs::none();
    for arg in list(case, "args") {
        args.positional.push(argument(arg, is_empty)?);
    }
    for (name, arg) in dict(&dict(case)["kwargs"]) {
        args.keywords.insert(name.clone(), argument(arg, is_empty)?);
    }
    Ok(args)
}

/// Calls a layer with 0 rows.
fn outputs(case: &Value, way: &str) -> Result<Vec<Tensor>> {
    let layer = LayerRef::deserialize(&dict(case)["layer"], &CustomObjects::new())?;
    if way != "new" {
        layer.call(arguments(case, false)?, &CallContext::inference())?;
    }
    let mut args = arguments(case, true)?;
    let cx = match way {
        "training" => {
            args.keywords.shift_remove("training");
            CallContext::training()
        }
        _ => CallContext::inference(),
    };
    Ok(layer.call(args, &cx)?.leaves().into_iter().cloned().collect())
}

/// Says how outputs differ from those of Keras, if they do.
fn difference(outputs: Result<Vec<Tensor>>, expected: &Value) -> Option<String> {
    let shown = |shape: &Shape, dtype: DType| format!("{dtype} {shape}");
    let Value::List(expected) = expected else { return None };
    let expected: Vec<String> =
        expected.iter().map(|output| shown(&shape_of(output).into(), dtype_of(output).expect("a dtype"))).collect();
    match outputs {
        Ok(outputs) => {
            let found: Vec<String> = outputs.iter().map(|output| shown(output.shape(), output.dtype())).collect();
            let are_read = outputs.iter().all(|output| output.strings().is_ok() || output.to_bytes().is_ok());
            (found != expected || !are_read).then(|| format!("{found:?}, expected {expected:?}"))
        }
        Err(error) => Some(format!("{error}, expected {expected:?}")),
    }
}

fn fixture() -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/empty/empty.json");
    Value::parse(&std::fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn every_layer_class_takes_an_empty_batch_where_keras_does() {
    let fixture = fixture();
    let mut wrong = Vec::new();
    for case in list(&fixture, "cases") {
        let name = dict(case)["name"].as_str().unwrap();
        for (way, expected) in dict(&dict(case)["results"]) {
            let difference = difference(outputs(case, way), expected);
            wrong.extend(difference.map(|difference| format!("{name} ({way}): {difference}")));
        }
    }
    assert!(wrong.is_empty(), "{} differ from Keras:\n{}", wrong.len(), wrong.join("\n"));
}

fn operation(name: &str) -> Result<Vec<Tensor>> {
    let x = Tensor::from_vec(Vec::<f32>::new(), [0, 2])?;
    let weights = Tensor::from_vec(vec![1.0f32; 6], [2, 3])?;
    let (function, axis) = name.split_once(' ').unwrap_or((name, ""));
    let axes = match axis.parse::<i32>() {
        Ok(axis) => Axes::from(axis),
        Err(_) => Axes::all(),
    };
    let axis = axis.parse::<isize>().ok();
    let one = match function {
        "softmax" => ops::softmax(&x, -1),
        "log_softmax" => ops::log_softmax(&x, -1),
        "sparsemax" => ops::sparsemax(&x, -1),
        "relu" => ops::relu(&x),
        "exp" => ops::exp(&x),
        "sort" => ops::sort(&x, -1),
        "argsort" => ops::argsort(&x, -1),
        "sum" => ops::sum(&x, axes, false),
        "mean" => ops::mean(&x, axes, false),
        "prod" => ops::prod(&x, axes, false),
        "max" => ops::max(&x, axes, false),
        "min" => ops::min(&x, axes, false),
        "var" => ops::var(&x, axes, false),
        "std" => ops::std(&x, axes, false),
        "any" => ops::any(&x, axes, false),
        "all" => ops::all(&x, axes, false),
        "logsumexp" => ops::logsumexp(&x, axes, false),
        "argmax" => ops::argmax(&x, axis, false),
        "argmin" => ops::argmin(&x, axis, false),
        "norm" => ops::norm(&x, axes, false),
        "flip" => ops::flip(&x, None),
        "transpose" => ops::transpose(&x, None),
        "reshape" => ops::reshape(&x, &[None, Some(1), Some(2)].into()),
        "expand_dims" => ops::expand_dims(&x, 1),
        "add" => &x + &x,
        "matmul" => x.matmul(&weights),
        "concatenate" => ops::concatenate(&[x.clone(), x], axis.unwrap_or(0)),
        "stack" => ops::stack(&[x.clone(), x], 0),
        "repeat" => ops::repeat(&x, 2, Some(1)),
        "take" => ops::take(&x, &Tensor::from_slice(&[0], [1])?, 1),
        "where" => ops::where_(&x.greater(0)?, &x, &x),
        "clip" => ops::clip(&x, 0.0, 1.0),
        "one_hot" => ops::one_hot(&cast_to(&x, DType::Int32)?, 3),
        "top_k" => return ops::top_k(&x, 1).map(|(values, indices)| vec![values, indices]),
        "squeeze" => ops::squeeze(&x.slice(s![.., ..1])?, 1),
        "einsum" => ops::einsum("ab,bc->ac", &[x, weights]),
        "cast" => cast_to(&x, DType::Int32),
        _ => return Ok(Vec::new()),
    };
    Ok(vec![one?])
}

#[test]
fn operations_take_an_empty_batch_where_keras_does() {
    let fixture = fixture();
    let mut wrong = Vec::new();
    for (name, expected) in dict(&dict(&fixture)["operations"]) {
        match operation(name) {
            Ok(outputs) if outputs.is_empty() => {}
            outputs => wrong.extend(difference(outputs, expected).map(|text| format!("{name}: {text}"))),
        }
    }
    assert!(wrong.is_empty(), "{} differ from Keras:\n{}", wrong.len(), wrong.join("\n"));
}

fn classes(form: &Value, found: &mut Vec<String>) {
    match form {
        Value::Dict(entries) => {
            found.extend(entries.get("class_name").and_then(Value::as_str).map(str::to_owned));
            entries.values().for_each(|value| classes(value, found));
        }
        Value::List(items) => items.iter().for_each(|item| classes(item, found)),
        _ => {}
    }
}

#[test]
fn each_layer_class_has_a_case_of_an_empty_batch_or_a_reason() {
    let fixture = fixture();
    let mut found = Vec::new();
    list(&fixture, "cases").iter().for_each(|case| classes(&dict(case)["layer"], &mut found));
    let reasons = dict(&dict(&fixture)["not_called"]);
    // Names under which Keras exports a class a second time.
    let second = |class: &str| {
        class.replace("Convolution", "Conv").replace("AvgPool", "AveragePooling").replace("MaxPool", "MaxPooling")
    };
    let missing: Vec<&str> = list(&fixture, "classes")
        .iter()
        .filter_map(Value::as_str)
        .filter(|class| !reasons.contains_key(*class) && !found.iter().any(|name| name == class))
        .filter(|class| !found.contains(&second(class)))
        .collect();
    assert!(missing.is_empty(), "no case for {missing:?}");
}
