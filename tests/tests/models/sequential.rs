//! Counterparts of `keras/src/models/sequential_test.py`, with the same names.

use keras_serial::json::value;
use keras_serial::prelude::*;

use crate::{Same, assert_close, assert_fails, numbers, of_batch, ones, roundtrip, shape, symbol};

fn dense(units: usize) -> LayerRef {
    Dense::new(units).shared()
}

fn built(model: &Model) -> bool {
    format!("{:?}", model.as_layer()).contains("built=true")
}

/// Checks that values and symbols both give this shape.
fn assert_gives(model: &Model, input: &[usize], expected: &str) {
    assert_eq!(shape(&model.predict(numbers(input)).unwrap()), expected);
    assert_eq!(shape(&model.apply(Tensor::symbol(input.to_vec(), DType::Float32)).unwrap()), expected);
}

#[test]
fn test_basic_flow_with_input() {
    let input = || Input::new([2]).batch_size(3).layer();
    let one_by_one = Sequential::named("seq", []).unwrap();
    [input(), dense(4), dense(5)].into_iter().for_each(|layer| one_by_one.add(layer).unwrap());
    one_by_one.summary().unwrap();
    let at_once = Sequential::new([input(), dense(4), dense(5)]).unwrap();
    for model in [&one_by_one, &at_once] {
        assert_eq!((model.layers().len(), model.weights().len()), (2, 4));
        assert!(built(model));
        assert_gives(model, &[3, 2], "(3, 5)");
    }
    at_once.pop().unwrap();
    assert_eq!((at_once.layers().len(), at_once.weights().len()), (1, 2));
    assert!(built(&at_once));
    assert_gives(&at_once, &[3, 2], "(3, 4)");
    at_once.pop().unwrap();
    assert!(!built(&at_once));
}

#[test]
fn test_basic_flow_deferred() {
    let one_by_one = Sequential::named("seq", []).unwrap();
    [dense(4), dense(5)].into_iter().for_each(|layer| one_by_one.add(layer).unwrap());
    assert!(one_by_one.summary().unwrap().contains("0 (unbuilt)"));
    assert_eq!(one_by_one.layers().len(), 2);
    assert!(!built(&one_by_one));
    let at_once = Sequential::new([dense(4), dense(5)]).unwrap();
    for model in [&one_by_one, &at_once] {
        assert_gives(model, &[3, 2], "(3, 5)");
        assert!(built(model));
    }
    assert!(!one_by_one.summary().unwrap().contains("unbuilt"));
    at_once.pop().unwrap();
    assert_eq!((at_once.layers().len(), at_once.weights().len()), (1, 2));
    assert!(built(&at_once));
    assert_gives(&at_once, &[3, 2], "(3, 4)");
}

#[test]
fn test_basic_flow_as_a_submodel() {
    let submodel = Sequential::new([Flatten::new().shared()]).unwrap();
    assert!(!built(&submodel));
    let inputs = symbol([None, Some(4)]);
    let outputs = TimeDistributed::new(submodel).apply(&inputs).unwrap();
    let model = Functional::new(inputs, outputs).unwrap();
    assert_eq!(shape(&model.predict(numbers(&[2, 3, 4])).unwrap()), "(2, 3, 4)");
}

fn assert_builds_on(first: Model) {
    let model = Sequential::new([first.into(), Flatten::new().shared(), dense(1)]).unwrap();
    model.summary().unwrap();
    assert_eq!(model.layers().len(), 3);
    assert!(built(&model));
    assert!(model.layers().iter().all(|layer| format!("{layer:?}").contains("built=true")));
    assert_gives(&model, &[1, 16, 16, 3], "(1, 1)");
}

fn conv() -> LayerRef {
    Conv2D::new(4, 3).padding(Padding::Same).shared()
}

#[test]
fn test_basic_flow_with_functional_model_as_first_layer() {
    let inputs = symbol([16, 16, 3]);
    assert_builds_on(Functional::new(inputs.clone(), conv().apply(&inputs).unwrap()).unwrap());
}

#[test]
fn test_basic_flow_with_sequential_model_as_first_layer() {
    assert_builds_on(Sequential::new([Input::new([16, 16, 3]).layer(), conv()]).unwrap());
}

#[test]
fn test_dict_inputs() {
    let model = Sequential::new([Same::new().shared()]).unwrap();
    let inputs = Nested::dict([("a", numbers(&[3, 2])), ("b", numbers(&[3, 2]))]);
    let outputs = model.predict_all(inputs).unwrap();
    assert!(matches!(outputs, Nested::Dict(_)));
    model.summary().unwrap();
}

#[test]
fn test_list_inputs() {
    let model = Sequential::new([Same::new().shared()]).unwrap();
    let outputs = model.predict_all(vec![numbers(&[3, 2]), numbers(&[3, 2])]).unwrap();
    assert!(matches!(outputs, Nested::List(_)));
    model.summary().unwrap();
}

#[test]
fn test_nested_sequential() {
    let model = Sequential::new([Input::new([16]).layer()]).unwrap();
    let outer = Sequential::new([model.into()]).unwrap();
    assert_eq!(outer.layers().len(), 1);
}

#[test]
fn test_errors() {
    let input = || Input::new([2]).batch_size(3).layer();
    let model = Sequential::new([input()]).unwrap();
    assert_fails(model.add(input()), "already been configured to use input shape (3, 2)");

    let model = Sequential::new([Dense::new(2).name("dense").shared()]).unwrap();
    assert_fails(model.add(Dense::new(2).name("dense")), "should have unique names");
    assert_eq!(model.layers().len(), 1);

    let model = Sequential::new([]).unwrap();
    assert_fails(model.predict(numbers(&[3, 2])), "no layers");

    let model = Sequential::new([input(), dense(2)]).unwrap();
    assert_fails(model.build([3, 4]), "already been configured");
    model.build([3, 2]).unwrap();
}

#[test]
fn test_serialization() {
    let none = CustomObjects::new();
    let x = || numbers(&[2, 3]);
    let model = Sequential::named("seq", [dense(4), dense(5)]).unwrap();
    let json = model.to_json().unwrap();
    let deserialized = model_from_json(&json, &none).unwrap();
    assert_eq!((deserialized.layers().len(), deserialized.to_json().unwrap()), (2, json));
    assert!(!built(&deserialized));

    model.build([2, 3]).unwrap();
    let deserialized = roundtrip(&model, x(), &none);
    assert_eq!(deserialized.layers().len(), 2);
    assert_eq!(deserialized.get_config().unwrap().get("build_input_shape"), Some(&value!([2, 3])));

    let layers = [Input::new([3]).batch_size(2).layer(), dense(4), dense(5), dense(6)];
    assert_eq!(roundtrip(&Sequential::named("seq", layers).unwrap(), x(), &none).layers().len(), 3);

    let model = Sequential::new([Same::new().shared()]).unwrap();
    let objects = CustomObjects::new().with::<Same>();
    assert_eq!(roundtrip(&model, Nested::dict([("a", x()), ("b", x())]), &objects).layers().len(), 1);
}

#[test]
fn test_functional_properties() {
    let model = Sequential::named("seq", [Input::new([2]).layer(), dense(4)]).unwrap();
    let ends = |ends: Option<Nested<Tensor>>| shape(ends.unwrap().single().unwrap());
    assert_eq!((ends(model.inputs()), ends(model.outputs())), ("(None, 2)".to_owned(), "(None, 4)".to_owned()));
    // They are the layers' own symbols: a Functional model can be made of them.
    let inner = Functional::new(model.inputs().unwrap(), model.outputs().unwrap()).unwrap();
    let x = numbers(&[3, 2]);
    assert_close(&inner.predict(&x).unwrap(), &model.predict(&x).unwrap());
}

#[test]
fn test_training_arg() {
    let model = Sequential::new([Dropout::new(0.9).shared()]).unwrap();
    let x = ones(&[8, 8]);
    assert_close(&model.predict(&x).unwrap(), &x);
    let y = model.call(&x, &CallContext::training()).unwrap().into_single().unwrap();
    assert!(y.to_vec::<f32>().unwrap().contains(&0.0));
}

/// Needs two arguments.
#[derive(KerasSerializable)]
#[keras(new)]
struct BadLayer {
    base: LayerBase,
}

impl Layer for BadLayer {
    fn call(&self, inputs: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
        ops::add(inputs.tensor()?, inputs.required("other")?).map(Into::into)
    }

    fn signature(&self) -> Signature {
        Signature::new(&["inputs", "other"])
    }
}

#[test]
fn test_bad_layer() {
    let model = Sequential::named("seq", [BadLayer::new().shared()]).unwrap();
    assert_fails(model.build([None, Some(2)]), "missing argument `other`");
    assert!(!built(&model));
}

#[test]
fn test_compute_output_shape() {
    let model = Sequential::new([dense(4), dense(8)]).unwrap();
    let output = model.compute_output_shape(Shape::from([1, 2])).unwrap();
    assert_eq!(output.single().unwrap().to_string(), "(1, 8)");
}

#[test]
fn test_hasattr() {
    let model = Sequential::new([]).unwrap();
    assert!(model.inputs().is_none() && model.outputs().is_none());
    let model = Sequential::new([Input::new([4]).layer(), dense(8)]).unwrap();
    assert!(model.inputs().is_some() && model.outputs().is_some());
}

#[test]
fn a_batch_of_another_size_is_taken() {
    let model = Sequential::new([Input::new([2]).batch_size(3).layer(), dense(4)]).unwrap();
    assert_eq!(shape(&model.predict(numbers(&[5, 2])).unwrap()), "(5, 4)");
    assert_eq!(shape(&model.apply(of_batch(7, "x", [2])).unwrap()), "(7, 4)");
}
