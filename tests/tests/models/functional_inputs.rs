//! Inputs of Functional models: optional ones, unused ones, and structures of them.

use keras_serial::prelude::*;

use crate::functional::{call, dict};
use crate::{OptionalInputLayer, assert_close, assert_fails, named, of_batch, ones, shape, symbol, zeros};

fn deeply_nested() -> Model {
    let inputs = [symbol([1]), symbol([2]), symbol([3])];
    let outputs: Vec<Tensor> =
        inputs.iter().enumerate().map(|(i, input)| Dense::new(i + 1).apply(input).unwrap()).collect();
    Functional::new(deep(&inputs), deep(&outputs)).unwrap()
}

/// `{"1": …, "others": {"2": …, "3": …}}`
fn deep(tensors: &[Tensor]) -> Nested<Tensor> {
    let others = Nested::dict([("2", tensors[1].clone()), ("3", tensors[2].clone())]);
    Nested::Dict(
        [("1".to_owned(), Nested::Leaf(tensors[0].clone())), ("others".to_owned(), others)].into_iter().collect(),
    )
}

#[test]
fn test_deeply_nested_model() {
    let model = deeply_nested();
    let values = deep(&[ones(&[2, 1]), ones(&[2, 2]), ones(&[2, 3])]);
    let symbols = deep(&[of_batch(2, "x", [1]), of_batch(2, "y", [2]), of_batch(2, "z", [3])]);
    let outputs = call(&model, values.clone()).unwrap();
    for outputs in [&outputs, &call(&model, symbols).unwrap()] {
        assert_eq!(outputs.paths(), ["1", "others.2", "others.3"]);
        assert_eq!(outputs.leaves().into_iter().map(shape).collect::<Vec<_>>(), ["(2, 1)", "(2, 2)", "(2, 3)"]);
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("deeply_nested.keras");
    model.save(&file).unwrap();
    let again = call(&load_model(&file).unwrap(), values).unwrap();
    for (a, b) in outputs.leaves().into_iter().zip(again.leaves()) {
        assert_close(a, b);
    }
}

/// A model of a required and an optional input, called by position or by name.
fn optional_model(by_name: bool, optional: bool) -> Model {
    let i1 = named("input1", [2]);
    let i2 = Input::new([2]).name("input2").optional(optional).tensor().unwrap();
    let outputs = OptionalInputLayer::new().apply(CallArgs::one(i1.clone()).and(i2.clone())).unwrap();
    match by_name {
        true => Functional::new(dict([("input1", &i1), ("input2", &i2)]), outputs).unwrap(),
        false => Functional::new(vec![i1, i2], outputs).unwrap(),
    }
}

fn without_second() -> [Nested<Tensor>; 2] {
    let items = [("input1".to_owned(), Nested::Leaf(ones(&[2, 2]))), ("input2".to_owned(), Nested::None)];
    [Nested::List(vec![Nested::Leaf(ones(&[2, 2])), Nested::None]), Nested::Dict(items.into_iter().collect())]
}

#[test]
fn test_optional_inputs() {
    let [list, _] = without_second();
    let model = optional_model(false, true);
    assert_close(&model.predict(list).unwrap(), &ones(&[2, 2]));
    let both = model.predict(vec![ones(&[2, 2]), ones(&[2, 2])]).unwrap();
    assert_eq!(both.to_vec::<f32>().unwrap(), [2.0; 4]);
}

#[test]
fn test_optional_dict_inputs() {
    let [_, dict] = without_second();
    assert_close(&optional_model(true, true).predict(dict).unwrap(), &ones(&[2, 2]));
}

#[test]
fn test_unmodified_inputs() {
    let (i1, i2) = (named("input1", [2]), named("input2", [2]));
    let outputs = dict([("output1", &ops::multiply(&i1, 2).unwrap()), ("output2", &i2)]);
    let model = Functional::new(dict([("input1", &i1), ("input2", &i2)]), outputs).unwrap();
    let outputs = call(&model, dict([("input1", &ones(&[2, 2])), ("input2", &zeros(&[2, 2]))])).unwrap();
    let values: Vec<Vec<f32>> = outputs.leaves().into_iter().map(|t| t.to_vec::<f32>().unwrap()).collect();
    assert_eq!(values, [[2.0; 4], [0.0; 4]]);
    let outputs = call(&model, dict([("input1", &symbol([2])), ("input2", &symbol([2]))])).unwrap();
    assert_eq!(outputs.paths(), ["output1", "output2"]);
    assert!(outputs.leaves().into_iter().all(|output| shape(output) == "(None, 2)"));
}

#[test]
fn test_unused_inputs() {
    let (i1, i2) = (named("input1", [2]), named("input2", [2]));
    let model = Functional::new(dict([("input1", &i1), ("input2", &i2)]), ops::multiply(&i1, 2).unwrap()).unwrap();
    let y = model.predict(dict([("input1", &ones(&[2, 2])), ("input2", &zeros(&[2, 2]))])).unwrap();
    assert_eq!(y.to_vec::<f32>().unwrap(), [2.0; 4]);
    let y = model.apply(dict([("input1", &symbol([2])), ("input2", &symbol([2]))])).unwrap();
    assert_eq!(shape(&y), "(None, 2)");
}

#[test]
fn test_disconnected_output() {
    let (i1, i2) = (named("input1", [2]), named("input2", [2]));
    let outputs = dict([("output1", &ops::multiply(&i1, 2).unwrap()), ("output2", &ops::multiply(&i2, 3).unwrap())]);
    assert_fails(Functional::new(i1, outputs), "Output with path `output2` is not connected");
}

#[test]
fn test_required_input_none_raises() {
    let [list, dict] = without_second();
    assert_fails(optional_model(true, false).predict(dict), "The input 'input2' is not optional, but None was passed");
    assert_fails(optional_model(false, false).predict(list), "not optional");
}

#[test]
fn test_optional_and_required_mixed_structures() {
    let model = optional_model(true, true);
    for inputs in without_second() {
        assert_close(&model.predict(inputs).unwrap(), &ones(&[2, 2]));
    }
}

#[test]
fn test_warning_for_mismatched_inputs_structure() {
    // Keras warns and goes on; so there is nothing to see but the numbers.
    let (i1, i2) = (symbol([2]), symbol([2]));
    let outputs = Add::new().apply(vec![i1.clone(), i2.clone()]).unwrap();
    let values = [ones(&[2, 2]), zeros(&[2, 2])];
    let model = Functional::new(dict([("i1", &i1), ("i2", &i2)]), outputs.clone()).unwrap();
    assert_close(&model.predict(Nested::list(values.clone())).unwrap(), &ones(&[2, 2]));
    let model = Functional::new(vec![i1, i2], outputs).unwrap();
    assert_close(&model.predict(Nested::tuple(values)).unwrap(), &ones(&[2, 2]));
}
