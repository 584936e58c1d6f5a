//! Feature spaces: the twins of Keras's `feature_space_test`, and what it does not test.

use std::path::Path;

use keras_serial::json::Value;
use keras_serial::prelude::*;
use keras_serial_tests::found::values;

/// Ten samples of eight features; without their texts if so.
fn data(include_strings: bool) -> Nested<Tensor> {
    let floats = || Tensor::from_vec((0..10).map(|i| i as f32 / 10.0).collect::<Vec<_>>(), [10]).unwrap();
    let ints = || Tensor::from_vec((0..10).collect::<Vec<i32>>(), [10]).unwrap();
    let text = || Tensor::from_strings((0..10).map(|i| i.to_string()), [10]).unwrap();
    let mut items = vec![("float_1", floats()), ("float_2", floats()), ("float_3", floats())];
    items.extend([("int_1", ints()), ("int_2", ints()), ("int_3", ints())]);
    if include_strings {
        items.extend([("string_1", text()), ("string_2", text())]);
    }
    Nested::dict(items)
}

/// Some samples of data.
fn rows(data: &Nested<Tensor>, from: usize, count: usize) -> Nested<Tensor> {
    data.map(|x| match x.dtype() {
        DType::String => Tensor::from_strings(x.strings().unwrap()[from..from + count].to_vec(), [count]).unwrap(),
        DType::Int32 => Tensor::from_slice(&x.to_vec::<i32>().unwrap()[from..from + count], [count]).unwrap(),
        _ => Tensor::from_slice(&x.to_vec::<f32>().unwrap()[from..from + count], [count]).unwrap(),
    })
}

/// The first sample, without an axis for a batch.
fn first(data: &Nested<Tensor>) -> Nested<Tensor> {
    rows(data, 0, 1).map(|x| match x.dtype() {
        DType::String => Tensor::from_strings(x.strings().unwrap().to_vec(), Shape::scalar()).unwrap(),
        _ => ops::reshape(x, &Shape::scalar()).unwrap(),
    })
}

/// Batches of four samples.
fn batched(data: &Nested<Tensor>) -> Nested<Tensor> {
    Nested::List(vec![rows(data, 0, 4), rows(data, 4, 4), rows(data, 8, 2)])
}

/// All samples one by one.
fn unbatched(data: &Nested<Tensor>) -> Nested<Tensor> {
    Nested::List((0..10).map(|i| first(&rows(data, i, 1))).collect())
}

const NUMBERS: [(&str, &str); 6] = [
    ("float_1", "float"),
    ("float_2", "float_normalized"),
    ("float_3", "float_discretized"),
    ("int_1", "integer_categorical"),
    ("int_2", "integer_hashed"),
    ("int_3", "integer_categorical"),
];

fn of_all() -> FeatureSpace {
    FeatureSpace::new(NUMBERS).with("string_1", "string_categorical").with("string_2", "string_hashed")
}

fn adapted(space: FeatureSpace, data: impl Into<Nested<Tensor>>) -> Model {
    let space = Model::from(space);
    space.adapt(data).unwrap();
    space
}

fn shape(space: &Model, data: &Nested<Tensor>) -> String {
    space.predict(data.clone()).unwrap().shape().to_string()
}

fn shape_of(outputs: &Nested<Tensor>, name: &str) -> String {
    outputs.get(name).unwrap().single().unwrap().shape().to_string()
}

fn is_int(outputs: &Nested<Tensor>, name: &str) -> bool {
    outputs.get(name).unwrap().single().unwrap().dtype().is_int()
}

fn assert_same(a: &Tensor, b: &Tensor) {
    crate::assert_close(a, b);
}

fn reloaded(model: &Model) -> Model {
    LoadOptions::new().load_model_from_bytes(SaveOptions::new().save_model_to_bytes(model).unwrap()).unwrap()
}

#[test]
fn test_basic_usage_no_strings() {
    let data = data(false);
    let space = FeatureSpace::new(NUMBERS).crosses([("int_1", "int_2"), ("int_2", "int_3")]);
    let space = adapted(space, unbatched(&data));
    space.adapt(batched(&data)).unwrap();
    assert_eq!(shape(&space, &first(&data)), "(152,)");
    assert_eq!(shape(&space, &data), "(10, 152)");
}

#[test]
fn test_output_mode_dict_no_strings() {
    let data = data(false);
    let space = FeatureSpace::new(NUMBERS).crosses([["int_1", "int_2"]]).output_mode(FeatureOutput::Dict);
    let space = adapted(space, unbatched(&data));
    let one = space.predict_all(first(&data)).unwrap();
    assert_eq!(one.leaves().len(), 7);
    assert_eq!((shape_of(&one, "int_2"), shape_of(&one, "int_1_X_int_2")), ("(32,)".into(), "(32,)".into()));
    let all = space.predict_all(data).unwrap();
    assert_eq!((all.leaves().len(), shape_of(&all, "int_2")), (7, "(10, 32)".into()));
}

#[test]
fn test_output_mode_dict_of_ints_no_strings() {
    let data = data(false);
    let space = FeatureSpace::new(NUMBERS)
        .with("int_1", FeatureSpace::integer_categorical().output_mode(FeatureEncoding::Int))
        .with("int_2", FeatureSpace::integer_hashed(32).output_mode(FeatureEncoding::Int))
        .with("int_3", FeatureSpace::integer_categorical().output_mode(FeatureEncoding::Int))
        .crosses([FeatureSpace::cross(["int_1", "int_2"], 32).output_mode(FeatureEncoding::Int)])
        .output_mode(FeatureOutput::Dict);
    let one = adapted(space, data.clone()).predict_all(first(&data)).unwrap();
    assert_eq!(one.leaves().len(), 7);
    for name in ["int_2", "int_1_X_int_2"] {
        assert!(shape_of(&one, name) == "(1,)" && is_int(&one, name));
    }
}

#[test]
fn test_basic_usage() {
    let data = data(true);
    let space = of_all().crosses([("float_3", "string_1"), ("string_2", "int_2")]);
    let space = adapted(space, unbatched(&data));
    space.adapt(batched(&data)).unwrap();
    assert_eq!(shape(&space, &first(&data)), "(195,)");
    assert_eq!(shape(&space, &data), "(10, 195)");
}

#[test]
fn test_output_mode_dict() {
    let data = data(true);
    let space = of_all().crosses([("float_3", "string_1"), ("string_2", "int_2")]).output_mode(FeatureOutput::Dict);
    let space = adapted(space, unbatched(&data));
    for (data, batch) in [(first(&data), "("), (data, "(10, ")] {
        let outputs = space.predict_all(data).unwrap();
        assert_eq!(outputs.leaves().len(), 10);
        for (name, extent) in [("string_1", 11), ("int_2", 32), ("string_2_X_int_2", 32)] {
            let expected = if batch == "(" { format!("({extent},)") } else { format!("{batch}{extent})") };
            assert_eq!(shape_of(&outputs, name), expected);
        }
    }
}

#[test]
fn test_output_mode_dict_of_ints() {
    let data = data(true);
    let int = FeatureEncoding::Int;
    let space = of_all()
        .with("string_1", FeatureSpace::string_categorical().output_mode(int))
        .with("string_2", FeatureSpace::string_hashed(32).output_mode(int))
        .with("int_1", FeatureSpace::integer_categorical().output_mode(int))
        .with("int_2", FeatureSpace::integer_hashed(32).output_mode(int))
        .with("int_3", FeatureSpace::integer_categorical().output_mode(int))
        .crosses([("float_3", "string_1"), ("string_2", "int_2")].map(|(a, b)| Cross::new([a, b], 32).output_mode(int)))
        .output_mode(FeatureOutput::Dict);
    let outputs = adapted(space, data.clone()).predict_all(first(&data)).unwrap();
    assert_eq!(outputs.leaves().len(), 10);
    for name in ["string_1", "int_2", "string_2_X_int_2"] {
        assert!(shape_of(&outputs, name) == "(1,)" && is_int(&outputs, name));
    }
}

fn labels() -> Tensor {
    Tensor::from_slice(&[0.0f32, 1.0, 0.0, 1.0, 0.0, 0.0, 1.0, 0.0, 1.0, 1.0], [10, 1]).unwrap()
}

fn head(space: &Model) -> (Nested<Tensor>, Nested<Tensor>, Tensor) {
    let space = FeatureSpace::of(space).unwrap();
    let (inputs, features) = (space.get_inputs().unwrap(), space.get_encoded_features().unwrap());
    let outputs = Dense::new(1).apply(features.single().unwrap()).unwrap();
    (inputs, features, outputs)
}

#[test]
fn test_functional_api_sync_processing() {
    let data = data(true);
    let space = adapted(of_all().crosses([("float_3", "string_1"), ("string_2", "int_2")]), data.clone());
    let (inputs, _, outputs) = head(&space);
    let model = Functional::new(inputs, outputs).unwrap();
    model.compile(Compile::new("adam", "mse")).unwrap();
    model.fit((data.clone(), labels()), Fit::new().batch_size(4).verbose(0)).unwrap();
    model.evaluate((data.clone(), labels()), Evaluate::new().batch_size(4).verbose(0)).unwrap();
    assert_same(&reloaded(&model).predict(data.clone()).unwrap(), &model.predict(data).unwrap());
}

#[test]
fn test_tf_data_async_processing() {
    let data = data(false);
    let space = adapted(FeatureSpace::new(NUMBERS).crosses([("float_3", "int_1"), ("int_1", "int_2")]), data.clone());
    let (inputs, features, outputs) = head(&space);
    let model = Functional::new(features.clone(), outputs).unwrap();
    model.compile(Compile::new("adam", "mse")).unwrap();
    let encoded = space.predict(data.clone()).unwrap();
    model.fit((&encoded, &labels()), Fit::new().batch_size(4).verbose(0)).unwrap();
    // What is trained on encoded features goes behind the space for inference.
    let whole = Functional::new(inputs, model.call(features, &CallContext::inference()).unwrap()).unwrap();
    let expected = model.predict(encoded).unwrap();
    assert_same(&whole.predict(data.clone()).unwrap(), &expected);
    assert_same(&reloaded(&whole).predict(data).unwrap(), &expected);
}

#[test]
fn test_advanced_usage() {
    let data = data(true);
    let space = FeatureSpace::new([("float_1", FeatureSpace::float()), ("float_2", FeatureSpace::float_normalized())])
        .with("float_3", FeatureSpace::float_discretized(3))
        .with("string_1", FeatureSpace::string_categorical().max_tokens(5))
        .with("string_2", FeatureSpace::string_hashed(32))
        .with("int_1", FeatureSpace::integer_categorical().max_tokens(5).num_oov_indices(2))
        .with("int_2", FeatureSpace::integer_hashed(32))
        .with("int_3", FeatureSpace::integer_categorical().max_tokens(5))
        .crosses([FeatureSpace::cross(["float_3", "string_1"], 32), FeatureSpace::cross(["string_2", "int_2"], 32)]);
    assert_eq!(shape(&adapted(space, data.clone()), &first(&data)), "(148,)");
}

#[test]
fn test_manual_kpl() {
    let text = Tensor::from_strings(["1st string", "2nd string", "3rd string"], [3]).unwrap();
    let data = Nested::dict([("text", text)]);
    let layer = TextVectorization::new().output_mode(OutputMode::TfIdf);
    let space = FeatureSpace::new([("text", Feature::new(DType::String, layer, FeatureEncoding::Float))]);
    assert_eq!(shape(&adapted(space, data.clone()), &data), "(3, 5)");
}

#[test]
fn test_no_adapt() {
    let words = ["This is", "not just", "an example", "of random words.", "these are", "some words", "in", "a random"];
    let words = words.into_iter().chain(["example.", "Bye!"]);
    let floats = [-1.2f32, 0.0, 2.4, 1.2, 15.0, -100.0, 23.1, 3.12, 0.1, -0.01];
    let data = Nested::dict([
        ("int_1", Tensor::from_vec((0..10).collect::<Vec<i32>>(), [10]).unwrap()),
        ("text_1", Tensor::from_strings(words, [10]).unwrap()),
        ("float_1", Tensor::from_slice(&floats, [10]).unwrap()),
    ]);
    let vocabulary = ["this", "is", "just", "an", "example", "with", "some", "words"].map(String::from);
    let text = TextVectorization::new().vocabulary(vocabulary.to_vec()).output_sequence_length(3);
    let space = FeatureSpace::new([("int_1", "integer_hashed")])
        .with("text_1", FeatureSpace::feature(DType::String, text, FeatureEncoding::Int))
        .with(
            "float_1",
            FeatureSpace::feature(
                DType::Float32,
                Normalization::new().mean(12.0).variance(5.0),
                FeatureEncoding::Float,
            ),
        )
        .output_mode(FeatureOutput::Dict);
    let outputs = Model::from(space).predict_all(data).unwrap();
    assert_eq!(shape_of(&outputs, "int_1"), "(10, 32)");
    assert_eq!(shape_of(&outputs, "text_1"), "(10, 3)");
    let expected = floats.map(|x| (x - 12.0) / 5.0f32.sqrt());
    let expected = Tensor::from_slice(&expected, [10, 1]).unwrap();
    assert_same(outputs.get("float_1").unwrap().single().unwrap(), &expected);
}

#[test]
fn test_saving() {
    let data = data(false);
    let space = FeatureSpace::new([("float_1", FeatureSpace::float()), ("float_2", FeatureSpace::float_normalized())])
        .with("float_3", FeatureSpace::float_discretized(3))
        .with("int_1", FeatureSpace::integer_categorical().max_tokens(5).num_oov_indices(2))
        .with("int_2", FeatureSpace::integer_hashed(32))
        .with("int_3", FeatureSpace::integer_categorical().max_tokens(5))
        .crosses([FeatureSpace::cross(["float_3", "int_1"], 32), FeatureSpace::cross(["int_1", "int_2"], 32)]);
    let space = adapted(space, data.clone());
    let expected = space.predict(first(&data)).unwrap();
    let loaded = reloaded(&space);
    // Saved again before it is called.
    let again = reloaded(&loaded);
    for space in [&loaded, &again] {
        assert_same(&space.predict(first(&data)).unwrap(), &expected);
    }
    let loaded = FeatureSpace::of(&loaded).unwrap();
    let model = Functional::new(loaded.get_inputs().unwrap(), loaded.get_encoded_features().unwrap()).unwrap();
    let outputs = model.predict(data).unwrap().to_vec::<f32>().unwrap();
    assert_same(
        &Tensor::from_slice(&outputs[..expected.shape().last().unwrap()], expected.shape()).unwrap(),
        &expected,
    );
}

fn two() -> FeatureSpace {
    FeatureSpace::new([("f1", "integer_categorical"), ("f2", "integer_categorical")])
}

fn zeros() -> Tensor {
    Tensor::from_slice(&[0i32], [1]).unwrap()
}

fn assert_refused<T>(result: Result<T>, parts: &[&str]) {
    let Err(error) = result else { panic!("expected an error with {parts:?}") };
    let text = error.to_string();
    assert!(parts.iter().all(|part| text.contains(part)), "{text}");
}

#[test]
fn test_errors() {
    let none: [(&str, &str); 0] = [];
    assert_refused(FeatureSpace::new(none).check(), &["cannot be None or empty"]);
    assert_refused(two().crosses([("f1", "f2")]).crossing_dim(None).check(), &["`crossing_dim`"]);
    assert_refused(two().crosses([("f1", "unknown")]).check(), &["should be present in ", "unknown features: unknown"]);
    let mut config = two().get_config().unwrap();
    config.insert("output_mode".into(), "unknown".into());
    assert_refused(FeatureSpace::from_config(&config), &["output_mode", "\"concat\", \"dict\"", "unknown"]);
    let data = Nested::dict([("f1", zeros()), ("f2", zeros())]);
    assert_refused(Model::from(two()).predict(data), &["You need to call `.adapt", "f1, f2"]);
    assert_refused(two().get_encoded_features(), &["You need to call `.adapt"]);
    assert_refused(two().get_inputs(), &["You need to call `.adapt"]);
}

#[test]
fn test_adapt_with_dict() {
    let data = data(true);
    let space = adapted(of_all().crosses([("float_3", "string_1"), ("string_2", "int_2")]), data.clone());
    assert_eq!(shape(&space, &first(&data)), "(195,)");
}

fn plain() -> Model {
    Model::from(FeatureSpace::new([("a", "float"), ("h", "integer_hashed")]))
}

#[test]
fn wrong_data_are_errors() {
    let (a, h) = (Tensor::from_slice(&[1.0f32, 2.0], [2]).unwrap(), Tensor::from_slice(&[1i32, 2], [2]).unwrap());
    assert_refused(plain().predict(Nested::dict([("a", a.clone())])), &["feature `h`", "the keys a"]);
    let more = [("a", a.clone()), ("h", h.clone()), ("z", h.clone())];
    assert_refused(plain().predict(Nested::dict(more)), &["unknown feature `z`", "the features a, h"]);
    assert_refused(plain().predict(a.clone()), &["A FeatureSpace can only be called with a dict"]);
    let one = Tensor::scalar(1.0f32).unwrap();
    assert!(plain().predict(Nested::dict([("a", one), ("h", h.clone())])).is_err());
    assert_refused(plain().predict(Nested::dict([("a", zeros()), ("h", h)])), &["Data cardinality is ambiguous"]);
    let strings = Tensor::from_strings(["x", "y"], [2]).unwrap();
    assert!(plain().predict(Nested::dict([("a", strings), ("h", a)])).is_err());
    assert_refused(Model::from(two()).adapt(zeros()), &["a dict of tensors"]);
    assert_refused(Model::from(two()).adapt(Nested::dict([("f1", zeros())])), &["feature `f2`"]);
}

#[test]
fn wrong_features_are_errors() {
    assert_refused(FeatureSpace::new([("a", "flot")]).check(), &["Invalid feature type: flot", "`float`"]);
    let hashed = || FeatureSpace::new([("a", "string_hashed")]);
    assert_refused(hashed().hashing_dim(None).check(), &["`hashing_dim`"]);
    let cross = Cross::new(["a", "b"], 3).output_mode(FeatureEncoding::Float);
    assert_refused(hashed().with("b", "float").crosses([cross]).check(), &["output_mode=float"]);
    let index = FeatureSpace::integer_hashed(3).output_mode(FeatureEncoding::Int);
    let space = FeatureSpace::new([("a", "float")]).with("h", index);
    assert_refused(
        space.get_inputs(),
        &["feature 'h' has not been encoded (it has dtype int64)", "FeatureOutput::Dict"],
    );
    let one_hot =
        |layer: LayerRef| FeatureSpace::new([("a", Feature::new(DType::Int32, layer, FeatureEncoding::OneHot))]);
    let floats = one_hot(Rescaling::new(2.0).shared());
    assert_refused(floats.get_inputs(), &["should return an integer dtype", "a float32 dtype"]);
    assert_refused(one_hot(Identity::new().shared()).get_inputs(), &["isn't a standard feature"]);
    assert_refused(FeatureSpace::of(&Dense::new(1).shared()), &["FeatureSpace"]);
}

#[test]
fn broken_files_are_errors() {
    let form = keras_serial::registry::serialize_keras_object(&plain().as_layer().clone()).unwrap();
    let with = |old: &str, new: &str| {
        let text = form.to_json();
        assert!(text.contains(old), "{text}");
        keras_serial::models::model_from_json(&text.replace(old, new), &CustomObjects::new()).map(drop)
    };
    assert!(with("concat", "dict").is_ok());
    assert_refused(with("\"output_mode\": \"float\"", "\"output_mode\": 3"), &["features", "output_mode"]);
    assert_refused(with("\"dtype\": \"int32\"", "\"dtype\": \"int33\""), &["dtype", "int32"]);
    assert_refused(with("\"crosses\": []", "\"crosses\": [[\"a\", \"x\"]]"), &["crosses[0]", "unknown features: x"]);
    assert_refused(with("\"crosses\": []", "\"crosses\": [7]"), &["crosses", "Cross"]);
    assert_refused(with("\"build_config\": {\"a\"", "\"build_config\": {\"q\""), &["no feature `q`"]);
    assert_refused(with("\"hashing_dim\"", "\"hash_dim\""), &["unknown entry `hash_dim`"]);
}

#[test]
fn a_space_that_is_adapted_again_encodes_anew() {
    let space = adapted(two(), Nested::dict([("f1", zeros()), ("f2", zeros())]));
    let more = Tensor::from_slice(&[1i32, 2, 3], [3]).unwrap();
    let data = Nested::dict([("f1", more.clone()), ("f2", more)]);
    assert_eq!(shape(&space, &data), "(3, 4)");
    space.adapt(data.clone()).unwrap();
    assert_eq!(shape(&space, &data), "(3, 8)");
}

#[test]
fn a_space_is_no_layer_of_a_graph() {
    let a = Input::new([1]).name("a").tensor().unwrap();
    let h = Input::new([1]).name("h").dtype(DType::Int32).tensor().unwrap();
    let inputs = Nested::dict([("a", a), ("h", h)]);
    assert_refused(plain().call(inputs, &CallContext::inference()), &["no layer of a graph", "get_encoded_features"]);
    let shapes = Nested::dict(["a", "h"].map(|name| (name, Shape::from([None, Some(1)]))));
    assert_eq!(plain().compute_output_shape(shapes).unwrap().single().unwrap().to_string(), "(None, 33)");
}

/// A model that encodes what it gets.
#[register(package = "Spaces")]
#[derive(KerasSerializable)]
#[keras(model, new)]
struct Encoder {
    base: LayerBase,
    space: LayerRef,
    dense: LayerRef,
}

impl Layer for Encoder {
    fn call(&self, inputs: &CallArgs, cx: &CallContext) -> Result<Nested<Tensor>> {
        self.dense.call(self.space.call(inputs.inputs()?, cx)?, cx)
    }
}

#[test]
fn a_space_is_part_of_a_model_of_ones_own() {
    let data = data(true);
    let space = of_all().crosses([("float_3", "string_1")]).shared();
    space.adapt(data.clone()).unwrap();
    let model = Model::from(Encoder::new(space, Dense::new(2)));
    let expected = model.predict(data.clone()).unwrap();
    assert_same(&reloaded(&model).predict(data).unwrap(), &expected);
}

#[test]
fn boundaries_of_bins_can_be_given() {
    let feature = FeatureSpace::float_discretized(None).bin_boundaries([0.0, 1.0]);
    let data = Nested::dict([("a", Tensor::from_slice(&[-1.0f32, 0.5, 2.0], [3]).unwrap())]);
    let space = FeatureSpace::new([("a", feature)]);
    assert_refused(space.get_inputs(), &["feature 'a' has not been encoded (it has dtype int32)"]);
    let space = Model::from(space.output_mode(FeatureOutput::Dict));
    let bins = space.predict_all(data).unwrap();
    assert_eq!(bins.get("a").unwrap().single().unwrap().to_vec::<i32>().unwrap(), [0, 1, 2]);
}

/// What `tests/fixtures/found/make/cases.py` adapts to the case's inputs, of which Keras's file has the
/// results.
#[test]
fn data_are_learned_as_keras_learns_them() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/found/feature_space.json");
    let case = Value::parse(&std::fs::read_to_string(path).unwrap()).unwrap();
    let tensors = |name: &str| values::tensors(case.get(name).unwrap()).unwrap();
    let kinds = [("age", "float_normalized"), ("income", "float"), ("city", "string_hashed")];
    let space = FeatureSpace::new(kinds)
        .with("weight", FeatureSpace::float_discretized(3).name("in_bins"))
        .with("height", FeatureSpace::float_rescaled().scale(2.0).offset(-1.0))
        .with("job", FeatureSpace::string_categorical())
        .with("code", FeatureSpace::integer_categorical().max_tokens(4).num_oov_indices(2))
        .with("zone", FeatureSpace::integer_hashed(3))
        .with(
            "share",
            FeatureSpace::feature(DType::Float32, Normalization::new().mean(0.5).variance(4.0), FeatureEncoding::Float),
        )
        .crosses([("job", "code")])
        .crosses([FeatureSpace::cross(["weight", "city"], 7)])
        .crossing_dim(5)
        .hashing_dim(4);
    let space = adapted(space, tensors("inputs"));
    assert_same(&space.predict(tensors("inputs")).unwrap(), tensors("outputs").single().unwrap());
    assert!(space.summary().unwrap().contains("job_X_code"));
}

#[test]
fn a_space_that_is_not_adapted_is_not_saved() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("space.keras");
    assert_refused(Model::from(two()).save(&path), &["You need to call `.adapt", "or save it", "f1, f2"]);
    plain().save(&path).unwrap();
    assert_eq!(load_model(&path).unwrap().class_name(), "FeatureSpace");
}
