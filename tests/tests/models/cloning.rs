//! Counterparts of `keras/src/models/cloning_test.py`, with the same names.

use std::cell::RefCell;

use keras_serial::json::value;
use keras_serial::models::{Cloning, copy_layer};
use keras_serial::prelude::*;

use crate::{assert_close, assert_fails, numbers, symbol};

fn mlp(shared_layers: bool) -> Model {
    let inputs = symbol([3]);
    let mut x = Dense::new(2).apply(&inputs).unwrap();
    if shared_layers {
        let layer = Dense::new(2).name("shared").shared();
        x = layer.apply(layer.apply(&x).unwrap()).unwrap();
    }
    Functional::new(inputs, Dense::new(2).apply(&x).unwrap()).unwrap()
}

fn nested_functional() -> Model {
    let inputs = symbol([4]);
    let x = mlp(false).apply(Dense::new(3).apply(&inputs).unwrap()).unwrap();
    Functional::new(inputs, Dense::new(2).apply(&x).unwrap()).unwrap()
}

fn doubly_nested_functional() -> Model {
    let inputs = symbol([5]);
    let x = nested_functional().apply(Dense::new(4).apply(&inputs).unwrap()).unwrap();
    Functional::new(inputs, Dense::new(2).apply(&x).unwrap()).unwrap()
}

fn sequential(explicit_input: bool) -> Model {
    let input = explicit_input.then(|| Input::new([3]).layer());
    Sequential::new(input.into_iter().chain([Dense::new(2).shared(), Dense::new(2).shared()])).unwrap()
}

fn nested_sequential() -> Model {
    Sequential::new([Dense::new(2).shared(), sequential(false).into(), Dense::new(2).shared()]).unwrap()
}

fn doubly_nested_sequential() -> Model {
    Sequential::new([Dense::new(3).shared(), nested_sequential().into(), Dense::new(2).shared()]).unwrap()
}

fn cnn_layers() -> [LayerRef; 2] {
    [Conv1D::new(2, 2).padding(Padding::Same).shared(), Conv1D::new(2, 2).padding(Padding::Same).shared()]
}

fn cnn_functional() -> Model {
    let inputs = symbol([7, 3]);
    let x = cnn_layers().iter().fold(inputs.clone(), |x, layer| layer.apply(&x).unwrap());
    Functional::new(inputs, x).unwrap()
}

fn cnn_sequential(explicit_input: bool) -> Model {
    let input = explicit_input.then(|| Input::new([7, 3]).layer());
    Sequential::new(input.into_iter().chain(cnn_layers())).unwrap()
}

/// Not registered: a clone needs only the type.
#[derive(KerasSerializable)]
#[keras(model, new)]
struct ExampleModel {
    base: LayerBase,
    #[keras(sublayer(init = Dense::new(2).shared()))]
    d1: LayerRef,
    #[keras(sublayer(init = Dense::new(2).shared()))]
    d2: LayerRef,
}

impl Layer for ExampleModel {
    fn call(&self, inputs: &CallArgs, cx: &CallContext) -> Result<Nested<Tensor>> {
        self.d2.call(self.d1.call(inputs.inputs()?, cx)?, cx)
    }
}

/// Returns all nested layers, at every depth, including the model itself.
fn flatten(layer: &LayerRef) -> Vec<LayerRef> {
    let inner = layer.layers().into_iter().flat_map(|layer| flatten(&layer));
    std::iter::once(layer.clone()).chain(inner).collect()
}

fn assert_same_after_set_weights(model: &Model, copy: &Model, x: &Tensor) {
    let y = model.predict(x).unwrap();
    copy.predict(x).unwrap();
    copy.set_weights(&model.get_weights()).unwrap();
    assert_close(&copy.predict(x).unwrap(), &y);
}

#[test]
fn test_cloning_correctness() {
    let subclassed = Model::from(ExampleModel::new());
    for (model, x) in [
        (mlp(false), numbers(&[2, 3])),
        (cnn_functional(), numbers(&[2, 7, 3])),
        (sequential(true), numbers(&[2, 3])),
        (sequential(false), numbers(&[2, 3])),
        (subclassed, numbers(&[2, 3])),
    ] {
        let copy = clone_model(&model).unwrap();
        assert!(!copy.is_same(&model));
        assert_same_after_set_weights(&model, &copy, &x);
        // A clone of what is built, too.
        let copy = clone_model(&model).unwrap();
        assert_same_after_set_weights(&model, &copy, &x);
        let own: Vec<u64> = model.weights().iter().map(|weight| weight.id()).collect();
        assert!(copy.weights().iter().all(|weight| !own.contains(&weight.id())));
    }
}

#[test]
fn test_custom_clone_function() {
    for model in [mlp(false), cnn_functional(), sequential(true)] {
        let copy = Cloning::of(&model).clone_function(|layer| {
            let mut config = layer.get_config()?;
            config.insert("name".into(), format!("{}_custom", layer.name()).into());
            layer.layer().reconstruct(&config)
        });
        let copy = copy.run().unwrap();
        for (old, new) in model.layers().iter().zip(copy.layers()) {
            match Model::is_input(old) {
                true => assert_eq!(new.name(), old.name()),
                false => assert_eq!(new.name(), format!("{}_custom", old.name())),
            }
        }
    }
}

#[test]
fn test_input_tensors() {
    for model in [cnn_functional(), cnn_sequential(true), cnn_sequential(false)] {
        model.predict(numbers(&[2, 7, 3])).unwrap();
        let inputs = model.inputs().unwrap();
        let copy = Cloning::of(&model).input_tensors(inputs.single().unwrap().clone()).run().unwrap();
        let structure = |ends: Option<Nested<Tensor>>| ends.unwrap().map(|end| end.shape().to_string());
        assert_eq!(structure(copy.inputs()), structure(model.inputs()));
        assert_eq!(structure(copy.outputs()), structure(model.outputs()));
    }
}

#[test]
fn test_shared_layers_cloning() {
    let copy = clone_model(&mlp(true)).unwrap();
    assert_eq!(copy.layers().len(), 4);
    assert_eq!(copy.weights().len(), 6);
}

#[test]
fn test_structured_io_cloning() {
    let (x, y) = (symbol([3]), symbol([3]));
    let z1 = ops::add(&x, &y).unwrap();
    let z2 = Dense::new(5).apply(&z1).unwrap();
    let inputs = Nested::dict([("x", x.clone()), ("y", y.clone())]);
    let model = Functional::new(inputs.clone(), Nested::dict([("z1", z1), ("z2", z2)])).unwrap();
    for copy in [Cloning::of(&model).run(), Cloning::of(&model).input_tensors(inputs.clone()).run()] {
        let copy = copy.unwrap();
        assert_eq!(copy.inputs().unwrap().map(|_| ()), inputs.map(|_| ()));
        assert_eq!(copy.outputs().unwrap().map(|_| ()), model.outputs().unwrap().map(|_| ()));
    }
    let wrong = Cloning::of(&model).input_tensors(Nested::tuple([x, y])).run();
    assert_fails(wrong, "`input_tensors` must have the same structure as model.input");
}

/// Calls the layer, and adds a Dropout after each Dense layer.
fn with_dropout(layer: &LayerRef, args: CallArgs) -> Result<Nested<Tensor>> {
    let outputs = layer.call(args, &CallContext::inference())?;
    match layer.downcast_ref::<Dense>() {
        Some(_) => Dropout::new(0.5).shared().call(outputs, &CallContext::inference()),
        None => Ok(outputs),
    }
}

#[test]
fn test_call_fn() {
    let model = mlp(false);
    // The same layers, called otherwise.
    let copy = Cloning::of(&model).clone_function(|layer| Ok(layer.clone())).call_function(with_dropout).run().unwrap();
    assert_eq!((model.layers().len(), copy.layers().len()), (3, 5));
    assert!([2, 4].iter().all(|i| copy.layers()[*i].downcast_ref::<Dropout>().is_some()));
    let x = numbers(&[2, 3]);
    assert_close(&copy.predict(&x).unwrap(), &model.predict(&x).unwrap());
    let wrong = sequential(true);
    let wrong = Cloning::of(&wrong).call_function(with_dropout).run();
    assert_fails(wrong, "`call_function` argument is not supported with Sequential models");
    let wrong = Model::from(ExampleModel::new());
    assert_fails(Cloning::of(&wrong).clone_function(copy_layer).run(), "only supported for Sequential models");
}

#[test]
fn test_recursive() {
    let model = nested_functional();
    let cloning = Cloning::of(&model).clone_function(|layer| Ok(layer.clone())).call_function(with_dropout);
    let copy = cloning.recursive(true).run().unwrap();
    assert_eq!((flatten(&model).len(), flatten(&copy).len()), (8, 12));
    let inner = Model::from(copy.layers()[3].clone());
    assert!([2, 4].iter().all(|i| inner.layers()[*i].downcast_ref::<Dropout>().is_some()));
    let x = numbers(&[2, 4]);
    assert_close(&copy.predict(&x).unwrap(), &model.predict(&x).unwrap());
    assert_all_dense_cloned(&nested_sequential(), &numbers(&[2, 3]));
}

/// With `recursive`, the clone function is called for the Dense layers at every depth.
fn assert_all_dense_cloned(model: &Model, x: &Tensor) {
    let seen = RefCell::new(Vec::new());
    let clone_function = |layer: &LayerRef| {
        let copy = copy_layer(layer)?;
        seen.borrow_mut().push(copy.clone());
        Ok(copy)
    };
    let copy = Cloning::of(model).clone_function(clone_function).recursive(true).run().unwrap();
    assert_same_after_set_weights(model, &copy, x);
    let dense: Vec<LayerRef> =
        flatten(&copy).into_iter().filter(|layer| layer.downcast_ref::<Dense>().is_some()).collect();
    assert!(!dense.is_empty());
    for layer in &dense {
        assert!(seen.borrow().iter().any(|known| known.is_same(layer)), "{}", layer.name());
        assert!(!flatten(model).iter().any(|known| known.is_same(layer)), "{}", layer.name());
    }
}

#[test]
fn test_recursive_multi_level() {
    assert_all_dense_cloned(&doubly_nested_functional(), &numbers(&[2, 5]));
    assert_all_dense_cloned(&doubly_nested_sequential(), &numbers(&[2, 5]));
}

#[test]
fn test_compiled_model_cloning() {
    let mut form = keras_serial::json::Value::parse(&sequential(true).to_json().unwrap()).unwrap();
    let compiled = value!({"optimizer": "adam", "loss": "binary_crossentropy"});
    if let keras_serial::json::Value::Dict(form) = &mut form {
        form.insert("compile_config".into(), compiled);
    }
    let model = model_from_json(&form.to_json(), &CustomObjects::new()).unwrap();
    let config = model.get_compile_config().unwrap();
    assert!(config.is_some());
    assert_eq!(clone_model(&model).unwrap().get_compile_config().unwrap(), config);

    for model in [sequential(true), mlp(false), Model::from(ExampleModel::new())] {
        let data = || (numbers(&[4, 3]), ops::abs(&numbers(&[4, 2])).unwrap());
        model.predict(numbers(&[4, 3])).unwrap();
        assert!(!clone_model(&model).unwrap().is_compiled());
        model.compile(Compile::new("adam", "mse").metrics(["mae"])).unwrap();
        model.fit(data(), Fit::new().verbose(0)).unwrap();
        let copy = clone_model(&model).unwrap();
        assert_eq!(copy.is_compiled(), model.is_compiled());
        assert_eq!(copy.get_compile_config().unwrap(), model.get_compile_config().unwrap());
        // It has its own optimizer, which has not stepped.
        copy.predict(numbers(&[4, 3])).unwrap();
        copy.set_weights(&model.get_weights()).unwrap();
        let steps = |model: &Model| model.optimizer().unwrap().iterations().unwrap();
        assert_eq!((steps(&model), steps(&copy)), (1, 0));
        let before = model.get_weights();
        let losses = [&copy, &model].map(|model| model.fit(data(), Fit::new().verbose(0)).unwrap().history["loss"][0]);
        assert!((losses[0] - losses[1]).abs() < 1e-6, "{losses:?}");
        assert_eq!((steps(&model), steps(&copy)), (2, 1));
        assert!(
            copy.get_weights()
                .iter()
                .zip(&before)
                .any(|(a, b)| a.to_vec::<f32>().unwrap() != b.to_vec::<f32>().unwrap())
        );
    }
}
