//! Counterparts of `keras/src/models/functional_test.py`, with the same names.

use keras_serial::json::{Value, value};
use keras_serial::prelude::*;
use keras_serial::tensor::Item;

use crate::{Same, assert_close, assert_fails, named, numbers, of_batch, ones, roundtrip, shape, symbol, text, zeros};

/// `x + y`, then Dense of 5, then Dense of 4 units.
fn sum_then_dense(a: &Tensor, b: &Tensor) -> Tensor {
    let x = Dense::new(5).apply(ops::add(a, b).unwrap()).unwrap();
    Dense::new(4).apply(&x).unwrap()
}

pub fn dict(items: [(&str, &Tensor); 2]) -> Nested<Tensor> {
    Nested::dict(items.map(|(key, tensor)| (key, tensor.clone())))
}

pub fn call(model: &Model, inputs: impl Into<CallArgs>) -> Result<Nested<Tensor>> {
    model.call(inputs, &CallContext::inference())
}

/// Checks that values and symbols both give one tensor with this shape.
fn assert_gives(model: &Model, values: Nested<Tensor>, symbols: Nested<Tensor>, expected: &str) {
    assert_eq!(shape(&model.predict(values).unwrap()), expected);
    let output = model.apply(symbols).unwrap();
    assert!(output.is_symbolic());
    assert_eq!(shape(&output), expected);
}

#[test]
fn test_basic_flow_multi_input() {
    let (a, b) = (of_batch(2, "input_a", [3]), of_batch(2, "input_b", [3]));
    let outputs = sum_then_dense(&a, &b);
    let model = Functional::named("basic", vec![a, b], outputs).unwrap();
    model.summary().unwrap();
    assert_eq!(model.name(), "basic");
    assert!(model.downcast_ref::<Functional>().is_some());
    let values = Nested::list([numbers(&[2, 3]), numbers(&[2, 3])]);
    let symbols = Nested::list([of_batch(2, "input_a_2", [3]), of_batch(2, "input_b_2", [3])]);
    assert_gives(&model, values, symbols, "(2, 4)");
}

#[test]
fn test_scalar_input() {
    let (a, b) = (of_batch(2, "input_a", [3]), of_batch(2, "input_b", Shape::scalar()));
    let column = Nested::Tuple(vec![Nested::Leaf(Item::Slice(None, None, None)), Nested::None]);
    let outputs = ops::add(&a, ops::get_item(&b, column).unwrap()).unwrap();
    let model = Functional::new(vec![a, b], outputs).unwrap();
    model.summary().unwrap();
    assert_close(&model.predict(vec![zeros(&[2, 3]), ones(&[2])]).unwrap(), &ones(&[2, 3]));
}

#[test]
fn test_basic_flow_multi_output() {
    let inputs = of_batch(2, "input", [3]);
    let x = Dense::new(5).apply(&inputs).unwrap();
    let outputs = vec![Dense::new(4).apply(&x).unwrap(), Dense::new(5).apply(&x).unwrap()];
    let model = Functional::new(inputs, outputs).unwrap();
    for input in [numbers(&[2, 3]), of_batch(2, "other", [3])] {
        let outputs = call(&model, input).unwrap();
        assert!(matches!(&outputs, Nested::List(_)));
        assert_eq!(outputs.leaves().into_iter().map(shape).collect::<Vec<_>>(), ["(2, 4)", "(2, 5)"]);
    }
}

#[test]
fn test_basic_flow_dict_io() {
    let (a, b) = (of_batch(2, "a", [3]), of_batch(2, "b", [3]));
    let outputs = sum_then_dense(&a, &b);
    let value = numbers(&[2, 3]);
    assert_fails(
        Functional::new(dict([("a", &value), ("b", &b)]), outputs.clone()),
        "All `inputs` values must be KerasTensors",
    );
    assert_fails(
        Functional::new(dict([("a", &a), ("b", &b)]), value.clone()),
        "All `outputs` values must be KerasTensors",
    );
    let model = Functional::new(dict([("a", &a), ("b", &b)]), outputs).unwrap();
    let symbols = dict([("a", &of_batch(2, "x", [3])), ("b", &of_batch(2, "y", [3]))]);
    assert_gives(&model, dict([("a", &value), ("b", &value)]), symbols, "(2, 4)");
}

#[test]
fn test_basic_flow_as_a_submodel() {
    let inner = symbol([4]);
    let submodel = Functional::new(inner.clone(), Flatten::new().apply(&inner).unwrap()).unwrap();
    let inputs = symbol([None, Some(4)]);
    let outputs = TimeDistributed::new(submodel).apply(&inputs).unwrap();
    let model = Functional::new(inputs, outputs).unwrap();
    assert_eq!(shape(&model.predict(numbers(&[2, 3, 4])).unwrap()), "(2, 3, 4)");
}

#[test]
fn test_named_input_dict_io() {
    let a = of_batch(2, "a", [3]);
    let outputs = Dense::new(4).apply(Dense::new(5).apply(&a).unwrap()).unwrap();
    let model = Functional::new(a, outputs).unwrap();
    let one = |tensor: Tensor| Nested::dict([("a", tensor)]);
    assert_gives(&model, one(numbers(&[2, 3])), one(of_batch(2, "other", [3])), "(2, 4)");

    let (a, b) = (of_batch(2, "a", [3]), of_batch(2, "b", [4]));
    let x = Concatenate::new().apply(vec![Dense::new(5).apply(&a).unwrap(), Dense::new(5).apply(&b).unwrap()]).unwrap();
    let outputs = Dense::new(4).apply(&x).unwrap();
    let values = |first, second| dict([(first, &numbers(&[2, 3])), (second, &numbers(&[2, 4]))]);
    let symbols = |first, second| dict([(first, &of_batch(2, "x", [3])), (second, &of_batch(2, "y", [4]))]);
    let model = Functional::new(vec![a.clone(), b.clone()], outputs.clone()).unwrap();
    assert_gives(&model, values("a", "b"), symbols("a", "b"), "(2, 4)");
    let model = Functional::new(dict([("a", &a), ("b", &b)]), outputs.clone()).unwrap();
    assert_gives(&model, values("a", "b"), symbols("a", "b"), "(2, 4)");
    // By keys, which are not the inputs' names.
    let model = Functional::new(dict([("c", &a), ("d", &b)]), outputs).unwrap();
    assert_gives(&model, values("c", "d"), symbols("c", "d"), "(2, 4)");
    assert_fails(call(&model, values("a", "b")), "Missing data for input \"c\"");
}

#[test]
fn test_input_dict_with_extra_field() {
    let a = of_batch(2, "a", [3]);
    let outputs = ops::add(ops::multiply(&a, 5.0).unwrap(), 2.0).unwrap();
    let model = Functional::new(Nested::dict([("a", a)]), outputs).unwrap();
    let values = dict([("a", &numbers(&[2, 3])), ("b", &numbers(&[2, 1]))]);
    let symbols = dict([("a", &of_batch(2, "x", [3])), ("b", &of_batch(2, "y", [1]))]);
    assert_gives(&model, values, symbols, "(2, 3)");
}

#[test]
fn test_restored_multi_output_type() {
    let inputs = of_batch(2, "input", [3]);
    let x = Dense::new(5).apply(&inputs).unwrap();
    let (a, b) = (Dense::new(4).apply(&x).unwrap(), Dense::new(5).apply(&x).unwrap());
    let kind = |outputs: &Nested<Tensor>| std::mem::discriminant(outputs);
    // A configuration is JSON, in which Python's tuples are lists.
    for outputs in [Nested::list([a.clone(), b.clone()]), dict([("a", &a), ("b", &b)])] {
        let model = Functional::new(inputs.clone(), outputs.clone()).unwrap();
        let config = model.get_config().unwrap();
        let restored = Model::from(Functional::from_config(&config).unwrap());
        for input in [numbers(&[2, 3]), of_batch(2, "other", [3])] {
            assert_eq!(kind(&call(&restored, input).unwrap()), kind(&outputs));
        }
    }
}

#[test]
fn test_restored_nested_input() {
    let a = of_batch(2, "input_a", [3]);
    let outputs = Dense::new(4).apply(Dense::new(5).apply(&a).unwrap()).unwrap();
    let model = Functional::new(Nested::List(vec![Nested::list([a])]), outputs).unwrap();
    let json = model.to_json().unwrap();
    assert_eq!(model_from_json(&json, &CustomObjects::new()).unwrap().to_json().unwrap(), json);
}

#[test]
fn test_functional_input_shape_and_type() {
    let input = symbol([1024, 4]);
    let model = Functional::new(input.clone(), Conv1D::new(32, 3).apply(&input).unwrap()).unwrap();
    let Some(Nested::Leaf(input)) = model.inputs() else { panic!("one symbol") };
    assert!(input.is_symbolic());
    assert_eq!(shape(&input), "(None, 1024, 4)");
}

#[test]
fn test_layer_getters() {
    let (a, b) = (of_batch(2, "input_a", [3]), of_batch(2, "input_b", [3]));
    let x = Dense::new(5).name("dense_1").apply(ops::add(&a, &b).unwrap()).unwrap();
    let outputs = Dense::new(4).name("dense_2").apply(&x).unwrap();
    let model = Functional::new(vec![a, b], outputs).unwrap();
    // The addition is an operation, and no layer.
    assert_eq!(model.layers().len(), 4);
    let forms = model.get_config().unwrap().get("layers").and_then(|layers| Some(layers.as_list()?.len()));
    assert_eq!(forms, Some(5));
    for (index, name) in ["input_a", "input_b", "dense_1", "dense_2"].into_iter().enumerate() {
        assert_eq!(model.layer_at(index as isize).unwrap().name(), name);
    }
    assert_eq!(model.layer_at(-1).unwrap().name(), "dense_2");
    assert_eq!(model.get_layer("dense_1").unwrap().name(), "dense_1");
    assert_fails(model.get_layer("dense_3"), "No such layer: dense_3");
    assert_fails(model.layer_at(4), "no such layer");
}

/// Fails except in training.
#[derive(KerasSerializable)]
#[keras(new)]
struct Canary {
    base: LayerBase,
}

impl Layer for Canary {
    fn call(&self, inputs: &CallArgs, cx: &CallContext) -> Result<Nested<Tensor>> {
        let x = inputs.tensor()?;
        assert!(x.is_symbolic() || cx.is_training());
        Ok(x.clone().into())
    }
}

#[test]
fn test_training_arg() {
    let inputs = of_batch(2, "input", [3]);
    let model = Functional::new(inputs.clone(), Canary::new().apply(&inputs).unwrap()).unwrap();
    model.call(numbers(&[2, 3]), &CallContext::training()).unwrap();
    call(&model, CallArgs::one(numbers(&[2, 3])).with_value("training", true)).unwrap();
}

#[test]
fn test_mask_arg() {
    let inputs = symbol([4, 2]);
    let outputs = GlobalAveragePooling1D::new().apply(&inputs).unwrap();
    let model = Functional::new(inputs, outputs).unwrap();
    let x = Tensor::from_slice(&[1.0f32, 1.0, 3.0, 3.0, 9.0, 9.0, 9.0, 9.0], [1, 4, 2]).unwrap();
    let mask = Tensor::from_slice(&[true, true, false, false], [1, 4]).unwrap();
    let y = call(&model, CallArgs::one(x).with("mask", mask)).unwrap().into_single().unwrap();
    assert_eq!(y.to_vec::<f32>().unwrap(), [2.0, 2.0]);
}

#[test]
fn test_passing_inputs_by_name() {
    let (a, b) = (of_batch(2, "input_a", [3]), of_batch(2, "input_b", [3]));
    let outputs = sum_then_dense(&a, &b);
    let model = Functional::new(vec![a, b], outputs).unwrap();
    let values = dict([("input_a", &numbers(&[2, 3])), ("input_b", &numbers(&[2, 3]))]);
    let symbols = dict([("input_a", &of_batch(2, "x", [3])), ("input_b", &of_batch(2, "y", [3]))]);
    assert_gives(&model, values, symbols, "(2, 4)");
}

#[test]
fn test_rank_standardization() {
    let inputs = of_batch(2, "input", [3]);
    let model = Functional::new(inputs.clone(), Dense::new(3).apply(&inputs).unwrap()).unwrap();
    assert_eq!(shape(&model.predict(numbers(&[2, 3, 1])).unwrap()), "(2, 3)");
    let inputs = of_batch(2, "input", [3, 1]);
    let model = Functional::new(inputs.clone(), Dense::new(3).apply(&inputs).unwrap()).unwrap();
    assert_eq!(shape(&model.predict(numbers(&[2, 3])).unwrap()), "(2, 3, 3)");
    // A fixed batch is no condition on later ones.
    assert_eq!(shape(&model.predict(numbers(&[5, 3])).unwrap()), "(5, 3, 3)");
}

#[test]
fn test_rank_standardization_failure() {
    let inputs = named("foo", [3]);
    let model = Functional::new(inputs.clone(), Dense::new(3).apply(&inputs).unwrap()).unwrap();
    assert_fails(model.predict(numbers(&[2, 3, 4])), "name 'foo' and path ''");
    let inputs = named("my_input", [3]);
    let outputs = Dense::new(3).apply(&inputs).unwrap();
    let model = Functional::new(Nested::List(vec![Nested::dict([("foo", inputs)])]), outputs).unwrap();
    assert_fails(model.predict(Tensor::scalar(0.5f32).unwrap()), "name 'my_input' and path '0.foo'");
}

#[test]
fn test_dtype_standardization() {
    let float = Input::new([2]).dtype(DType::Float16).tensor().unwrap();
    let int = Input::new([2]).dtype(DType::Int32).tensor().unwrap();
    let outputs = Nested::tuple([ops::add(&float, 2).unwrap(), ops::add(&int, 2).unwrap()]);
    let model = Functional::new(Nested::tuple([float, int]), outputs).unwrap();
    let outputs = call(&model, Nested::tuple([ones(&[2, 2]), ones(&[2, 2])])).unwrap();
    let dtypes: Vec<DType> = outputs.leaves().into_iter().map(Tensor::dtype).collect();
    assert_eq!(dtypes, [DType::Float16, DType::Int32]);
}

#[test]
fn test_serialization() {
    let none = CustomObjects::new();
    let x = || numbers(&[2, 3]);
    let inputs = of_batch(2, "input", [3]);
    let model = Functional::new(inputs.clone(), Dense::new(3).apply(&inputs).unwrap()).unwrap();
    model.set_trainable(false);
    let deserialized = roundtrip(&model, x(), &none);
    assert!(!deserialized.is_trainable() && deserialized.trainable_weights().is_empty());

    let (a, b) = (of_batch(2, "input_a", [3]), of_batch(2, "input_b", [3]));
    let dense = |units, name: &str, x: &Tensor| Dense::new(units).name(name).apply(x).unwrap();
    let outputs =
        vec![dense(4, "output_a", &dense(5, "middle_a", &a)), dense(4, "output_b", &dense(5, "middle_b", &b))];
    roundtrip(&Functional::named("func", vec![a.clone(), b.clone()], outputs).unwrap(), vec![x(), x()], &none);
    // With an operation.
    let middle = dense(5, "middle", &ops::add(&a, &b).unwrap());
    let outputs = vec![dense(4, "output_a", &middle), dense(4, "output_b", &middle)];
    roundtrip(&Functional::named("func", vec![a, b], outputs).unwrap(), vec![x(), x()], &none);

    let (a, b) = (of_batch(2, "a", [3]), of_batch(2, "b", [3]));
    let (inputs, values) = (dict([("a", &a), ("b", &b)]), dict([("a", &x()), ("b", &x())]));
    roundtrip(&Functional::new(inputs.clone(), sum_then_dense(&a, &b)).unwrap(), values.clone(), &none);
    // An input as it is for output, and one that nothing needs.
    let double = ops::multiply(&a, 2).unwrap();
    let outputs = dict([("a", &double), ("b", &b)]);
    roundtrip(&Functional::new(inputs.clone(), outputs).unwrap(), values.clone(), &none);
    roundtrip(&Functional::new(inputs, double).unwrap(), values, &none);
}

#[test]
fn test_bad_input_spec() {
    let inputs = symbol([4]);
    let model = Functional::new(inputs.clone(), Dense::new(2).apply(&inputs).unwrap()).unwrap();
    assert_fails(model.predict(zeros(&[2, 3])), "expected shape=(None, 4), found shape=(2, 3)");
    let error = text(model.predict(vec![zeros(&[2, 4]), zeros(&[2, 4])]));
    assert!(
        error.contains("expects 1 named input(s) with keys") && error.contains("received 2 input tensors"),
        "{error}"
    );

    let (a, b) = (named("a", [4]), named("b", [4]));
    let outputs = Dense::new(2).apply(ops::add(&a, &b).unwrap()).unwrap();
    let model = Functional::new(vec![a.clone(), b.clone()], outputs.clone()).unwrap();
    assert_fails(model.predict(zeros(&[2, 3])), "expects 2 named input(s) with keys ['a', 'b']");
    let wrong = model.predict(vec![zeros(&[2, 3]), zeros(&[2, 4])]);
    assert_fails(wrong, "expected shape=(None, 4), found shape=(2, 3)");

    let model = Functional::new(dict([("a", &a), ("b", &b)]), outputs).unwrap();
    assert_fails(model.predict(zeros(&[2, 3])), "named input(s) with keys");
    let wrong = model.predict(dict([("a", &zeros(&[2, 3])), ("b", &zeros(&[2, 4]))]));
    assert_fails(wrong, "expected shape=(None, 4), found shape=(2, 3)");
}

#[test]
fn test_functional_slicing() {
    let inputs = named("input", [None, Some(2)]);
    let x1 = Dense::new(3).name("dense1").apply(&inputs).unwrap();
    let x2 = Dense::new(4).name("dense2").apply(&x1).unwrap();
    let outputs = Dense::new(5).name("dense3").apply(&x2).unwrap();
    let full = Functional::named("full_model", inputs.clone(), outputs.clone()).unwrap();
    assert_eq!(full.layers().len(), 4);
    let x = numbers(&[2, 3, 2]);
    let expected = full.predict(&x).unwrap();
    let names = |model: &Model| model.layers()[1..].iter().map(|layer| layer.name().to_owned()).collect::<Vec<_>>();
    let part = |name, from: &Tensor, to: &Tensor| Functional::named(name, from.clone(), to.clone()).unwrap();
    let last = part("partial1", &x2, &outputs);
    assert!(Model::is_input(&last.layers()[0]));
    assert_eq!(names(&last), ["dense3"]);
    let middle = part("partial2", &x1, &x2);
    assert_eq!(names(&middle), ["dense2"]);
    assert_eq!(names(&part("partial3", &x1, &outputs)), ["dense2", "dense3"]);
    let first = part("partial4", &inputs, &x2);
    assert_eq!(names(&first), ["dense1", "dense2"]);
    // The layers, and so the weights, are the full model's.
    assert_close(&last.predict(first.predict(&x).unwrap()).unwrap(), &expected);
}

#[test]
fn test_for_functional_in_sequential() {
    let inner = symbol([None, None, Some(3)]);
    let x = Conv2D::new(4, 3).strides(2).padding(Padding::Same).apply(&inner).unwrap();
    let x = DepthwiseConv2D::new(3).padding(Padding::Same).apply(BatchNormalization::new().apply(&x).unwrap()).unwrap();
    let base = Functional::named("base", inner, x).unwrap();
    let model = Sequential::new([
        Input::new([16, 16, 3]).layer(),
        base.into(),
        GlobalAveragePooling2D::new().shared(),
        Dense::new(7).activation("softmax").shared(),
    ]);
    let model = model.unwrap();
    let again = Model::from(Sequential::from_config(&model.get_config().unwrap()).unwrap());
    assert_eq!(again.to_json().unwrap(), model.to_json().unwrap());
    assert_eq!(shape(&again.predict(numbers(&[1, 16, 16, 3])).unwrap()), "(1, 7)");
}

#[test]
fn test_list_input_with_dict_build() {
    let (x1, x2) = (named("IT", [10]), named("IS", [10]));
    let y = Subtract::new().apply(vec![x1.clone(), x2.clone()]).unwrap();
    let model = Functional::new(dict([("IT", &x1), ("IS", &x2)]), y).unwrap();
    let (x1, x2) = (ones(&[1, 10]), zeros(&[1, 10]));
    assert_close(&model.predict(dict([("IT", &x1), ("IS", &x2)])).unwrap(), &x1);
    let wrong = model.predict(vec![x1, x2]);
    assert_fails(wrong, "The structure of `inputs` doesn't match the expected structure");
}

#[test]
fn test_functional_with_dtype_policy() {
    let inputs = named("input", [10]);
    let outputs = Dense::new(5).dtype("mixed_float16").apply(&inputs).unwrap();
    let model = Functional::new(inputs, outputs).unwrap();
    // No node casts in between.
    let layers = model.layers();
    let classes: Vec<&str> = layers.iter().map(|layer| layer.class_name()).collect();
    assert_eq!(classes, ["InputLayer", "Dense"]);
    let forms = model.get_config().unwrap().get("layers").and_then(|layers| Some(layers.as_list()?.len()));
    assert_eq!(forms, Some(2));
}

fn legacy_dense(name: &str, inbound: &str) -> Value {
    value!({"class_name": "Dense", "name": (name), "config": {"units": 10, "name": (name)},
        "inbound_nodes": [[[(inbound), 0, 0, {}]]]})
}

fn legacy_config(layers: Vec<Value>, output: &str) -> Config {
    let input = value!({"class_name": "InputLayer", "name": "input_1", "inbound_nodes": [],
        "config": {"batch_input_shape": [null, 10], "dtype": "float32", "name": "input_1"}});
    let layers: Vec<Value> = std::iter::once(input).chain(layers).collect();
    let config = value!({"name": "infinite_loop_model", "layers": (Value::List(layers)),
        "input_layers": [["input_1", 0, 0]], "output_layers": [[(output), 0, 0]]});
    config.as_dict().unwrap().clone()
}

#[test]
fn test_invalid_config_deserialization_loop() {
    let config = legacy_config(vec![legacy_dense("node_a", "node_b"), legacy_dense("node_b", "node_a")], "node_b");
    assert_fails(Functional::from_config(&config), "loop");
}

#[test]
fn test_invalid_config_deserialization_missing_node() {
    let config = legacy_config(vec![legacy_dense("node_a", "node_b")], "node_a");
    assert_fails(Functional::from_config(&config), "Missing node: node_b");
}

#[test]
fn keywords_flatten_by_name() {
    // Keras's order of inputs, for `attention(q, value=v, key=k)`: key before value.
    let (q, v, k) = (named("q", [4, 6]), named("v", [5, 6]), named("k", [5, 6]));
    let args = CallArgs::one(q.clone()).with("value", v.clone()).with("key", k.clone());
    let y = MultiHeadAttention::new(2, 3).apply(args).unwrap();
    let model = Functional::new(vec![q, v, k], y).unwrap();
    let names: Vec<String> = model.layers().iter().map(|layer| layer.name().to_owned()).collect();
    assert_eq!(names[..3], ["q", "k", "v"]);
}

#[test]
fn names_are_unique() {
    let x = symbol([2]);
    let y = Dense::new(2).name("d").apply(Dense::new(2).name("d").apply(&x).unwrap()).unwrap();
    assert_fails(Functional::new(x, y), "All operation names should be unique");
}

#[test]
fn a_layer_in_the_model_and_in_a_model_inside_is_one() {
    let a = symbol([3]);
    let dense = Dense::new(3).shared();
    let inner = Functional::new(a.clone(), dense.apply(&a).unwrap()).unwrap();
    let x = dense.apply(&a).unwrap();
    let model = Functional::new(a, vec![x.clone(), inner.apply(inner.apply(&x).unwrap()).unwrap()]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("shared.keras");
    model.save(&file).unwrap();
    let loaded = load_model(&file).unwrap();
    assert_eq!(loaded.weights().len(), 2);
    let x = numbers(&[2, 3]);
    let (a, b) = (model.predict_all(&x).unwrap(), loaded.predict_all(&x).unwrap());
    a.leaves().into_iter().zip(b.leaves()).for_each(|(a, b)| assert_close(a, b));
}

#[test]
fn structures_pass_through_user_layers() {
    let (a, b) = (symbol([3]), symbol([3]));
    let outputs = call(&Model::from(Same::new().shared()), Nested::tuple([a.clone(), b.clone()])).unwrap();
    let model = Functional::new(vec![a, b], outputs).unwrap();
    let outputs = call(&model, vec![ones(&[1, 3]), zeros(&[1, 3])]).unwrap();
    assert!(matches!(outputs, Nested::Tuple(_)));
}

// x = keras.Input((2, 3)); keras.Model(x, keras.ops.average(x, axis=-1, weights=np.array([1, 2, 3], "float32")))
#[test]
fn weights_of_an_average_broadcast_to_batches_of_unknown_extent() {
    let form = keras_serial::json::Value::parse(
        r#"{"name": "m", "trainable": true, "layers": [
            {"module": "keras.layers", "class_name": "InputLayer", "registered_name": null, "name": "x", "inbound_nodes": [],
             "config": {"batch_shape": [null, 2, 3], "dtype": "float32", "sparse": false, "ragged": false, "name": "x"}},
            {"module": "keras.src.ops.numpy", "class_name": "Average", "registered_name": "Average", "name": "average",
             "config": {"name": "average", "axis": -1}, "inbound_nodes": [{
                "args": [{"class_name": "__keras_tensor__", "config":
                    {"shape": [null, 2, 3], "dtype": "float32", "keras_history": ["x", 0, 0]}}],
                "kwargs": {"weights": {"class_name": "__numpy__", "config": {"value": [1.0, 2.0, 3.0], "dtype": "float32"}}}}]}],
            "input_layers": ["x", 0, 0], "output_layers": ["average", 0, 0]}"#,
    );
    let model = Functional::from_config(form.unwrap().as_dict().unwrap()).unwrap().shared();
    let x = Tensor::from_slice(&[1.0f32, 1.0, 2.0, 6.0, 0.0, 0.0], [1, 2, 3]).unwrap();
    assert_eq!(model.apply(&x).unwrap().to_vec::<f32>().unwrap(), [1.5, 1.0]);
}
