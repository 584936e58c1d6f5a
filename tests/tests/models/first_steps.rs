//! Errors that a newcomer meets say what to do.

use keras_serial::prelude::*;

use crate::{Same, assert_fails, named, ones, symbol};

/// Looks at values where there are none yet.
#[derive(KerasSerializable)]
#[keras(new)]
struct Peeking {
    base: LayerBase,
}

impl Layer for Peeking {
    fn call(&self, inputs: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
        let x = inputs.tensor()?;
        let values = x.to_vec::<f32>()?;
        Tensor::from_vec(values, x.shape()).map(Into::into)
    }
}

#[test]
fn reading_values_in_a_call_on_symbols_says_that_it_runs_on_symbols_too() {
    assert!(Peeking::new().apply(ones(&[1, 2])).is_ok());
    let result = Peeking::new().apply(symbol([2]));
    assert_fails(Peeking::new().apply(symbol([2])), "a symbol has no values");
    assert_fails(result, "`call` and the functions that it calls run on symbols too");
    assert_fails(symbol([2]).to_array::<f32>(), "a symbol has no values");
    assert_fails(symbol([2]).item::<i64>(), "a symbol has no values");
}

#[test]
fn a_wrong_dtype_names_the_input() {
    let (a, b) = (named("amount", [2]), named("label", [2]));
    let model = Functional::new(vec![a.clone(), b.clone()], (&a + &b).unwrap()).unwrap();
    let text = Tensor::from_strings(["x", "y"], [1, 2]).unwrap();
    let result = model.predict_all(vec![ones(&[1, 2]), text]);
    assert_fails(result, "Invalid dtype for input with name 'label' and path '1'. Expected float32. Received: string");
}

#[test]
fn an_unknown_dtype_of_an_input_is_an_error_where_it_is_used() {
    assert_eq!(Input::new([1]).dtype("int64").tensor().unwrap().dtype(), DType::Int64);
    assert_fails(Input::new([1]).dtype("flaot32").name("x").tensor(), "x/dtype: unknown dtype");
    assert_fails(Sequential::new(layers![Input::new([1]).dtype("flaot32"), Dense::new(1)]), "`float32`");
}

#[test]
fn layers_of_different_types_stand_in_one_list() {
    let dense = Dense::new(2).shared();
    let model = Sequential::new(layers![Input::new([3]), dense, ActivationLayer::new("relu"), layers::ReLU::new()]);
    assert_eq!(model.unwrap().layers().len(), 3);
}

#[test]
fn the_traits_of_own_objects_are_in_the_prelude() {
    #[derive(KerasSerializable)]
    struct Half;
    impl Schedule for Half {
        fn learning_rate(&self, _: i64) -> Result<f64> {
            Ok(0.5)
        }
    }
    let optimizer = Optimizer::from(keras_serial::optimizers::SGD::new().learning_rate(Half));
    assert_eq!(optimizer.learning_rate().unwrap(), 0.5);
    fn traits<A: Initialize, B: Optimize, C: Regularize, D: Constrain, E: Activate>() {}
    let _ = traits::<
        keras_serial::initializers::Zeros,
        keras_serial::optimizers::SGD,
        keras_serial::regularizers::L2,
        keras_serial::constraints::NonNeg,
        Half2,
    >;
}

#[derive(KerasSerializable)]
struct Half2;

impl Activate for Half2 {
    fn activate(&self, x: &Tensor) -> Result<Tensor> {
        x * 0.5
    }
}

/// In Keras, `class Same(Layer): def call(self, x): return x` keeps the mask of a value, and ends that of a
/// symbol.
#[test]
fn a_layer_without_masking_keeps_a_mask_only_on_the_value_that_it_returns() {
    let mask = Tensor::from_slice(&[true, false], [1, 2]).unwrap();
    let value = ones(&[1, 2, 3]).with_mask(Some(mask));
    assert!(Same::new().apply(&value).unwrap().mask().is_some());
    let symbol = Masking::new().apply(symbol([2, 3])).unwrap();
    assert!(symbol.mask().is_some() && Same::new().apply(&symbol).unwrap().mask().is_none());
}

#[test]
fn axes_are_one_several_or_none() {
    let x = ones(&[2, 3]);
    assert_eq!(ops::sum(&x, -1, false).unwrap().to_vec::<f32>().unwrap(), [3.0, 3.0]);
    assert_eq!(ops::mean(&x, [0, 1], true).unwrap().shape().to_string(), "(1, 1)");
    assert_eq!(ops::max(&x, None, false).unwrap().item::<f32>().unwrap(), 1.0);
    assert_eq!(ops::max(&x, Axes::all(), false).unwrap().item::<f32>().unwrap(), 1.0);
    assert_eq!(ops::sum(&x, Some(0), false).unwrap().shape().to_string(), "(3,)");
    assert_eq!(ops::softmax(&x, 0).unwrap().to_vec::<f32>().unwrap(), [0.5; 6]);
    assert_eq!(ops::argmax(&x, -1, false).unwrap().shape().to_string(), "(2,)");
    assert_eq!(ops::flip(&x, vec![0usize]).unwrap().shape().to_string(), "(2, 3)");
}
