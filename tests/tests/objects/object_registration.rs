//! Counterparts of `keras/src/saving/object_registration_test.py`, with the same names.

use keras_serial::functions::{Function, get_registered_name_of_fn};
use keras_serial::json::{Value, value};
use keras_serial::object::Object;
use keras_serial::prelude::*;
use keras_serial::registry::{
    Carried, deserialize_keras_object, get_registered_name, get_registered_object, serialize_keras_object,
};
use keras_serial::regularizers::Regularize;

fn plus_seven(x: &Tensor) -> Result<Tensor> {
    ops::add(x, 7.0)
}

#[derive(KerasSerializable)]
struct CustomClass {}

impl Regularize for CustomClass {
    fn penalty(&self, w: &Tensor) -> Result<Tensor> {
        Ok(w.clone())
    }
}

/// Keras's own test never runs its body; this one does, also in a worker thread.
#[test]
fn test_custom_object_scope() {
    fn check() {
        let y = Activation::from("custom_fn").apply(&Tensor::scalar(1.0f32).unwrap()).unwrap();
        assert_eq!(y.item::<f32>().unwrap(), 8.0);
        let class = Regularizer::deserialize(&Value::from("CustomClass")).unwrap();
        assert!(class.downcast_ref::<CustomClass>().is_some());
    }
    let objects = CustomObjects::new().with::<CustomClass>().with_fn("custom_fn", plus_seven);
    {
        let _scope = CustomObjectScope::new(objects).enter();
        check();
        let carried = Carried::capture();
        std::thread::spawn(move || {
            assert!(Regularizer::deserialize(&Value::from("CustomClass")).is_err(), "scopes are per thread");
            carried.run(check);
        })
        .join()
        .unwrap();
    }
    assert!(Regularizer::deserialize(&Value::from("CustomClass")).is_err());
}

#[register]
#[derive(KerasSerializable)]
struct TestClass {
    value: i64,
}

#[test]
fn test_serialize_custom_class_with_default_name() {
    assert_eq!(get_registered_name::<TestClass>(), "Custom>TestClass");
    let config = serialize_keras_object(&Object::plain(TestClass { value: 10 })).unwrap();
    assert_eq!(config.get("class_name"), Some(&value!("TestClass")));
    let deserialized = deserialize_keras_object(&config, &CustomObjects::new()).unwrap();
    let new = deserialized.object().unwrap().downcast_plain::<TestClass>().unwrap();
    assert_eq!(new.value, 10);
}

#[register(package = "TestPackage", name = "CustomName")]
#[derive(KerasSerializable)]
struct OtherTestClass {
    val: i64,
}

#[test]
fn test_serialize_custom_class_with_custom_name() {
    let name = get_registered_name::<OtherTestClass>();
    assert_eq!(name, "TestPackage>CustomName");
    assert_eq!(get_registered_object(&name).unwrap().class_name(), "OtherTestClass");
    let config = serialize_keras_object(&Object::plain(OtherTestClass { val: 5 })).unwrap();
    assert_eq!(
        config,
        value!({
            "module": null, "class_name": "OtherTestClass", "config": {"val": 5},
            "registered_name": "TestPackage>CustomName"
        })
    );
    let deserialized = deserialize_keras_object(&config, &CustomObjects::new()).unwrap();
    assert_eq!(deserialized.object().unwrap().downcast_plain::<OtherTestClass>().unwrap().val, 5);
}

#[register]
fn my_fn(x: &Tensor) -> Result<Tensor> {
    ops::add(x, 42.0)
}

#[test]
fn test_serialize_custom_function() {
    assert_eq!(get_registered_name_of_fn(my_fn), "Custom>my_fn");
    let config = serialize_keras_object(&Function::new(my_fn)).unwrap();
    let deserialized = deserialize_keras_object(&config, &CustomObjects::new()).unwrap();
    let function = deserialized.object().unwrap().downcast::<Function>("a function").unwrap();
    let zero = Tensor::scalar(0.0f32).unwrap();
    assert_eq!(function.call(&zero).unwrap().item::<f32>().unwrap(), 42.0);
    assert!(function.is_same(&Function::new(my_fn)));
    assert!(get_registered_object("Custom>my_fn").unwrap().is_function());
}
