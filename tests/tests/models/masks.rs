//! Masks through every layer class of `keras.layers`, compared with Keras
//! (`tests/fixtures/masks/make.py`).

use std::path::Path;

use keras_serial::config::ConfigField;
use keras_serial::json::{Dict, Value};
use keras_serial::layers::{Concatenate, Embedding, LayerRef};
use keras_serial::ops::cast_to;
use keras_serial::prelude::*;
use keras_serial::registry::CustomObjects;
use keras_serial::tensor::{CallArgs, CallContext, DType, Item, Nested, Tensor};
use keras_serial_tests::compare::close;

type Checked<T = ()> = Result<T, String>;

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}

fn dict(value: &Value) -> &Dict {
    value.as_dict().expect("a dict")
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    dict(value)[key].as_list().expect("a list")
}

/// Reads a tensor of the fixture, with its mask.
fn tensor(value: &Value) -> Checked<Tensor> {
    let entries = dict(value);
    let dtype: DType = entries["dtype"].as_str().expect("a dtype").parse().map_err(text)?;
    let shape: Vec<usize> =
        list(value, "shape").iter().map(|extent| extent.as_i64().expect("an extent") as usize).collect();
    let number = |value: &Value| match value {
        Value::Bool(truth) => f64::from(u8::from(*truth)),
        // What JSON has no number for is text.
        Value::Str(special) => special.parse().expect("a number"),
        number => number.as_f64().expect("a number"),
    };
    let numbers: Vec<f64> = list(value, "data").iter().map(number).collect();
    let mut x = cast_to(&Tensor::from_vec(numbers, shape).map_err(text)?, dtype).map_err(text)?;
    if let Some(mask) = entries.get("mask") {
        x = x.with_mask(Some(tensor(mask)?));
    }
    Ok(x)
}

/// Returns an argument. Tensors with equal JSON text are created once: they are the same object in
/// Keras.
fn argument(value: &Value, made: &mut Vec<(String, Tensor)>) -> Checked<Nested<Item>> {
    let entries = dict(value);
    if let Some(items) = entries.get("list") {
        let items = items.as_list().expect("a list");
        return Ok(Nested::List(items.iter().map(|item| argument(item, made)).collect::<Checked<_>>()?));
    }
    if let Some(value) = entries.get("value") {
        return Ok(Nested::Leaf(Item::Value(value.clone())));
    }
    let key = value.to_json();
    let known = made.iter().find(|(known, _)| *known == key).map(|(_, x)| x.clone());
    let x = match known {
        Some(x) => x,
        None => tensor(value)?,
    };
    made.push((key, x.clone()));
    Ok(Nested::Leaf(Item::Tensor(x)))
}

fn run(case: &Value) -> Checked {
    let entries = dict(case);
    let layer = LayerRef::deserialize(&entries["layer"], &CustomObjects::new()).map_err(text)?;
    let (mut args, mut made) = (CallArgs::none(), Vec::new());
    for arg in list(case, "args") {
        args.positional.push(argument(arg, &mut made)?);
    }
    for (name, arg) in dict(&entries["kwargs"]) {
        args.keywords.insert(name.clone(), argument(arg, &mut made)?);
    }
    // Builds it, on copies whose masks are their own.
    let copies = args.try_map(&mut |x| Ok(Nested::Leaf(Item::Tensor(x.clone().with_mask(x.mask())))));
    layer.call(copies.map_err(text)?, &CallContext::inference()).map_err(text)?;
    let weights = list(case, "weights").iter().map(tensor).collect::<Checked<Vec<_>>>()?;
    layer.set_weights(&weights).map_err(text)?;
    let outputs = layer.call(args.clone(), &CallContext::inference()).map_err(text)?;
    let (outputs, expected) = (outputs.leaves(), list(case, "outputs"));
    if outputs.len() != expected.len() {
        return Err(format!("{} outputs, expected {}", outputs.len(), expected.len()));
    }
    for (i, (output, expected)) in outputs.into_iter().zip(expected).enumerate() {
        let expected = tensor(expected)?;
        close(&format!("output {i}"), output, &expected, half(&layer).unwrap_or(expected.dtype())).map_err(text)?;
        match (output.mask(), expected.mask()) {
            (None, None) => {}
            (Some(mask), Some(expected)) => close(&format!("mask {i}"), &mask, &expected, DType::Bool).map_err(text)?,
            (mask, expected) => return Err(format!("mask {i}: {mask:?}, expected {expected:?}")),
        }
    }
    let still: Vec<bool> = made.iter().map(|(_, x)| x.mask().is_some()).collect();
    let expected: Vec<bool> = list(case, "still_masked").iter().filter_map(Value::as_bool).collect();
    if still == expected { Ok(()) } else { Err(format!("masks of the inputs: {still:?}, expected {expected:?}")) }
}

fn half(layer: &LayerRef) -> Option<DType> {
    layer.dtype_policy().compute_dtype().ok().filter(|dtype| *dtype == DType::Float16)
}

fn fixture() -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/masks/masks.json");
    Value::parse(&std::fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn a_mask_goes_through_every_layer_class_as_in_keras() {
    let fixture = fixture();
    let cases = list(&fixture, "cases");
    let wrong: Vec<String> = cases
        .iter()
        .filter_map(|case| Some(format!("{}: {}", dict(case)["name"].as_str()?, run(case).err()?)))
        .collect();
    assert!(wrong.is_empty(), "{} of {} differ from Keras:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
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
fn each_layer_class_has_a_case_or_a_reason() {
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

/// Two masked sequences, joined by a layer with a generated name, and read by another.
fn joined() -> Model {
    keras_serial::utils::clear_session();
    let ids = || Input::new([3]).dtype(DType::Int32).tensor().unwrap();
    let (a, b) = (ids(), ids());
    let embedding = Embedding::new(9, 2).mask_zero(true).shared();
    let x = Concatenate::new().apply(vec![embedding.apply(&a).unwrap(), embedding.apply(&b).unwrap()]).unwrap();
    let y = GRU::new(2).apply(&x).unwrap();
    Functional::new(vec![a, b], y).unwrap()
}

fn names(form: &Value) -> Vec<&str> {
    list(&dict(form)["config"], "layers").iter().filter_map(|layer| dict(layer)["name"].as_str()).collect()
}

#[test]
fn masks_are_recorded_in_the_graph_under_names_of_their_own() {
    let form = joined().as_layer().to_value().unwrap();
    let found = names(&form);
    for name in ["not_equal", "not_equal_1", "zeros_like", "logical_or", "concatenate", "concatenate_1", "any", "gru"] {
        assert_eq!(found.iter().filter(|known| **known == name).count(), 1, "{name} in {found:?}");
    }
    let gru = list(&dict(&form)["config"], "layers").iter().find(|layer| dict(layer)["name"].as_str() == Some("gru"));
    let text = dict(gru.unwrap())["inbound_nodes"].to_json();
    assert!(text.contains(r#""mask""#) && text.contains(r#"["any", 0, 0]"#), "{text}");
}

#[test]
fn a_mask_that_is_not_recorded_takes_no_name_of_a_layer() {
    let model = joined();
    let mut form = model.as_layer().to_value().unwrap();
    // As older files are: no operations of masks, and none among the arguments.
    let Value::Dict(entries) = &mut form else { panic!("no form") };
    let Some(Value::Dict(config)) = entries.get_mut("config") else { panic!("no config") };
    let Some(Value::List(layers)) = config.get_mut("layers") else { panic!("no layers") };
    layers.retain(|layer| dict(layer)["module"].as_str() == Some("keras.layers"));
    for layer in layers {
        let Value::Dict(layer) = layer else { panic!("no layer") };
        let Some(Value::List(nodes)) = layer.get_mut("inbound_nodes") else { panic!("no nodes") };
        for node in nodes {
            let Value::Dict(node) = node else { panic!("no node") };
            node.insert("kwargs".into(), Value::Dict(Dict::new()));
        }
    }
    keras_serial::utils::clear_session();
    let again = LayerRef::deserialize(&form, &CustomObjects::new()).unwrap();
    assert!(names(&again.to_value().unwrap()).contains(&"concatenate"));
    again.set_weights(&model.get_weights()).unwrap();
    let ids = || {
        Nested::list([
            Tensor::from_slice(&[1i32, 2, 0], [1, 3]).unwrap(),
            Tensor::from_slice(&[3i32, 0, 0], [1, 3]).unwrap(),
        ])
    };
    let outputs = |layer: &LayerRef| layer.apply(ids()).unwrap().to_vec::<f32>().unwrap();
    assert_eq!(outputs(&again), outputs(model.as_layer()));
}
