//! Scopes of custom objects on several threads, and objects whose `drop` looks something up.

use keras_serial::functions::Function;
use keras_serial::json::{Value, value};
use keras_serial::object::Object;
use keras_serial::prelude::*;
use keras_serial::registry::{self, Carried, Entry, deserialize_keras_object, get_registered_object};
use keras_serial::training::data::{Batch, Dataset, DatasetExt, FromFn};

fn one(x: &Tensor) -> Result<Tensor> {
    Ok(x.clone())
}

fn known(name: &str) -> bool {
    get_registered_object(name).is_ok()
}

fn scope(name: &str) -> registry::CustomObjectGuard {
    CustomObjectScope::new(CustomObjects::new().with_fn(name, one)).enter()
}

#[test]
fn a_load_in_a_carried_thread_leaves_the_scopes_in_force() {
    let _scope = scope("of_this_thread");
    let carried = Carried::capture();
    std::thread::spawn(move || {
        carried.run(|| {
            for _ in 0..3 {
                assert!(known("of_this_thread"));
                // Its `custom_objects` are a scope too, and it ends with the call.
                deserialize_keras_object(&value!(1), &CustomObjects::new().with_fn("given", one)).unwrap();
                drop(scope("inner"));
            }
            assert!(known("of_this_thread") && !known("inner") && !known("given"));
        });
        assert!(!known("of_this_thread"));
    })
    .join()
    .unwrap();
    assert!(known("of_this_thread"));
}

#[test]
fn a_master_list_of_a_carried_thread_ends_alone() {
    let _own = registry::isolate();
    registry::register(Entry::of_fn("listed", one).in_package("Carried")).unwrap();
    let carried = Carried::capture();
    std::thread::spawn(move || {
        carried.run(|| {
            drop(registry::isolate());
            assert!(known("Carried>listed"));
        });
    })
    .join()
    .unwrap();
}

#[test]
fn prefetched_batches_are_made_within_the_scopes() {
    let _scope = scope("of_this_thread");
    let batches = || {
        (0..4).map(|_| {
            deserialize_keras_object(&value!(1), &CustomObjects::new())?;
            get_registered_object("of_this_thread")?;
            Ok(Batch { x: Tensor::from_slice(&[1.0f32], [1, 1])?.into(), y: None, sample_weight: None })
        })
    };
    let made: Result<Vec<Batch>> = FromFn::new(batches).prefetch(2).epoch().unwrap().collect();
    assert_eq!(made.unwrap().len(), 4);
    assert!(known("of_this_thread"));
}

#[test]
fn a_scope_that_is_ended_while_another_is_carried_in_stays_ended() {
    let guard = scope("ended");
    let empty = std::thread::spawn(Carried::capture).join().unwrap();
    empty.run(|| {
        assert!(!known("ended"));
        drop(guard);
    });
    assert!(!known("ended"));
}

/// An object that looks something up when it is dropped.
struct LooksUp;

impl Drop for LooksUp {
    fn drop(&mut self) {
        assert!(!known("nothing of this name"));
        registry::entries();
    }
}

fn looks_up(name: &str) -> Entry {
    let held = LooksUp;
    let function = move |x: &Tensor| {
        let _ = &held;
        Ok(x.clone())
    };
    Entry::of_fn(name, function).in_package("LooksUp")
}

#[test]
fn objects_may_look_up_others_when_they_are_dropped() {
    // A deadlock must not hold the other tests up.
    let (sender, receiver) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let own = registry::isolate();
        registry::register(looks_up("cleared")).unwrap();
        registry::clear_custom_objects();
        registry::register(looks_up("taken_off")).unwrap();
        // A refused one is dropped, too.
        registry::register(looks_up("taken_off")).unwrap_err();
        assert!(registry::unregister("LooksUp>taken_off"));
        registry::register(looks_up("isolated")).unwrap();
        drop(own);
        let objects = || CustomObjects::new().with_entry("scoped", looks_up("scoped"));
        drop(CustomObjectScope::new(objects()).enter());
        let guard = CustomObjectScope::new(objects()).enter();
        let carried = Carried::capture();
        drop(guard);
        carried.run(|| drop(scope("inner")));
        drop(carried);
        // At the end of the thread.
        std::mem::forget(CustomObjectScope::new(objects()).enter());
        let own = registry::isolate();
        registry::register(looks_up("forgotten")).unwrap();
        std::mem::forget(own);
        sender.send(()).unwrap();
    });
    receiver.recv_timeout(std::time::Duration::from_secs(60)).unwrap();
}

fn by_short_name(name: &str) -> Result<Function> {
    let form = value!({
        "module": "builtins", "class_name": "function", "config": name, "registered_name": "function"
    });
    Function::from_value(&form)
}

#[test]
fn a_short_name_of_two_packages_is_an_error_that_names_both() {
    let _own = registry::isolate();
    registry::register(Entry::of_fn("short", one).in_package("One")).unwrap();
    assert_eq!(by_short_name("short").unwrap().name(), "One>short");
    registry::register(Entry::of_fn("short", one).in_package("Two")).unwrap();
    for error in [
        by_short_name("short").unwrap_err(),
        keras_serial::activations::Activation::deserialize_form(&Value::from("short")).unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::DuplicateObject, "{error}");
        assert!(error.to_string().contains("`One>short`") && error.to_string().contains("`Two>short`"), "{error}");
    }
    // A scope that has the short name decides.
    let _scope = scope("short");
    assert!(by_short_name("short").is_ok());
}

#[test]
fn a_short_name_of_two_packages_in_one_scope_is_an_error_that_names_both() {
    let objects = CustomObjects::new().with_fn("One>scoped", one).with_fn("Two>scoped", one);
    let _scope = CustomObjectScope::new(objects).enter();
    let error = by_short_name("scoped").unwrap_err();
    assert!(error.to_string().contains("`One>scoped`") && error.to_string().contains("`Two>scoped`"), "{error}");
    let _inner = CustomObjectScope::new(CustomObjects::new().with_fn("Three>scoped", one)).enter();
    assert!(by_short_name("scoped").is_ok());
}

#[test]
fn long_names_of_a_file_are_no_cost_and_no_long_error() {
    let name = "x".repeat(4 << 20);
    let form = value!({
        "module": null, "class_name": (name.as_str()), "config": {}, "registered_name": (name.as_str())
    });
    let unknown = deserialize_keras_object(&form, &CustomObjects::new()).unwrap_err();
    for error in
        [unknown, by_short_name(&name).unwrap_err(), Object::from_value(&Value::from(name.as_str())).unwrap_err()]
    {
        assert!(error.to_string().len() < 100_000, "{}", error.to_string().len());
    }
    for result in [
        LayerRef::from_value(&Value::from(name.as_str())).map(|_| ()),
        Regularizer::from_value(&Value::from(name.as_str())).map(|_| ()),
        keras_serial::losses::Loss::from_value(&Value::from(name.as_str())).map(|_| ()),
    ] {
        let error = result.unwrap_err();
        assert!(error.to_string().len() < 100_000, "{}", error.to_string().len());
    }
}
