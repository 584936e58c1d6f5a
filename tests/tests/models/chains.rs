//! Long graphs, deep models and long lists: linear cost, and no recursion whose depth depends on the
//! input.

use keras_serial::json::Value;
use keras_serial::models::model_from_json;
use keras_serial::prelude::*;
use keras_serial::variable::{GradientTape, Variable};

use crate::{assert_close, symbol};

/// More nested calls than fit on the stack of a test's thread.
const LONG: usize = 30_000;

#[test]
fn long_chains_of_symbols_and_models_of_them_can_be_dropped() {
    let x = symbol([1]);
    let mut y = x.clone();
    for _ in 0..LONG {
        y = ops::add(&y, 1.0).unwrap();
    }
    let model = Functional::new(x, y.clone()).unwrap();
    drop(y);
    drop(model);
}

#[test]
fn long_chains_of_layers_can_be_dropped() {
    let x = symbol([1]);
    let mut y = x;
    for _ in 0..LONG {
        y = Rescaling::new(1.0).apply(&y).unwrap();
    }
    drop(y);
}

#[derive(KerasSerializable)]
#[keras(new)]
struct Holder {
    base: LayerBase,
    inner: Option<LayerRef>,
}

impl Layer for Holder {
    fn call(&self, inputs: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
        Ok(inputs.tensor()?.clone().into())
    }
}

#[test]
fn layers_deep_inside_of_layers_can_be_walked_and_dropped() {
    let mut layer = Holder::new(None).shared();
    for _ in 0..LONG {
        layer = Holder::new(Some(layer)).shared();
    }
    assert_eq!(layer.with_layers_below().len(), LONG + 1);
    layer.set_trainable(false);
    drop(layer);
}

#[test]
fn models_deep_inside_of_models_can_be_dropped() {
    let mut layer = Dense::new(1).shared();
    for _ in 0..LONG {
        layer = Sequential::new([layer]).unwrap().into();
    }
    drop(layer);
}

#[test]
fn long_chains_of_values_have_gradients_and_can_be_dropped() {
    let tape = GradientTape::new();
    let variable = Variable::with_value("v", Tensor::from_slice(&[1.0f32], Shape::scalar()).unwrap());
    let mut y = variable.value().unwrap();
    for _ in 0..LONG {
        y = ops::add(&y, 1.0).unwrap();
    }
    let gradients = tape.gradient(&y, std::slice::from_ref(&variable), &[]).unwrap();
    drop((y, gradients));
    // Without a gradient that is asked for.
    let tape = GradientTape::new();
    let mut y = variable.value().unwrap();
    for _ in 0..LONG {
        y = ops::multiply(&y, 1.0).unwrap();
    }
    drop(tape);
    drop(y);
}

/// Returns the text of a model whose layers are listed in another order.
fn listed(model: &Model, order: impl Fn(&mut Vec<Value>)) -> String {
    let mut form = Value::parse(&model.to_json().unwrap()).unwrap();
    let Value::Dict(dict) = &mut form else { unreachable!() };
    let Some(Value::Dict(config)) = dict.get_mut("config") else { unreachable!() };
    let Some(Value::List(layers)) = config.get_mut("layers") else { unreachable!() };
    order(layers);
    form.to_json()
}

#[test]
fn graphs_are_read_in_whatever_order_their_layers_are_listed() {
    let (x, shared) = (symbol([2]), Dense::new(2).name("shared").kernel_initializer("ones").shared());
    let mut y = x.clone();
    for i in 0..5 {
        let a = shared.apply(&y).unwrap();
        let b = Rescaling::new(0.25).name(format!("scale_{i}")).apply(&a).unwrap();
        y = Add::new().name(format!("add_{i}")).apply(Nested::list([y, a, b])).unwrap();
    }
    let model = Functional::new(x, ops::multiply(&y, 0.5).unwrap()).unwrap();
    let input = Tensor::from_slice(&[1.0f32, -2.0], [1, 2]).unwrap();
    let expected = model.predict(&input).unwrap();
    for turn in 0..20 {
        let text = listed(&model, |layers| match turn {
            0 => layers.reverse(),
            turn => {
                let count = layers.len();
                (0..count).for_each(|i| layers.swap(i, (i * 7 + turn * 5) % count));
            }
        });
        let again = model_from_json(&text, &CustomObjects::new()).unwrap();
        assert_close(&again.predict(&input).unwrap(), &expected);
    }
}

/// Layers listed in reverse order, and one that depends on all of them: none is visited repeatedly.
#[test]
fn thousands_of_layers_in_reverse_are_read() {
    let x = symbol([1]);
    let mut all = vec![x.clone()];
    for i in 0..2_000 {
        let y = Rescaling::new(1.0).name(format!("r{i}")).apply(all.last().unwrap()).unwrap();
        all.push(y);
    }
    let model = Functional::new(x, Add::new().apply(Nested::list(all)).unwrap()).unwrap();
    let again = model_from_json(&listed(&model, |layers| layers.reverse()), &CustomObjects::new()).unwrap();
    let one = Tensor::from_slice(&[1.0f32], [1, 1]).unwrap();
    assert_eq!(again.predict(one).unwrap().to_vec::<f32>().unwrap(), [2001.0]);
}

#[test]
fn calls_that_need_each_other_are_an_error_with_some_names() {
    let x = symbol([1]);
    let mut y = x.clone();
    for i in 0..30 {
        y = Rescaling::new(1.0).name(format!("r{i}")).apply(&y).unwrap();
    }
    let model = Functional::new(x, y).unwrap();
    // The first layer takes the last one's result.
    let name = model.layers()[0].name().to_owned();
    let text = listed(&model, |layers| {
        let text = layers[1].to_json().replace(&format!("\"{name}\""), "\"r29\"");
        layers[1] = Value::parse(&text).unwrap();
    });
    let error = model_from_json(&text, &CustomObjects::new()).unwrap_err();
    assert!(error.to_string().contains("nodes that can't be resolved: r0, r1"), "{error}");
    assert!(error.to_string().contains("and 20 more"), "{error}");
}

#[test]
fn a_layer_called_often_is_written_with_the_right_calls() {
    let (x, shared) = (symbol([1]), Dense::new(1).kernel_initializer("ones").shared());
    let mut y = x.clone();
    for _ in 0..2_000 {
        y = shared.apply(&y).unwrap();
    }
    let model = Functional::new(x, y).unwrap();
    let again = model_from_json(&model.to_json().unwrap(), &CustomObjects::new()).unwrap();
    assert_eq!(again.to_json().unwrap(), model.to_json().unwrap());
}

#[test]
fn near_names_of_layers_are_offered() {
    let x = symbol([1]);
    let y = Dense::new(1).name("dense_4").apply(&x).unwrap();
    let model = Functional::new(x, Dense::new(1).name("conv").apply(&y).unwrap()).unwrap();
    let error = model.get_layer("dens").unwrap_err();
    assert!(error.to_string().contains("did you mean `dense_4`?"), "{error}");
    let long = "y".repeat(4 << 20);
    assert!(model.get_layer(&long).unwrap_err().to_string().len() < 100_000);
    assert!(model.weight(&long).unwrap_err().to_string().len() < 100_000);
}

#[test]
fn passes_over_data_that_is_used_up_end() {
    use keras_serial::training::data::{Batch, Dataset, DatasetExt, FromFn, Once};
    let batch = || {
        let x = Tensor::from_slice(&[1.0f32], [1, 1])?;
        Ok(Batch { x: x.into(), y: None, sample_weight: None })
    };
    let mut once = Once::new((0..3).map(move |_| batch())).repeat(usize::MAX);
    assert_eq!(once.epoch().unwrap().count(), 3);
    assert_eq!(once.epoch().unwrap().count(), 0);
    let nothing = || std::iter::empty::<Result<Batch>>();
    assert_eq!(FromFn::new(nothing).repeat(usize::MAX).prefetch(2).epoch().unwrap().count(), 0);
    assert_eq!(FromFn::new(move || (0..2).map(move |_| batch())).repeat(3).epoch().unwrap().count(), 6);
    assert_eq!(FromFn::new(move || (0..2).map(move |_| batch())).repeat(0).epoch().unwrap().count(), 0);
}
