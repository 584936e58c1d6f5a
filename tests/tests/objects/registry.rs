//! The registry: look-ups, listing, and changes at run time.

use keras_serial::json::{Value, value};
use keras_serial::object::{Kind, Object};
use keras_serial::prelude::*;
use keras_serial::registry::{self, Carried, Entry, find_by_class_name, get_registered_object};

use crate::classes::{CustomLayer, MyDense, custom_fn};

#[test]
fn entries_tell_kind_and_place() {
    let entries = registry::get_custom_objects();
    let entry = |name: &str| entries.iter().find(|entry| entry.registered_name() == name).unwrap();
    let layer = entry("MyLayers>KernelMult");
    assert_eq!((layer.class_name(), layer.kinds()), ("MyDense", vec![Kind::Layer]));
    assert!(layer.place().file.ends_with("classes.rs") && layer.place().line > 0);
    assert_eq!(entry("my_package>custom_fn").kinds(), [Kind::Function]);
    assert!(layer.to_string().starts_with("MyLayers>KernelMult (MyDense, layer) at "), "{layer}");
    let all = registry::entries();
    assert!(all.iter().any(|entry| entry.module() == Some("keras.layers") && entry.name() == "Dense"));
    assert!(all.len() > entries.len());
}

#[test]
fn objects_are_found_by_class_name_too() {
    let found = find_by_class_name("MyDense");
    assert_eq!(found.iter().map(|entry| entry.registered_name()).collect::<Vec<_>>(), ["MyLayers>KernelMult"]);
    assert_eq!(find_by_class_name("Dense")[0].module(), Some("keras.layers"));
    assert_eq!(find_by_class_name("custom_fn").len(), 1);
    let _scope = CustomObjectScope::new(CustomObjects::new().with_fn("scoped", custom_fn)).enter();
    assert_eq!(find_by_class_name("scoped").len(), 1);
    assert!(find_by_class_name("Nothing").is_empty());
}

#[test]
fn clearing_leaves_keras_own_objects() {
    let _own = registry::isolate();
    registry::clear_custom_objects();
    assert!(registry::get_custom_objects().is_empty());
    let error = get_registered_object("MyLayers>KernelMult").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnknownObject);
    assert!(error.to_string().contains("#[register(package = \"MyLayers\", name = \"KernelMult\")]"), "{error}");
    assert!(
        LayerRef::from_value(&value!({
            "module": "keras.layers", "class_name": "Dense", "config": {"units": 1}, "registered_name": null
        }))
        .is_ok()
    );
}

#[test]
fn registration_at_run_time_and_back() {
    let _own = registry::isolate();
    let entry = || keras_serial::entry!(CustomLayer).in_package("Other");
    registry::register(entry()).unwrap();
    assert!(get_registered_object("Other>CustomLayer").is_ok());
    let error = registry::register(entry()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::DuplicateObject);
    assert_eq!(error.to_string().matches("registry.rs:").count(), 2, "names both places: {error}");
    assert!(registry::unregister("Other>CustomLayer"));
    assert!(!registry::unregister("Other>CustomLayer"));
    // The class keeps the name under which it is registered elsewhere.
    assert_eq!(registry::get_registered_name::<CustomLayer>(), "MyLayers>CustomLayer");
}

#[test]
fn an_empty_package_registers_the_bare_name() {
    let _own = registry::isolate();
    registry::register(Entry::of_fn("bare", custom_fn).in_package("")).unwrap();
    assert_eq!(get_registered_object("bare").unwrap().registered_name(), "bare");
}

mod first {
    #[keras_serial::register(package = "Twice", name = "Same")]
    #[derive(keras_serial::KerasSerializable)]
    pub struct A {}
}

mod second {
    #[keras_serial::register(package = "Twice", name = "Same")]
    #[derive(keras_serial::KerasSerializable)]
    pub struct B {}
}

#[test]
fn a_name_registered_twice_is_an_error_at_look_up() {
    let error = get_registered_object("Twice>Same").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::DuplicateObject);
    assert_eq!(error.to_string().matches("registry.rs:").count(), 2, "names both places: {error}");
    // A scope settles it.
    let objects = CustomObjects::new().with_named::<first::A>("Twice>Same");
    let _scope = CustomObjectScope::new(objects).enter();
    assert_eq!(get_registered_object("Twice>Same").unwrap().class_name(), "A");
    let _ = second::B {};
}

#[test]
fn isolation_guards_may_be_dropped_in_any_order() {
    let known = || get_registered_object("MyLayers>KernelMult").is_ok();
    let outer = registry::isolate();
    registry::clear_custom_objects();
    let inner = registry::isolate();
    registry::register(keras_serial::entry!(MyDense).in_package("MyLayers").named("KernelMult")).unwrap();
    assert!(known());
    drop(outer);
    assert!(known(), "the inner guard still rules");
    drop(inner);
    assert!(known(), "the list of all threads is whole");
}

#[test]
fn isolation_is_per_thread_and_can_be_carried() {
    let _own = registry::isolate();
    registry::clear_custom_objects();
    let carried = Carried::capture();
    let known = || get_registered_object("MyLayers>KernelMult").is_ok();
    let seen = std::thread::spawn(move || (known(), carried.run(known), known())).join().unwrap();
    assert_eq!(seen, (true, false, true));
}

#[test]
fn the_argument_is_looked_through_last() {
    let objects = CustomObjects::new().with_fn("MyLayers>KernelMult", custom_fn).with_fn("other", custom_fn);
    assert!(!objects.get_registered_object("MyLayers>KernelMult").unwrap().is_function());
    assert!(objects.get_registered_object("other").unwrap().is_function());
    assert!(get_registered_object("other").is_err());
}

#[test]
fn a_layer_where_a_regularizer_belongs_is_refused() {
    let form = value!({
        "module": null, "class_name": "MyDense", "config": {"units": 1}, "registered_name": "MyLayers>KernelMult"
    });
    let error = Regularizer::deserialize(&form).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WrongKind, "{error}");
    assert_eq!(Regularizer::deserialize(&Value::Int(1)).unwrap_err().kind(), ErrorKind::Config);
}

/// Its class name in configurations differs from the type's.
#[register(package = "MyLayers")]
#[derive(KerasSerializable)]
#[keras(class_name = "Renamed")]
struct Unlike {}

#[test]
fn the_registered_name_is_the_class_name_in_configurations() {
    assert_eq!(registry::get_registered_name::<Unlike>(), "MyLayers>Renamed");
    let form = Object::plain(Unlike {}).serialize().unwrap();
    assert_eq!(form.get("class_name"), Some(&value!("Renamed")));
    assert_eq!(form.get("registered_name"), Some(&value!("MyLayers>Renamed")));
}

#[test]
fn every_call_takes_custom_objects() {
    let custom = CustomObjects::new().with_fn("given", custom_fn);
    let form =
        value!({"module": "builtins", "class_name": "function", "config": "given", "registered_name": "function"});
    assert!(Activation::deserialize_with(&form, &custom).is_ok());
    assert!(Activation::deserialize_form(&form).is_err());
    let dense = value!({
        "module": "keras.layers", "class_name": "Dense", "registered_name": null,
        "config": {"units": 1, "activation": (form)}
    });
    assert!(LayerRef::deserialize(&dense, &custom).is_ok());
    let error = LayerRef::deserialize(&dense, &CustomObjects::new()).unwrap_err();
    assert_eq!((error.kind(), error.path()), (ErrorKind::UnknownObject, "Dense/activation".to_owned()));
}
