//! Counterparts of `keras/src/saving/serialization_lib_test.py`, with the same names.

use keras_serial::functions::Function;
use keras_serial::json::{Value, value};
use keras_serial::object::{Object, SharingScope};
use keras_serial::prelude::*;
use keras_serial::registry::{Deserialized, deserialize_keras_object, serialize_keras_object};
use keras_serial::tensor::TensorValue;

use crate::classes::{MyDense, assert_close};

fn custom_fn(x: &Tensor) -> Result<Tensor> {
    ops::square(x)
}

#[derive(KerasSerializable)]
#[keras(new)]
struct FactorLayer {
    base: LayerBase,
    factor: f64,
}

impl Layer for FactorLayer {
    fn call(&self, inputs: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
        ops::multiply(inputs.tensor()?, self.factor).map(Into::into)
    }
}

#[derive(KerasSerializable)]
#[keras(new)]
struct NestedCustomLayer {
    base: LayerBase,
    factor: f64,
    #[keras(default = Dense::new(1).activation(custom_fn).into())]
    dense: LayerRef,
    #[keras(default)]
    activation: Option<Activation>,
}

impl Layer for NestedCustomLayer {
    fn call(&self, inputs: &CallArgs, cx: &CallContext) -> Result<Nested<Tensor>> {
        self.dense.call(ops::multiply(inputs.tensor()?, self.factor)?, cx)
    }
}

#[derive(KerasSerializable)]
#[keras(new)]
struct WrapperLayer {
    base: LayerBase,
    layer: LayerRef,
}

impl Layer for WrapperLayer {
    fn call(&self, inputs: &CallArgs, cx: &CallContext) -> Result<Nested<Tensor>> {
        self.layer.call(inputs.tensor()?, cx)
    }
}

/// Returns the serialized object, the object deserialized from its JSON text, and that one serialized
/// again.
fn roundtrip<T: ConfigField>(object: &T, custom_objects: &CustomObjects) -> (Value, Deserialized, Value) {
    let serialized = serialize_keras_object(object).unwrap();
    let deserialized = deserialize(&serialized, custom_objects).unwrap();
    let again = serialize_keras_object(&deserialized).unwrap();
    (serialized, deserialized, again)
}

fn deserialize(form: &Value, custom_objects: &CustomObjects) -> Result<Deserialized> {
    deserialize_keras_object(&Value::parse(&form.to_json())?, custom_objects)
}

fn none() -> CustomObjects {
    CustomObjects::new()
}

fn layer(deserialized: &Deserialized) -> LayerRef {
    deserialized.object().unwrap().downcast("a layer").unwrap()
}

fn x() -> Tensor {
    Tensor::from_slice(&[0.5f32, -1.0, 2.0, 0.25], [2, 2]).unwrap()
}

/// Checks that both layers compute the same with the same weights.
fn assert_same_output(a: &LayerRef, b: &LayerRef) {
    let y = a.apply(x()).unwrap();
    b.apply(x()).unwrap();
    b.set_weights(&a.get_weights()).unwrap();
    assert_close(&b.apply(x()).unwrap(), &y);
}

#[test]
fn test_simple_objects() {
    let array = |values: &[f32]| Object::new(TensorValue::numpy(Tensor::from_slice(values, [values.len()]).unwrap()));
    let plain = |value: Value| Deserialized::Plain(value);
    let dict = |items: Vec<(&str, Deserialized)>| {
        Deserialized::Dict(items.into_iter().map(|(k, v)| (k.to_owned(), v)).collect())
    };
    for object in [
        plain("hello".into()),
        Deserialized::Bytes(b"hello".to_vec()),
        Deserialized::Object(Object::new(TensorValue::numpy(Tensor::from_slice(&[0i64, 1], [2]).unwrap()))),
        Deserialized::Object(array(&[0.0, 1.0])),
        plain(value!(1.0)),
        Deserialized::List(vec![
            plain("hello".into()),
            plain(value!(0)),
            plain("world".into()),
            plain(value!(1.0)),
            plain(value!(true)),
        ]),
        dict(vec![("1", plain("hello".into())), ("2", plain(value!(0))), ("3", plain(value!(true)))]),
        dict(vec![
            ("1", plain("hello".into())),
            ("2", Deserialized::List(vec![plain(value!(true)), plain(value!(false))])),
        ]),
        Deserialized::slice(None, Some(20), Some(1)),
        Deserialized::Slice(Box::new([plain(Value::Null), Deserialized::Object(array(&[0.0, 1.0])), plain(value!(1))])),
    ] {
        let (serialized, _, reserialized) = roundtrip(&object, &none());
        assert_eq!(serialized, reserialized);
    }
}

#[test]
fn test_builtin_layers() {
    let dense = Dense::new(3).name("foo").trainable(false).dtype("float16").shared();
    let (serialized, restored, reserialized) = roundtrip(&dense, &none());
    assert_eq!(serialized, reserialized);
    let restored = layer(&restored);
    assert_eq!((restored.name(), restored.is_trainable()), ("foo", false));
    assert_eq!(restored.layer().base().dtype_policy().compute_dtype().unwrap(), DType::Float16);
}

#[test]
fn test_numpy_get_item_layer() {
    use keras_serial::tensor::Item;
    let input = Input::new([2]).tensor().unwrap();
    let key = Nested::Tuple(vec![Nested::Leaf(Item::Slice(None, None, None)), Nested::Leaf(Item::Value(1.into()))]);
    let column = ops::get_item(&input, key).unwrap();
    let model = Functional::new(input, column).unwrap();
    let (serialized, _, reserialized) = roundtrip(model.as_layer(), &none());
    assert_eq!(serialized, reserialized);
}

#[test]
fn test_serialize_ellipsis() {
    let (_, deserialized, _) = roundtrip(&Deserialized::Ellipsis, &none());
    assert!(matches!(deserialized, Deserialized::Ellipsis));
}

#[test]
fn test_tensors_and_shapes() {
    let numbers = Tensor::from_slice(&[0.1f64, -1.5, 2.0, 1e-9], [2, 2]).unwrap();
    let form = value!({"x": {"class_name": "__tensor__", "config": {
        "value": [[0.1, -1.5], [2.0, 1e-9]], "dtype": "float64"}}});
    let Deserialized::Dict(items) = deserialize(&form, &none()).unwrap() else { panic!("a dict") };
    let x = items["x"].object().unwrap().downcast_ref::<TensorValue>().unwrap();
    assert_eq!(x.tensor().to_vec::<f64>().unwrap(), numbers.to_vec::<f64>().unwrap());
    assert_eq!(Deserialized::Dict(items).serialize().unwrap(), form);
    let shape = Shape::from([2, 2]);
    let (serialized, _, _) = roundtrip(&shape, &none());
    assert_eq!(Shape::from_value(&serialized).unwrap(), shape);
}

#[test]
fn test_custom_fn() {
    let custom = none().with_fn("custom_fn", custom_fn);
    let object = indexmap::IndexMap::from([("activation".to_owned(), Function::new(custom_fn))]);
    let (serialized, _, reserialized) = roundtrip(&object, &custom);
    assert_eq!(serialized, reserialized);

    let dense = Dense::new(1).activation(custom_fn).shared();
    dense.build(&Shape::from([None, Some(2)])).unwrap();
    let (_, new_dense, _) = roundtrip(&dense, &custom);
    assert_same_output(&dense, &layer(&new_dense));
}

#[test]
fn test_custom_layer() {
    let factor = FactorLayer::new(2.0).shared();
    let (_, new_layer, _) = roundtrip(&factor, &none().with::<FactorLayer>());
    assert_same_output(&factor, &layer(&new_layer));

    let nested = NestedCustomLayer::new(2.0).shared();
    let custom = none().with::<NestedCustomLayer>().with_fn("custom_fn", custom_fn);
    let (_, new_layer, _) = roundtrip(&nested, &custom);
    assert_same_output(&nested, &layer(&new_layer));
}

/// There is no unsafe mode: a lambda is never deserialized, and a closure never serialized.
#[test]
fn test_lambda_fn() {
    let closure = Function::new(|x: &Tensor| ops::square(x));
    assert!(serialize_keras_object(&closure).unwrap_err().to_string().contains("has no name"));
    let form = value!({"activation": {"class_name": "__lambda__", "config": {"value": ["4wEA", null, null]}}});
    let error = deserialize(&form, &none()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::CodeRefused);
    assert!(error.to_string().contains("arbitrary code execution"), "{error}");
}

#[test]
fn test_lambda_layer() {
    let form = value!({
        "module": "keras.layers", "class_name": "Lambda", "registered_name": null,
        "config": {"name": "lambda", "function": {"class_name": "__lambda__", "config": {"code": "4wEA"}}}
    });
    let error = deserialize(&form, &none()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::CodeRefused);
    assert!(error.to_string().contains("arbitrary code execution"), "{error}");
}

#[test]
fn test_deserialize_invalid_type_config() {
    let bad = value!({"class_name": "Dense", "module": "keras.layers", "config": [1, 2, 3]});
    assert!(deserialize(&bad, &none()).unwrap_err().to_string().contains("Expected 'config' to be a dict"));
}

#[test]
fn test_deserialize_invalid_function_config() {
    let bad = value!({"class_name": "function", "config": ["not", "a", "string"]});
    assert!(deserialize(&bad, &none()).unwrap_err().to_string().contains("Expected 'config' to be a non-null str"));
}

#[test]
fn test_dict_inputs_outputs() {
    let input = |name: &str| Input::new([2]).name(name).tensor().unwrap();
    let (foo, bar) = (input("foo"), input("bar"));
    let dense = Dense::new(1).shared();
    let outputs = Nested::dict([("foo", dense.apply(&foo).unwrap()), ("bar", dense.apply(&bar).unwrap())]);
    let model = Functional::new(Nested::dict([("foo", foo), ("bar", bar)]), outputs).unwrap();
    let (_, restored, _) = roundtrip(model.as_layer(), &none());
    let restored = layer(&restored);
    restored.set_weights(&model.as_layer().get_weights()).unwrap();
    let inputs = || Nested::dict([("foo", x()), ("bar", ops::negative(&x()).unwrap())]);
    let original = model.predict_all(inputs()).unwrap();
    let again = restored.call(inputs(), &CallContext::inference()).unwrap();
    for name in ["foo", "bar"] {
        let output = |outputs: &Nested<Tensor>| outputs.get(name).unwrap().single().unwrap().clone();
        assert_close(&output(&again), &output(&original));
    }
}

#[test]
fn test_shared_inner_layer() {
    let inputs = || Input::new([2]).tensor().unwrap();
    let (first, second) = (inputs(), inputs());
    let shared = Dense::new(1).shared();
    let output = shared.apply(&first).unwrap();
    let wrapped = WrapperLayer::new(shared).shared().apply(&second).unwrap();
    let model = Functional::new(Nested::list([first, second]), Nested::list([output, wrapped])).unwrap();
    let sharing = SharingScope::enter();
    let form = sharing.serialize(model.as_layer()).unwrap();
    let restored = layer(&deserialize(&form, &none().with::<WrapperLayer>()).unwrap());
    let layers = restored.graph().unwrap().graph_layers();
    let wrapper = layers.iter().find_map(|layer| layer.downcast_ref::<WrapperLayer>()).unwrap();
    let dense = layers.iter().find(|layer| layer.class_name() == "Dense").unwrap();
    assert!(wrapper.layer.is_same(dense));
}

#[test]
fn test_layer_sharing() {
    let layers = [Input::new([3]).layer(), Dense::new(5).shared(), Softmax::new().shared()];
    let sequential = Sequential::new(layers).unwrap();
    let model = Functional::new(sequential.inputs().unwrap(), sequential.outputs().unwrap()).unwrap();
    let (serialized, restored, again) = roundtrip(model.as_layer(), &none());
    assert_eq!(serialized, again);
    let restored = layer(&restored);
    assert_eq!(restored.graph().unwrap().graph_layers().len(), 3);
}

#[derive(KerasSerializable)]
struct ActivityLayer {
    base: LayerBase,
    activation: Object,
}

impl Layer for ActivityLayer {
    fn call(&self, inputs: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
        Ok(inputs.tensor()?.clone().into())
    }
}

#[derive(KerasSerializable)]
struct SharedActivation {}

#[test]
fn test_shared_object() {
    let shared = Object::plain(SharedActivation {});
    let make = || LayerRef::new(ActivityLayer { base: LayerBase::default(), activation: shared.clone() });
    let layers = vec![make(), make()];
    let sharing = SharingScope::enter();
    let serialized = sharing.serialize(&layers).unwrap();
    let custom = none().with::<ActivityLayer>().with::<SharedActivation>();
    let Deserialized::List(new_layers) = deserialize(&serialized, &custom).unwrap() else { panic!("a list") };
    let id = |index: usize| {
        let form = &serialized.as_list().unwrap()[index];
        form.get("config").unwrap().get("activation").unwrap().get("shared_object_id").cloned().unwrap()
    };
    assert_eq!(id(0), id(1));
    let activation =
        |deserialized: &Deserialized| layer(deserialized).downcast_ref::<ActivityLayer>().unwrap().activation.clone();
    assert!(activation(&new_layers[0]).is_same(&activation(&new_layers[1])));
}

#[test]
fn test_keras36_custom_function_reloading() {
    let form = |name: &str| {
        let name = Value::from(name);
        value!({"module": "builtins", "class_name": "function", "config": name, "registered_name": "function"})
    };
    for name in ["custom_registered_fn", "serial_test>custom_registered_fn"] {
        let deserialized = deserialize(&form(name), &none()).unwrap();
        let function = deserialized.object().unwrap().downcast::<Function>("a function").unwrap();
        assert!(function.is_same(&Function::new(custom_registered_fn)));
    }
}

#[register(package = "serial_test")]
fn custom_registered_fn(x: &Tensor) -> Result<Tensor> {
    ops::square(x)
}

/// Returns the activation in the configuration of the deserialized layer.
fn restored_activation(dense: &LayerRef) -> Value {
    let (serialized, restored, again) = roundtrip(dense, &none());
    assert_eq!(serialized, again);
    layer(&restored).get_config().unwrap().get("activation").cloned().unwrap()
}

#[test]
fn test_layer_instance_as_activation() {
    let relu = ReLU::new().name("my_relu").shared();
    let dense = Dense::new(4).activation(relu).shared();
    dense.build(&Shape::from([None, Some(8)])).unwrap();
    let activation = restored_activation(&dense);
    assert_eq!(activation.get("class_name"), Some(&value!("ReLU")));
    assert_eq!(activation.get("config").unwrap().get("name"), Some(&value!("my_relu")));
    let x = Tensor::from_slice(&[0.5f32, -1.0, 2.0, 0.25, 1.0, -2.0, 0.0, 3.0], [1, 8]).unwrap();
    assert!(dense.apply(x).unwrap().to_vec::<f32>().unwrap().iter().all(|y| *y >= 0.0));
}

#[test]
fn test_layer_instance_with_config_as_activation() {
    let leaky = LeakyReLU::new().negative_slope(0.15).name("my_leaky").shared();
    let conv = Conv1D::new(2, 3).activation(leaky).shared();
    conv.build(&Shape::from([None, Some(10), Some(4)])).unwrap();
    let activation = restored_activation(&conv);
    assert_eq!(activation.get("class_name"), Some(&value!("LeakyReLU")));
    let config = activation.get("config").unwrap();
    assert_eq!((config.get("negative_slope"), config.get("name")), (Some(&value!(0.15)), Some(&value!("my_leaky"))));
}

#[test]
fn test_layer_string_as_activation() {
    let dense = Dense::new(4).activation("relu").shared();
    dense.build(&Shape::from([None, Some(8)])).unwrap();
    let (_, restored, _) = roundtrip(&dense, &none());
    let activation = layer(&restored).get_config().unwrap().get("activation").cloned();
    assert_eq!(activation, Some(value!("relu")));
}

fn layer_form() -> Value {
    value!({"class_name": "Dense", "module": "keras.layers", "config": {"units": 4}})
}

#[test]
fn test_missing_name_for_sequential_model() {
    let layers = vec![layer_form()];
    let form = value!({"class_name": "Sequential", "module": "keras", "config": {"layers": (Value::List(layers))}});
    let error = deserialize(&form, &none()).unwrap_err().to_string();
    let expected = "A Sequential model configuration must be a dictionary containing the 'name' and 'layers' keys";
    assert!(error.contains(expected), "{error}");
}

#[test]
fn test_malformed_layer_for_sequential_model() {
    let layers = vec![layer_form(), value!({})];
    let form = value!({"class_name": "Sequential", "module": "keras", "config": {
        "name": "sequential_model", "layers": (Value::List(layers))}});
    let error = deserialize(&form, &none()).unwrap_err().to_string();
    assert!(error.contains("Expected a dictionary containing a 'config' key"), "{error}");
}

fn dense_named(registered_name: Option<Value>) -> Value {
    let mut form = value!({"class_name": "Dense", "module": "keras.layers", "config": {"units": 1}});
    if let (Value::Dict(dict), Some(name)) = (&mut form, registered_name) {
        dict.insert("registered_name".into(), name);
    }
    form
}

#[test]
fn test_registered_name_for_keras_builtin_raises() {
    for name in ["builtins.eval", "subprocess.Popen", "not.a.real.name", "my_pkg>MyDense"] {
        let error = deserialize(&dense_named(Some(name.into())), &none()).unwrap_err();
        assert!(error.to_string().contains("resolved to a Keras built-in"), "{error}");
    }
}

fn is_dense(form: &Value) -> bool {
    layer(&deserialize(form, &none()).unwrap()).downcast_ref::<Dense>().is_some()
}

#[test]
fn test_registered_name_matching_class_name_passes_through() {
    assert!(is_dense(&dense_named(Some("Dense".into()))));
}

#[test]
fn test_none_or_missing_registered_name_passes_through() {
    assert!(is_dense(&dense_named(Some(Value::Null))));
    assert!(is_dense(&dense_named(None)));
}

#[test]
fn test_empty_string_registered_name_passes_through() {
    assert!(is_dense(&dense_named(Some("".into()))));
}

#[test]
fn test_registered_name_for_keras_builtin_function_raises() {
    let form = value!({
        "class_name": "function", "module": "builtins", "registered_name": "some_other_name", "config": "relu"
    });
    assert!(deserialize(&form, &none()).unwrap_err().to_string().contains("resolved to a Keras built-in"));
}

/// With `relu` instead of `kl_divergence`: any function of Keras will do.
#[test]
fn test_registered_name_matching_function_name_passes_through() {
    for registered in ["function", "relu"] {
        let registered = Value::from(registered);
        let form = value!({
            "class_name": "function", "module": "builtins", "registered_name": registered, "config": "relu"
        });
        let deserialized = deserialize(&form, &none()).unwrap();
        let function = deserialized.object().unwrap().downcast::<Function>("a function").unwrap();
        assert!(function.is_same(&Function::new(keras_serial::activations::relu)));
    }
}

#[test]
fn test_registered_custom_object_still_resolves() {
    let (_, restored, _) = roundtrip(&MyDense::new(4).shared(), &none());
    assert_eq!(layer(&restored).downcast_ref::<MyDense>().unwrap().units, 4);
}
