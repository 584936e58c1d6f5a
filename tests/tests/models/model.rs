//! Counterparts of `keras/src/models/model_test.py` and `variable_mapping_test.py`, with the same names.

use keras_serial::prelude::*;

use crate::{OptionalInputLayer, assert_close, assert_fails, named, numbers, ones, roundtrip, shape, symbol};

fn model() -> Model {
    let input_a = named("input_a", [3]);
    let input_b = named("input_b", [3]);
    let x = Dense::new(5).apply(ops::add(&input_a, &input_b).unwrap()).unwrap();
    let outputs = Dense::new(4).apply(&x).unwrap();
    Functional::new(vec![input_a, input_b], outputs).unwrap()
}

#[test]
fn test_functional_rerouting() {
    let model = model();
    assert!(model.downcast_ref::<Functional>().is_some());
    // Files of older versions call the class `Model`.
    let json = model.to_json().unwrap().replacen("\"Functional\"", "\"Model\"", 2);
    let json = json.replacen("keras.src.models.functional", "keras", 1);
    let again = model_from_json(&json, &CustomObjects::new()).unwrap();
    assert!(again.downcast_ref::<Functional>().is_some());
}

#[test]
fn test_json_serialization() {
    let json = model().to_json().unwrap();
    assert_eq!(model_from_json(&json, &CustomObjects::new()).unwrap().to_json().unwrap(), json);
}

/// Takes a tuple.
#[derive(KerasSerializable)]
#[keras(model, new)]
struct MultiInputModel {
    base: LayerBase,
    #[keras(sublayer(init = Dense::new(4).shared()))]
    dense1: LayerRef,
}

impl Layer for MultiInputModel {
    fn call(&self, inputs: &CallArgs, cx: &CallContext) -> Result<Nested<Tensor>> {
        let inputs = inputs.inputs()?;
        let (a, b) = (inputs.leaves()[0], inputs.leaves()[1]);
        let r = self.dense1.call(a, cx)?.into_single()?;
        ops::concatenate(&[r, b.clone()], -1).map(Into::into)
    }
}

#[test]
fn test_tuple_input_model_subclass() {
    let model = Model::from(MultiInputModel::new());
    let y = model.predict(Nested::tuple([numbers(&[3, 3]), numbers(&[3, 2])])).unwrap();
    assert_eq!(shape(&y), "(3, 6)");
}

/// A layer around another, which it makes.
#[derive(KerasSerializable)]
#[keras(new)]
struct CustomDense {
    base: LayerBase,
    units: usize,
    #[keras(sublayer(init = Dense::new(units).shared()))]
    dense: LayerRef,
}

impl Layer for CustomDense {
    fn call(&self, inputs: &CallArgs, cx: &CallContext) -> Result<Nested<Tensor>> {
        self.dense.call(inputs.inputs()?, cx)
    }
}

#[test]
fn test_reviving_functional_from_config_custom_layer() {
    let inputs = symbol([4]);
    let outputs = CustomDense::new(10).apply(&inputs).unwrap();
    let model = Functional::new(inputs, outputs).unwrap();
    let deserialized = roundtrip(&model, numbers(&[2, 4]), &CustomObjects::new().with::<CustomDense>());
    assert!(deserialized.downcast_ref::<Functional>().is_some());
}

/// Reads the configuration of a graph, and one entry more.
#[derive(KerasSerializable)]
#[keras(model, new)]
struct CustomModel {
    base: LayerBase,
    graph: LayerRef,
    #[keras(default = 1)]
    param: i64,
}

impl Layer for CustomModel {
    fn call(&self, inputs: &CallArgs, cx: &CallContext) -> Result<Nested<Tensor>> {
        self.graph.call(inputs.inputs()?, cx)
    }
}

#[test]
fn test_reviving_functional_from_config_custom_model() {
    let inputs = symbol([3]);
    let graph = Functional::new(inputs.clone(), Dense::new(5).apply(&inputs).unwrap()).unwrap();
    let mut custom = CustomModel::new(graph);
    custom.param = 3;
    let again = CustomModel::from_config(&custom.get_config().unwrap()).unwrap();
    assert_eq!(again.param, 3);
    let deserialized = roundtrip(&Model::from(custom), numbers(&[2, 3]), &CustomObjects::new().with::<CustomModel>());
    assert_eq!(deserialized.downcast_ref::<CustomModel>().unwrap().param, 3);
}

#[test]
fn test_functional_optional_inputs() {
    let x = named("x", [2]);
    let o = Input::new([2]).name("o").optional(true).tensor().unwrap();
    let y = OptionalInputLayer::new().apply(CallArgs::one(x.clone()).with("y", o.clone())).unwrap();
    let y = Dense::new(2).kernel_initializer("ones").apply(&y).unwrap();
    let model = Functional::new(Nested::dict([("x", x), ("o", o)]), y).unwrap();
    let inputs = |o: Nested<Tensor>| {
        Nested::Dict([("x".to_owned(), Nested::Leaf(ones(&[2, 2]))), ("o".to_owned(), o)].into_iter().collect())
    };
    let y = |o| model.predict(inputs(o)).unwrap().to_vec::<f32>().unwrap();
    assert_eq!(y(Nested::None), [2.0; 4]);
    assert_eq!(y(Nested::Leaf(ones(&[2, 2]))), [4.0; 4]);
}

/// The state tree has this variable of the model's optimizer, and one for each weight.
fn assert_optimizer_variable(model: &Model, path: &str) {
    let optimizer = model.optimizer().unwrap();
    optimizer.build(&model.trainable_weights()).unwrap();
    let tree = model.get_state_tree().unwrap();
    let found = path.split('/').try_fold(tree.get("optimizer_variables").unwrap(), |tree, name| tree.get(name));
    let rate = found.unwrap_or_else(|| panic!("no {path}")).single().unwrap().item::<f32>().unwrap();
    assert_eq!(rate, 0.001);
    let paths: Vec<String> = optimizer.variables().unwrap().iter().map(|v| v.path().to_owned()).collect();
    assert!(paths.iter().any(|known| known == path), "{paths:?}");
    assert_eq!(paths.len(), 2 + 2 * model.trainable_weights().len());
}

#[test]
fn test_basics() {
    // variable_mapping_test: the paths of weights, and of the optimizer's variables.
    let inputs = Input::new([1]).name("input_layer").tensor().unwrap();
    let x = Dense::new(1).name("first_dense").apply(&inputs).unwrap();
    let outputs = Dense::new(1).name("second_dense").apply(&x).unwrap();
    let model = Functional::new(inputs, outputs).unwrap();
    assert_eq!(model.weight("first_dense/kernel").unwrap().shape().to_string(), "(1, 1)");
    model.weight("second_dense/bias").unwrap();
    assert_fails(model.weight("second_dense/bais"), "no weight `second_dense/bais`");
    model.compile(Compile::new("adam", "mse")).unwrap();
    assert_optimizer_variable(&model, "adam/learning_rate");

    let model =
        Sequential::named("sequential", [Dense::new(1).shared(), Dense::new(1).name("dense_1").shared()]).unwrap();
    model.build([None, Some(1)]).unwrap();
    model.weight("sequential/dense_1/bias").unwrap();
    model.compile(Compile::new("adam", "mse")).unwrap();
    assert_optimizer_variable(&model, "adam_1/learning_rate");

    let inner = || CustomDense::new(1).name("my_dense_1").shared();
    let paths = |layer: &LayerRef| layer.weights().iter().map(|w| w.path().to_owned()).collect::<Vec<_>>();
    let name = |layer: &LayerRef| layer.layers()[0].name().to_owned();
    let layer = inner();
    layer.build(&Shape::from([None, Some(1)])).unwrap();
    let dense = name(&layer);
    assert_eq!(paths(&layer), [format!("my_dense_1/{dense}/kernel"), format!("my_dense_1/{dense}/bias")]);
    let layer = inner();
    let model = CustomModel::new(layer.clone()).name("custom_model_x").shared();
    model.apply(ones(&[1, 1])).unwrap();
    let prefix = format!("custom_model_x/my_dense_1/{}", name(&layer));
    assert_eq!(paths(&model), [format!("{prefix}/kernel"), format!("{prefix}/bias")]);
    let model = Model::from(model);
    model.compile(Compile::new("adam", "mse")).unwrap();
    assert_optimizer_variable(&model, "adam_2/learning_rate");
}

#[test]
fn frozen_models_list_no_trainable_weights() {
    let a = symbol([3]);
    let inner = Functional::named("inner", a.clone(), Dense::new(3).apply(&a).unwrap()).unwrap();
    inner.set_trainable(false);
    let c = symbol([3]);
    let outer = Functional::new(c.clone(), Dense::new(2).apply(inner.apply(&c).unwrap()).unwrap()).unwrap();
    assert_eq!((outer.trainable_weights().len(), outer.non_trainable_weights().len()), (2, 2));
    let deserialized = roundtrip(&outer, numbers(&[2, 3]), &CustomObjects::new());
    assert_eq!((deserialized.trainable_weights().len(), deserialized.non_trainable_weights().len()), (2, 2));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("frozen.keras");
    outer.save(&file).unwrap();
    let loaded = load_model(&file).unwrap();
    assert_eq!((loaded.trainable_weights().len(), loaded.non_trainable_weights().len()), (2, 2));
    let x = numbers(&[2, 3]);
    assert_close(&loaded.predict(&x).unwrap(), &outer.predict(&x).unwrap());
}
