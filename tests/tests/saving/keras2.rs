//! Files that tf_keras wrote (`fixtures/keras2/make.py`): loaded, compared with its outputs, and saved
//! in the format of Keras 3.

use std::f32::consts::LN_2;
use std::path::{Path, PathBuf};

use keras_serial::json::Value;
use keras_serial::layers::StringLookup;
use keras_serial::ops::cast_to;
use keras_serial::prelude::*;
use keras_serial::saving::{H5Attr, Limits, LoadOptions, ModelFile, SaveOptions};
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

/// The names and values of an optimizer's state in a legacy file.
fn state(path: &Path) -> Vec<(String, Vec<u8>)> {
    let file = ModelFile::open(path, &Limits::default()).unwrap();
    let group = file.weights().unwrap().group("optimizer_weights").unwrap().clone();
    let Some(H5Attr::StrList(names)) = group.attrs.get("weight_names") else { panic!("no names") };
    let value = |name: &String| group.tensor(name).unwrap().read().unwrap().data.to_vec();
    names.iter().map(|name| (name.clone(), value(name))).collect()
}

#[test]
fn a_compile_state_that_is_not_read_goes_back_into_legacy_files_alone() {
    let home = tempfile::tempdir().unwrap();
    let path = folder().join("kept/unknown_optimizer.h5");
    assert!(LoadOptions::new().load_model(&path).unwrap_err().to_string().contains("Slow"));
    let unread = LoadOptions::new().compile(false);
    let (mut from, mut model) = (path.clone(), unread.load_model(&path).unwrap());
    for round in 0..2 {
        let again = home.path().join(format!("{round}.h5"));
        SaveOptions::new().save_model(&model, &again).unwrap();
        // The file is of Keras 3, but for its compile state, which an old Keras finds as it wrote it.
        assert!(LoadOptions::new().load_model(&again).unwrap_err().to_string().contains("Slow"));
        assert_eq!(state(&again), state(&from));
        let (loaded, report) = unread.load_model_with_report(std::fs::read(&again).unwrap()).unwrap();
        assert!(
            report.notes.iter().any(|note| note.contains("the compile state of Keras 2.2.4")),
            "{:?}",
            report.notes
        );
        (from, model) = (again, loaded);
    }
    let keras = home.path().join("model.keras");
    SaveOptions::new().save_model(&model, &keras).unwrap();
    let file = ModelFile::open(&keras, &Limits::default()).unwrap();
    assert_eq!(file.config().unwrap().get("compile_config"), Some(&Value::Dict(Default::default())));
    assert!(file.weights().unwrap().group("optimizer").is_none());
    assert!(!LoadOptions::new().load_model(&keras).unwrap().is_compiled());
}

#[test]
fn rates_and_decays_of_keras_2_are_upgraded_though_the_model_is_not_compiled() {
    let home = tempfile::tempdir().unwrap();
    let model = LoadOptions::new().compile(false).load_model(folder().join("opt_legacy_Adam_h5.h5")).unwrap();
    assert!(!model.is_compiled());
    for name in ["model.keras", "model.h5"] {
        let path = home.path().join(name);
        SaveOptions::new().save_model(&model, &path).unwrap();
        let (again, report) = LoadOptions::new().load_model_with_report(std::fs::read(&path).unwrap()).unwrap();
        assert!(again.is_compiled() && report.notes.is_empty(), "{name}: {:?}", report.notes);
        assert_eq!(again.optimizer().unwrap().variables().unwrap().len(), 9, "{name}");
    }
}

#[test]
fn an_empty_term_at_the_end_of_a_vocabulary_is_kept() {
    let model = LoadOptions::new().load_model(folder().join("kept/terms.keras")).unwrap();
    let y = model.predict(Tensor::from_strings(["a", "", "c", "b"], [2, 2]).unwrap()).unwrap();
    let expected = [0.0, 0.5108256, 0.0, LN_2, 0.6323733, 0.0, LN_2, 0.0];
    for (y, expected) in y.to_vec::<f32>().unwrap().into_iter().zip(expected) {
        assert!((y - expected).abs() < 1e-6, "{y}, expected {expected}");
    }
}

#[test]
fn a_legacy_file_does_not_lose_a_vocabulary() {
    let lookup = StringLookup::new().shared();
    lookup.adapt(Tensor::from_strings(["a", "b"], [2]).unwrap()).unwrap();
    let x = Input::new([1]).dtype(DType::String).tensor().unwrap();
    let model = Functional::new(x.clone(), lookup.apply(&x).unwrap()).unwrap();
    let home = tempfile::tempdir().unwrap();
    let error = SaveOptions::new().save_model(&model, home.path().join("model.h5")).unwrap_err();
    assert!(error.to_string().contains("vocabulary.txt"), "{error}");
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
