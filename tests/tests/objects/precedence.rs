//! The order of look-up, compared with Keras (`fixtures/objects/precedence.json`): a name known in every
//! combination of places, looked up in every form and position.

use keras_serial::functions::Function;
use keras_serial::json::Value;
use keras_serial::prelude::*;
use keras_serial::registry::{self, Deserialized, Entry, deserialize_keras_object};

use crate::classes::fixture;

/// A function and a layer for one place; both tell which it is.
macro_rules! place {
    ($function:ident, $layer:ident, $name:literal, $number:literal) => {
        fn $function(x: &Tensor) -> Result<Tensor> {
            ops::add(x, $number)
        }

        #[derive(KerasSerializable)]
        #[keras(class_name = $name)]
        struct $layer {
            base: LayerBase,
        }

        impl Layer for $layer {
            fn call(&self, inputs: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
                Ok(inputs.tensor()?.clone().into())
            }
        }
    };
}

place!(of_global, OfGlobal, "global", 1.0);
place!(of_outer, OfOuter, "outer", 2.0);
place!(of_scope, OfScope, "scope", 3.0);
place!(of_argument, OfArgument, "argument", 4.0);

const PLACES: [&str; 4] = ["global", "outer", "scope", "argument"];

/// Holds any object.
#[derive(KerasSerializable)]
#[keras(class_name = "Outer")]
struct Holder {
    base: LayerBase,
    inner: Deserialized,
}

impl Layer for Holder {
    fn call(&self, inputs: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
        Ok(inputs.tensor()?.clone().into())
    }
}

fn entry(place: &str, is_function: bool) -> Entry {
    match (place, is_function) {
        ("global", true) => Entry::of_fn("global", of_global),
        ("outer", true) => Entry::of_fn("outer", of_outer),
        ("scope", true) => Entry::of_fn("scope", of_scope),
        ("argument", true) => Entry::of_fn("argument", of_argument),
        ("global", false) => keras_serial::entry!(OfGlobal),
        ("outer", false) => keras_serial::entry!(OfOuter),
        ("scope", false) => keras_serial::entry!(OfScope),
        ("argument", false) => keras_serial::entry!(OfArgument),
        (other, _) => panic!("no place {other}"),
    }
}

fn name_of(found: &Deserialized) -> String {
    match found {
        Deserialized::Plain(Value::Str(text)) => format!("string {text}"),
        Deserialized::Object(object) => match object.downcast_ref::<Function>() {
            Some(function) if function.is_builtin() => function.name(),
            Some(function) => {
                let number: f32 = function.call(&Tensor::scalar(0.0f32).unwrap()).unwrap().item().unwrap();
                PLACES[number as usize - 1].to_owned()
            }
            None => object.downcast_ref::<LayerRef>().unwrap().class_name().to_owned(),
        },
        other => panic!("{other:?}"),
    }
}

struct Case {
    asked: String,
    key: String,
    value: Value,
    position: String,
    places: Vec<String>,
    hidden: bool,
    /// What Keras looked up; `None` for an error.
    keras: Option<String>,
}

fn cases() -> Vec<Case> {
    let text = |case: &Value, name: &str| case.get(name).unwrap().as_str().unwrap().to_owned();
    let cases = fixture("precedence.json");
    let case = |case: &Value| Case {
        asked: text(case, "asked"),
        key: text(case, "key"),
        value: case.get("value").unwrap().clone(),
        position: text(case, "position"),
        places: case.get("places").unwrap().as_list().unwrap().iter().map(|p| p.as_str().unwrap().into()).collect(),
        hidden: case.get("hidden").unwrap().as_bool().unwrap(),
        keras: {
            let keras = case.get("keras").unwrap();
            let string = keras.get("string").map(|string| format!("string {}", string.as_str().unwrap()));
            string.or_else(|| Some(keras.get("found")?.as_str().unwrap().to_owned()))
        },
    };
    cases.as_list().unwrap().iter().map(case).collect()
}

fn ours(case: &Case) -> Result<String> {
    let _own = registry::isolate();
    registry::clear_custom_objects();
    let is_function = !case.asked.contains("class");
    let known = |place: &str| case.places.iter().any(|known| known == place);
    let given = |place: &str, objects: CustomObjects| match known(place) {
        true => objects.with_entry(case.key.clone(), entry(place, is_function)),
        false => objects,
    };
    if known("global") {
        let (package, name) = case.key.split_once('>').unwrap_or(("", &case.key));
        let leak = |text: &str| -> &'static str { text.to_owned().leak() };
        registry::register(entry("global", is_function).in_package(leak(package)).named(leak(name)))?;
    }
    let _outer = CustomObjectScope::new(given("outer", CustomObjects::new())).enter();
    let _scope = CustomObjectScope::new(given("scope", CustomObjects::new())).enter();
    if case.asked == "activation" {
        let found = Activation::deserialize_form(&case.value)?;
        let number: f32 = found.apply(&Tensor::scalar(0.0f32)?)?.item()?;
        return Ok(if number == 0.0 { "relu".to_owned() } else { PLACES[number as usize - 1].to_owned() });
    }
    let holder = CustomObjects::new().with_entry("Outer", keras_serial::entry!(Holder));
    let found = deserialize_keras_object(&case.value, &given("argument", holder))?;
    let first = |found: &Deserialized| match found {
        Deserialized::List(items) => name_of(&items[0]),
        other => panic!("{other:?}"),
    };
    let held = |found: &Deserialized| found.object().unwrap().downcast::<LayerRef>("a layer").unwrap();
    Ok(match case.position.as_str() {
        "top" => name_of(&found),
        "list" => first(&found),
        "nested" => name_of(&held(&found).downcast_ref::<Holder>().unwrap().inner),
        "nested_list" => first(&held(&found).downcast_ref::<Holder>().unwrap().inner),
        other => panic!("no position {other}"),
    })
}

#[test]
fn what_keras_resolves_resolves_the_same() {
    let cases = cases();
    let mut compared = 0;
    for case in &cases {
        let label = format!("{} ({}) known in {:?}", case.asked, case.position, case.places);
        if case.hidden {
            continue;
        }
        match (&case.keras, ours(case)) {
            (Some(keras), Ok(ours)) => assert_eq!(&ours, keras, "{label}"),
            (Some(keras), Err(error)) => panic!("{label}: Keras finds {keras}, we say {error}"),
            // Where an argument takes a name, Keras finds its own objects alone.
            (None, Ok(ours)) => assert!(case.asked == "activation" && !case.places.is_empty(), "{label}: {ours}"),
            (None, Err(error)) => assert_eq!(error.kind(), ErrorKind::UnknownObject, "{label}: {error}"),
        }
        compared += 1;
    }
    assert!(compared > 700, "{compared} cases compared");
}

/// In Keras an inner scope hides the outer one; here it adds to it, as if both were one scope.
#[test]
fn inner_scopes_add_to_outer_ones() {
    let cases = cases();
    let mut differ = 0;
    for case in cases.iter().filter(|case| case.hidden) {
        let twin = |other: &&Case| {
            !other.hidden && other.asked == case.asked && other.position == case.position && other.places == case.places
        };
        let with_outer = cases.iter().find(twin).unwrap().keras.clone().unwrap();
        assert_eq!(ours(case).unwrap(), with_outer, "{} ({}) in {:?}", case.asked, case.position, case.places);
        differ += usize::from(case.keras.as_ref() != Some(&with_outer));
    }
    assert!(differ > 0, "Keras's own answers show that it hides them");
}
