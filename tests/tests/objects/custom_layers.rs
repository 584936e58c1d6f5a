//! Custom layers in a file that Keras wrote: load, predict, save, load again. Also the parts of the
//! guide that show their configurations.

use keras_serial::json::{Value, value};
use keras_serial::object::Object;
use keras_serial::prelude::*;
use keras_serial::registry::{self, deserialize_keras_object, serialize_keras_object};
use keras_serial::regularizers::L1;

use crate::classes::{CustomLayer, CustomModel, MyDense, Scale, Stack, assert_close, custom_fn, fixture, tensor};

const MODEL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/objects/custom.keras");

fn config_json(bytes: Vec<u8>) -> Value {
    let archive = keras_serial::saving::ZipReader::open(bytes.into(), &Default::default()).unwrap();
    let text = archive.read("config.json").unwrap();
    let mut config = Value::parse(std::str::from_utf8(&text).unwrap()).unwrap();
    forget_ids(&mut config);
    config
}

/// Which occurrence of a shared dtype policy has an id changes on any load, in Keras too.
fn forget_ids(value: &mut Value) {
    match value {
        Value::List(items) => items.iter_mut().for_each(forget_ids),
        Value::Dict(dict) => {
            dict.shift_remove("shared_object_id");
            dict.values_mut().for_each(forget_ids);
        }
        _ => {}
    }
}

#[test]
fn a_file_of_keras_loads_predicts_and_saves() {
    let expected = fixture("custom.json");
    let (x, y) = (tensor(expected.get("x").unwrap()), tensor(expected.get("y").unwrap()));
    let model = load_model(MODEL).unwrap();
    assert_close(&model.predict(&x).unwrap(), &y);

    let paths: Vec<Value> = model.as_layer().weights().iter().map(|weight| Value::from(weight.path())).collect();
    assert_eq!(Some(&Value::List(paths)), expected.get("loaded_weights"));

    let saved = SaveOptions::new().save_model_to_bytes(&model).unwrap();
    assert_eq!(config_json(saved.clone()), config_json(std::fs::read(MODEL).unwrap()));
    let again = LoadOptions::new().load_model_from_bytes(saved).unwrap();
    assert_close(&again.predict(&x).unwrap(), &y);
}

/// Returns the model of `fixtures/objects/make.py`, built here.
fn built() -> Model {
    let dense = |units: usize, name: &str| Dense::new(units).name(name);
    let inputs = Input::new([4]).name("x").tensor().unwrap();
    let x = dense(6, "squares").activation(custom_fn).apply(&inputs).unwrap();
    let x = CustomLayer::new(dense(5, "sub").activation("tanh")).name("holder").apply(&x).unwrap();
    let inner = MyDense::new(16).kernel_regularizer(L1::new(0.01)).kernel_initializer("ones").name("inner");
    let outer = MyDense::new(8).kernel_initializer("he_normal").nested_model(inner).name("outer");
    let x = outer.apply(&x).unwrap();
    let pair = CustomModel::new(dense(4, "first")).second_layer(dense(8, "dense")).name("pair");
    let x = pair.apply(&x).unwrap();
    let blocks = vec![dense(4, "b0").shared(), dense(3, "b1").activation("relu").shared()];
    let heads = [("right".to_owned(), dense(2, "r").shared()), ("left".to_owned(), MyDense::new(2).name("l").shared())];
    let x = Stack::new(blocks, heads).name("stack").apply(&x).unwrap();
    let x = Scale::<f64>::new(0.5).name("half").apply(&x).unwrap();
    Functional::named("custom", inputs, x).unwrap()
}

#[test]
fn a_model_built_here_has_the_paths_of_keras() {
    let paths: Vec<Value> = built().as_layer().weights().iter().map(|weight| Value::from(weight.path())).collect();
    assert_eq!(Some(&Value::List(paths)), fixture("custom.json").get("weights"));
}

/// Checks Keras's outputs, with the weights of its file in the model built here.
#[test]
fn a_model_built_here_predicts_with_weights_of_keras() {
    let expected = fixture("custom.json");
    let model = built();
    model.load_weights(MODEL).unwrap();
    let y = model.predict(tensor(expected.get("x").unwrap())).unwrap();
    assert_close(&y, &tensor(expected.get("y").unwrap()));
}

#[test]
fn weights_lie_where_keras_puts_them() {
    fn datasets(group: &keras_serial::saving::H5Group, path: &str, found: &mut Vec<String>) {
        found.extend(group.datasets.keys().map(|name| format!("{path}{name}")));
        for (name, inner) in &group.groups {
            datasets(inner, &format!("{path}{name}/"), found);
        }
    }
    let model = load_model(MODEL).unwrap();
    let saved = SaveOptions::new().save_model_to_bytes(&model).unwrap();
    let archive = keras_serial::saving::ZipReader::open(saved.into(), &Default::default()).unwrap();
    let weights = archive.read("model.weights.h5").unwrap();
    let file = keras_serial::saving::H5Reader::open(weights, &Default::default()).unwrap();
    let mut found = Vec::new();
    datasets(file.root(), "", &mut found);
    found.sort();
    let expected = fixture("custom.json");
    let expected: Vec<&str> =
        expected.get("datasets").unwrap().as_list().unwrap().iter().map(|path| path.as_str().unwrap()).collect();
    assert_eq!(found, expected);
}

#[test]
fn loaded_layers_are_of_their_types() {
    let model = load_model(MODEL).unwrap();
    let layer = |name: &str| model.get_layer(name).unwrap();
    let holder = layer("holder");
    assert_eq!(holder.downcast_ref::<CustomLayer>().unwrap().sublayer.name(), "sub");
    let outer = layer("outer");
    let outer = outer.downcast_ref::<MyDense>().unwrap();
    let inner = outer.nested_model.as_ref().unwrap().downcast_ref::<MyDense>().unwrap();
    assert_eq!((outer.units, inner.units), (8, 16));
    let pair = layer("pair");
    let pair = pair.downcast_ref::<CustomModel>().unwrap();
    assert_eq!((pair.first_layer.name(), pair.second_layer.class_name()), ("first", "Dense"));
    let stack = layer("stack");
    let stack = stack.downcast_ref::<Stack>().unwrap();
    assert_eq!(stack.blocks.len(), 2);
    assert!(stack.heads["left"].downcast_ref::<MyDense>().is_some());
    assert!((layer("half").downcast_ref::<Scale<f64>>().unwrap().factor - 0.5).abs() < f64::EPSILON);
}

/// The guide passes `kernel_regularizer="l1"` and its Python class keeps the string; a typed field holds
/// the object of that name, and serializes it.
#[test]
fn the_guides_my_dense_nests_in_itself() {
    let layer = MyDense::new(16).kernel_regularizer("l1").kernel_initializer("ones").name("my_dense");
    let layer = MyDense::new(64).nested_model(layer).name("my_dense_1").shared();
    let form = serialize_keras_object(&layer).unwrap();
    let keras = fixture("custom.json").get("guide").cloned().unwrap();
    assert_eq!(form.get("module"), Some(&Value::Null));
    assert_eq!(form.get("registered_name"), Some(&value!("MyLayers>KernelMult")));
    let nested = |form: &Value| form.get("config").unwrap().get("nested_model").unwrap().get("config").unwrap().clone();
    assert_eq!(nested(&form).get("kernel_regularizer").unwrap().get("class_name"), Some(&value!("L1")));
    assert_eq!(nested(&keras).get("kernel_regularizer"), Some(&value!("l1")));

    // Keras's own form loads, and writes the same.
    let deserialized = deserialize_keras_object(&keras, &CustomObjects::new()).unwrap();
    assert_eq!(deserialized.serialize().unwrap(), form);
    let keys = |form: &Value| form.get("config").unwrap().as_dict().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(&form), keys(&keras));
}

#[test]
fn a_default_sublayer_may_be_left_out() {
    let first = serialize_keras_object(&Dense::new(4).name("first").shared()).unwrap();
    let form = value!({
        "module": null, "class_name": "CustomModel", "registered_name": "ComplexModels>CustomModel",
        "config": {"name": "pair", "trainable": true, "dtype": "float32", "first_layer": first}
    });
    let deserialized = deserialize_keras_object(&form, &CustomObjects::new()).unwrap();
    let model = deserialized.object().unwrap().downcast::<LayerRef>("a layer").unwrap();
    let inputs = Input::new([3]).tensor().unwrap();
    let model = Functional::new(inputs.clone(), model.apply(&inputs).unwrap()).unwrap();
    let saved = SaveOptions::new().save_model_to_bytes(&model).unwrap();
    let again = LoadOptions::new().load_model_from_bytes(saved).unwrap();
    let x = Tensor::from_slice(&[1.0f32, 2.0, 3.0], [1, 3]).unwrap();
    assert_close(&again.predict(&x).unwrap(), &model.predict(&x).unwrap());
}

#[test]
fn generic_instances_have_entries_of_their_own() {
    use keras_serial::registry::get_registered_name;
    assert_eq!(get_registered_name::<Scale<f64>>(), "MyLayers>Scale");
    assert_eq!(get_registered_name::<Scale<i32>>(), "MyLayers>IntegerScale");
    let form = serialize_keras_object(&Scale::<i32>::new(3).shared()).unwrap();
    assert_eq!(form.get("class_name"), Some(&value!("Scale")));
    let deserialized = deserialize_keras_object(&form, &CustomObjects::new()).unwrap();
    let layer = deserialized.object().unwrap().downcast::<LayerRef>("a layer").unwrap();
    assert_eq!(layer.downcast_ref::<Scale<i32>>().unwrap().factor, 3);
}

fn all() -> CustomObjects {
    CustomObjects::new()
        .with::<CustomLayer>()
        .with::<MyDense>()
        .with_named::<CustomModel>("ComplexModels>CustomModel")
        .with_named::<Stack>("MyLayers>Stack")
        .with_entry("Scale", keras_serial::entry!(Scale<f64>))
        .with_fn("custom_fn", custom_fn)
}

/// G5–G7: cleared objects are unknown; with an argument or in a scope they are known again.
#[test]
fn objects_that_are_not_registered_are_given_with_the_call_or_by_a_scope() {
    let _own = registry::isolate();
    registry::clear_custom_objects();
    let error = load_model(MODEL).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnknownObject, "{error}");
    let text = error.to_string();
    for part in ["custom_fn", "custom_objects", "CustomObjectScope", "#[register("] {
        assert!(text.contains(part), "{text}");
    }
    let expected = fixture("custom.json");
    let (x, y) = (tensor(expected.get("x").unwrap()), tensor(expected.get("y").unwrap()));
    let model = LoadOptions::new().custom_objects(all()).load_model(MODEL).unwrap();
    assert_close(&model.predict(&x).unwrap(), &y);
    {
        let _scope = CustomObjectScope::new(all()).enter();
        assert!(load_model(MODEL).is_ok());
    }
    assert_eq!(load_model(MODEL).unwrap_err().kind(), ErrorKind::UnknownObject);
}

#[test]
fn a_missing_layers_error_names_it_in_full_and_what_is_near() {
    let _own = registry::isolate();
    assert!(registry::unregister("MyLayers>KernelMult"));
    registry::register(keras_serial::entry!(MyDense).in_package("MyLayers").named("KernelMulti")).unwrap();
    let error = load_model(MODEL).unwrap_err();
    let text = error.to_string();
    assert!(text.contains("`MyLayers>KernelMult` (class `MyDense`)"), "{text}");
    assert!(text.contains("did you mean `MyLayers>KernelMulti`"), "{text}");
    assert!(error.path().ends_with("outer"), "{}", error.path());
}

/// A type with a hand-written configuration, among derived ones.
struct Clamp {
    base: LayerBase,
    low: f64,
    high: f64,
}

impl KerasSerializable for Clamp {
    fn get_config(&self) -> Result<Config> {
        let mut config = Config::new();
        self.base.write_config("Clamp", &mut config)?;
        config.insert("bounds".into(), (self.low, self.high).to_value()?);
        Ok(config)
    }

    fn from_config(config: &Config) -> Result<Self> {
        let base = LayerBase::read_config(config)?;
        let bounds = config.get("bounds").ok_or_else(|| Error::new(ErrorKind::Config, "missing `bounds`"))?;
        let (low, high) = ConfigField::from_value(bounds)?;
        Ok(Self { base, low, high })
    }
}

impl HasBase<LayerBase> for Clamp {
    fn base(&self) -> &LayerBase {
        &self.base
    }

    fn base_mut(&mut self) -> &mut LayerBase {
        &mut self.base
    }
}

impl Layer for Clamp {
    fn call(&self, inputs: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
        ops::maximum(&ops::minimum(inputs.tensor()?, self.high)?, self.low).map(Into::into)
    }
}

keras_serial::register_type!(Clamp, package = "MyLayers");

#[test]
fn hand_written_configurations_mix_with_derived_ones() {
    let clamp = Clamp { base: LayerBase::default(), low: -1.0, high: 1.0 };
    let holder = CustomLayer::new(clamp).name("holder").shared();
    let form = serialize_keras_object(&holder).unwrap();
    let inner = form.get("config").unwrap().get("sublayer").unwrap();
    assert_eq!(inner.get("registered_name"), Some(&value!("MyLayers>Clamp")));
    assert_eq!(inner.get("config").unwrap().get("bounds"), Some(&value!([-1.0, 1.0])));
    let again = <LayerRef as ConfigField>::from_value(&form).unwrap();
    let y = again.apply(Tensor::from_slice(&[-3.0f32, 0.5, 3.0], [1, 3]).unwrap()).unwrap();
    assert_eq!(y.to_vec::<f32>().unwrap(), [-1.0, 0.5, 1.0]);
    assert!(Object::new(again).downcast_plain::<Clamp>().is_none(), "it is a layer");
}
