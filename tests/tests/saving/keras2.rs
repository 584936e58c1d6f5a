//! Files that tf_keras wrote (`fixtures/keras2/make.py`): loaded, compared with its outputs, and saved
//! in the format of Keras 3.

use std::path::{Path, PathBuf};

use keras_serial::json::Value;
use keras_serial::object::Handle;
use keras_serial::ops::cast_to;
use keras_serial::prelude::*;
use keras_serial::saving::{LoadOptions, SaveOptions};
use keras_serial::tensor::{DType, Nested};
use keras_serial_tests::compare::close;

fn tensor(value: &Value) -> Option<Tensor> {
    let shape: Vec<usize> =
        value.get("shape")?.as_list()?.iter().map(|extent| extent.as_i64().unwrap() as usize).collect();
    let dtype: DType = value.get("dtype")?.as_str()?.parse().unwrap();
    let numbers = value.get("data")?.as_list()?.iter().map(|number| match number {
        Value::Bool(flag) => f64::from(*flag),
        number => number.as_f64().unwrap(),
    });
    Some(cast_to(&Tensor::from_vec(numbers.collect::<Vec<f64>>(), shape).unwrap(), dtype).unwrap())
}

fn structure(value: &Value) -> Nested<Tensor> {
    if let Some(tensor) = tensor(value) {
        return Nested::Leaf(tensor);
    }
    match (value.get("list"), value.get("dict")) {
        (Some(Value::List(items)), _) => Nested::List(items.iter().map(structure).collect()),
        (_, Some(Value::Dict(items))) => Nested::Dict(items.iter().map(|(k, v)| (k.clone(), structure(v))).collect()),
        _ => panic!("no structure of tensors: {value:?}"),
    }
}

fn same(what: &str, actual: &Nested<Tensor>, expected: &Nested<Tensor>) {
    if let (Nested::Dict(actual), Nested::Dict(expected)) = (actual, expected) {
        assert_eq!(actual.len(), expected.len(), "{what}");
        return expected.iter().for_each(|(name, expected)| same(&format!("{what}.{name}"), &actual[name], expected));
    }
    let (actual, expected) = (actual.leaves(), expected.leaves());
    assert_eq!(actual.len(), expected.len(), "{what}");
    for (actual, expected) in actual.into_iter().zip(expected) {
        assert_eq!(actual.dtype(), expected.dtype(), "{what}");
        if let Err(failure) = close(what, actual, expected, DType::Float32) {
            panic!("{failure}");
        }
    }
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/keras2")
}

/// Loads a file of Keras 2 and compares its outputs, and again after a round trip.
fn check(path: &Path) -> Model {
    let name = path.file_stem().unwrap().to_string_lossy().into_owned();
    let text = std::fs::read_to_string(path.with_extension("json")).unwrap();
    let case = Value::parse(&text).unwrap();
    let (inputs, outputs) = (structure(case.get("inputs").unwrap()), structure(case.get("outputs").unwrap()));
    let model = LoadOptions::new().load_model(path).unwrap_or_else(|error| panic!("{name}: {error}"));
    same(&name, &model.predict_all(inputs.clone()).unwrap(), &outputs);
    let target = tempfile::tempdir().unwrap();
    let target = target.path().join("again.keras");
    SaveOptions::new().save_model(&model, &target).unwrap();
    let again = LoadOptions::new().load_model(&target).unwrap_or_else(|error| panic!("{name} again: {error}"));
    same(&name, &again.predict_all(inputs).unwrap(), &outputs);
    assert_eq!(again.is_compiled(), model.is_compiled(), "{name}");
    model
}

#[test]
fn files_of_keras_2_give_its_outputs() {
    let mut count = 0;
    for entry in std::fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "h5" || extension == "keras") {
            check(&path);
            count += 1;
        }
    }
    assert_eq!(count, 28);
}

#[test]
fn the_state_of_a_legacy_optimizer_comes_along_with_its_decay() {
    let model = check(&folder().join("opt_legacy_Adam_h5.h5"));
    let optimizer = model.optimizer().unwrap();
    let config = optimizer.serialize().unwrap();
    let rate = config.get("config").and_then(|config| config.get("learning_rate")).unwrap();
    assert_eq!(rate.get("class_name").and_then(Value::as_str), Some("InverseTimeDecay"));
    // One step, and two moments of each of four weights.
    assert_eq!(optimizer.variables().unwrap().len(), 9);
}

#[test]
fn metrics_of_keras_2_lose_the_names_of_their_outputs() {
    let model = check(&folder().join("compiled_dict_h5.h5"));
    let config = model.get_compile_config().unwrap().unwrap();
    let metric = config.get("metrics").and_then(|metrics| metrics.get("a")?.as_list()?.first().cloned()).unwrap();
    assert_eq!(metric.get("class_name").and_then(Value::as_str), Some("MeanAbsoluteError"));
    assert_eq!(
        metric.get("config").and_then(|config| config.get("name")?.as_str().map(str::to_owned)).as_deref(),
        Some("mae")
    );
}
