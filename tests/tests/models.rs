//! Models: Sequential, Functional, user-written ones, clones, summaries; and layers as their parts.

#[path = "models/builds.rs"]
mod builds;
#[path = "models/chains.rs"]
mod chains;
#[path = "models/cloning.rs"]
mod cloning;
#[path = "models/context.rs"]
mod context;
#[path = "models/display.rs"]
mod display;
#[path = "models/empty.rs"]
mod empty;
#[path = "models/empty_batches.rs"]
mod empty_batches;
#[path = "models/feature_space.rs"]
mod feature_space;
#[path = "models/first_steps.rs"]
mod first_steps;
#[path = "models/functional.rs"]
mod functional;
#[path = "models/functional_inputs.rs"]
mod functional_inputs;
#[path = "models/layer.rs"]
mod layer;
#[path = "models/layer_masking.rs"]
mod layer_masking;
#[path = "models/layer_weights.rs"]
mod layer_weights;
#[path = "models/losses.rs"]
mod losses;
#[path = "models/masks.rs"]
mod masks;
#[path = "models/model.rs"]
mod model;
#[path = "models/operations.rs"]
mod operations;
#[path = "models/plans.rs"]
mod plans;
#[path = "models/quantize.rs"]
mod quantize;
#[path = "models/refusals.rs"]
mod refusals;
#[path = "models/sequential.rs"]
mod sequential;
#[path = "models/state.rs"]
mod state;
#[path = "models/structures.rs"]
mod structures;
#[path = "models/summary.rs"]
mod summary;
#[path = "models/training.rs"]
mod training;
#[path = "models/walks.rs"]
mod walks;
#[path = "models/warnings.rs"]
mod warnings;

use keras_serial::json::Value;
use keras_serial::prelude::*;

/// Returns different numbers, the same ones on each call.
pub fn numbers(shape: &[usize]) -> Tensor {
    let count: usize = shape.iter().product();
    let values: Vec<f32> = (0..count).map(|i| (i as f32 * 0.731).sin()).collect();
    Tensor::from_vec(values, shape).unwrap()
}

pub fn ones(shape: &[usize]) -> Tensor {
    Tensor::from_vec(vec![1.0f32; shape.iter().product()], shape).unwrap()
}

pub fn zeros(shape: &[usize]) -> Tensor {
    Tensor::from_vec(vec![0.0f32; shape.iter().product()], shape).unwrap()
}

pub fn assert_close(a: &Tensor, b: &Tensor) {
    assert_eq!(a.shape(), b.shape());
    for (a, b) in a.to_vec::<f32>().unwrap().into_iter().zip(b.to_vec::<f32>().unwrap()) {
        assert!((a - b).abs() <= 1e-5 + 1e-4 * b.abs(), "{a} and {b}");
    }
}

pub fn symbol(shape: impl Into<Shape>) -> Tensor {
    Input::new(shape).tensor().unwrap()
}

pub fn named(name: &str, shape: impl Into<Shape>) -> Tensor {
    Input::new(shape).name(name).tensor().unwrap()
}

pub fn of_batch(batch: usize, name: &str, shape: impl Into<Shape>) -> Tensor {
    Input::new(shape).batch_size(batch).name(name).tensor().unwrap()
}

/// Returns the shape of a symbol or value.
pub fn shape(tensor: &Tensor) -> String {
    tensor.shape().to_string()
}

/// Returns the error's text.
pub fn text<T>(result: Result<T>) -> String {
    match result {
        Ok(_) => panic!("an error is expected"),
        Err(error) => error.to_string(),
    }
}

/// Checks that the error's text contains this part.
pub fn assert_fails<T>(result: Result<T>, part: &str) {
    let text = text(result);
    assert!(text.contains(part), "`{part}` is not in `{text}`");
}

/// Checks that the model is equal after a round trip of its configuration, and computes the same with
/// the same weights.
pub fn roundtrip(model: &Model, inputs: impl Into<CallArgs>, objects: &CustomObjects) -> Model {
    let json = model.to_json().unwrap();
    let deserialized = model_from_json(&json, objects).unwrap();
    assert_eq!(deserialized.to_json().unwrap(), json);
    let inputs = inputs.into();
    let outputs = model.predict_all(inputs.clone()).unwrap();
    deserialized.predict_all(inputs.clone()).unwrap();
    deserialized.set_weights(&model.get_weights()).unwrap();
    let again = deserialized.predict_all(inputs).unwrap();
    for (a, b) in outputs.leaves().into_iter().zip(again.leaves()) {
        assert_close(a, b);
    }
    let built = Value::parse(&deserialized.to_json().unwrap()).unwrap();
    assert_eq!(built.get("class_name"), Value::parse(&json).unwrap().get("class_name"));
    deserialized
}

/// A layer that returns its input, in whatever structure.
#[derive(KerasSerializable)]
#[keras(new)]
pub struct Same {
    base: LayerBase,
}

impl Layer for Same {
    fn call(&self, inputs: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
        inputs.inputs()
    }
}

/// Adds the second argument, if it is given.
#[derive(KerasSerializable)]
#[keras(new)]
pub struct OptionalInputLayer {
    base: LayerBase,
}

impl Layer for OptionalInputLayer {
    fn call(&self, inputs: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
        let x = inputs.tensor()?;
        match inputs.optional("y")? {
            Some(y) => ops::add(x, y).map(Into::into),
            None => Ok(x.clone().into()),
        }
    }

    fn signature(&self) -> Signature {
        Signature::new(&["x", "y"])
    }
}
