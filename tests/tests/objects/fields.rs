//! Derived configurations with arbitrary values: round trips from object to configuration to JSON and
//! back.

use std::collections::{BTreeMap, BTreeSet};

use indexmap::IndexMap;
use keras_serial::functions::Function;
use keras_serial::json::{Value, value};
use keras_serial::object::Object;
use keras_serial::prelude::*;
use keras_serial::regularizers::{L1L2, L2};
use proptest::prelude::{Strategy, any, prop, proptest};

#[derive(KerasEnum, Debug, Clone, Copy)]
enum Padding {
    Valid,
    #[keras(alias = "tf_same")]
    Same,
    #[keras(rename = "causal!")]
    CausalOnly,
}

/// A field of every plain type.
#[derive(KerasSerializable, Debug)]
#[keras(ignore("time_major"))]
struct Plain {
    signed: i64,
    unsigned: u64,
    small: i8,
    float: f64,
    single: f32,
    flag: bool,
    text: String,
    option: Option<f64>,
    list: Vec<i32>,
    array: [f64; 3],
    tuple: (i64, String, bool),
    by_name: IndexMap<String, Option<bool>>,
    sorted: BTreeMap<String, Vec<u8>>,
    padding: Padding,
    nested: Vec<Vec<Option<String>>>,
    boxed: Box<Option<i64>>,
    #[keras(serde)]
    set: BTreeSet<u8>,
    #[keras(rename = "lambda")]
    renamed: u8,
    #[keras(default = 7)]
    defaulted: u8,
    #[keras(default, skip_if = Option::is_none)]
    skipped: Option<u8>,
    #[keras(with = "percent")]
    fraction: f64,
    value: Value,
}

mod percent {
    use keras_serial::json::Value;
    use keras_serial::{ConfigField, Error, ErrorKind, Result};

    pub fn to_value(fraction: &f64) -> Result<Value> {
        Ok(Value::from(format!("{fraction:?}")))
    }

    pub fn from_value(value: &Value) -> Result<f64> {
        let text = String::from_value(value)?;
        text.parse().map_err(|_| Error::new(ErrorKind::Config, "no number"))
    }
}

fn plain() -> impl Strategy<Value = Plain> {
    let text = || prop::string::string_regex("(?s).{0,8}").unwrap();
    let padding = prop::sample::select(vec![Padding::Valid, Padding::Same, Padding::CausalOnly]);
    let numbers = (any::<i64>(), any::<u64>(), any::<i8>(), any::<f64>(), any::<f32>(), any::<bool>());
    let lists = (prop::collection::vec(any::<i32>(), 0..4), any::<[f64; 3]>(), (any::<i64>(), text(), any::<bool>()));
    let maps = (
        prop::collection::vec((text(), any::<Option<bool>>()), 0..4),
        prop::collection::btree_map(text(), prop::collection::vec(any::<u8>(), 0..3), 0..3),
    );
    let others = (
        padding,
        prop::collection::vec(prop::collection::vec(prop::option::of(text()), 0..3), 0..3),
        any::<Option<i64>>(),
        prop::collection::btree_set(any::<u8>(), 0..4),
        any::<(u8, u8, Option<u8>)>(),
        any::<f64>(),
    );
    (numbers, text(), any::<Option<f64>>(), lists, maps, others).prop_map(
        |(numbers, text, option, lists, maps, others)| Plain {
            signed: numbers.0,
            unsigned: numbers.1,
            small: numbers.2,
            float: numbers.3,
            single: numbers.4,
            flag: numbers.5,
            text,
            option,
            list: lists.0,
            array: lists.1,
            tuple: lists.2,
            by_name: maps.0.into_iter().collect(),
            sorted: maps.1,
            padding: others.0,
            nested: others.1,
            boxed: Box::new(others.2),
            set: others.3,
            renamed: others.4.0,
            defaulted: others.4.1,
            skipped: others.4.2,
            fraction: others.5,
            value: value!([1, {"a": null}]),
        },
    )
}

fn through_text<T: KerasSerializable>(object: &T) -> Result<T> {
    let text = Value::Dict(object.get_config()?).to_json();
    T::from_config(Value::parse(&text)?.as_dict().unwrap())
}

proptest! {
    /// With NaN, infinities and `-0.0`: compared by their `Debug` text.
    #[test]
    fn plain_values_come_back(object in plain()) {
        let again = Plain::from_config(&object.get_config().unwrap()).unwrap();
        assert_eq!(format!("{again:?}"), format!("{object:?}"));
        let again = through_text(&object).unwrap();
        assert_eq!(format!("{again:?}"), format!("{object:?}"));
    }

    #[test]
    fn objects_come_back(l1 in 0.0..1e3f64, l2 in prop::num::f64::POSITIVE, units in prop::collection::vec(1..50usize, 0..4)) {
        let object = Objects {
            base: LayerBase::default(),
            regularizer: Some(L1L2::new(l1, l2).into()),
            regularizers: vec![L2::new(l2).into(), "l1".into()],
            initializers: IndexMap::from([("z".into(), "zeros".into()), ("a".into(), "he_normal".into())]),
            activation: "relu".into(),
            constraint: Some("non_neg".into()),
            function: Function::new(crate::classes::custom_fn),
            layers: units.iter().map(|units| Dense::new(*units).into()).collect(),
            pair: (Some(Flatten::new().into()), Dropout::new(0.5).into()),
            any: Object::new(Initializer::from("ones")),
            matrix: [["ones".into()], ["zeros".into()]],
        };
        let again = through_text(&object).unwrap();
        assert_eq!(again.get_config().unwrap(), object.get_config().unwrap());
        assert_eq!(again.layers.len(), units.len());
        assert_eq!(again.initializers.keys().collect::<Vec<_>>(), ["z", "a"]);
    }
}

/// A field of every kind of Keras object, alone and inside others.
#[derive(KerasSerializable)]
struct Objects {
    base: LayerBase,
    regularizer: Option<Regularizer>,
    regularizers: Vec<Regularizer>,
    initializers: IndexMap<String, Initializer>,
    activation: Activation,
    constraint: Option<Constraint>,
    function: Function,
    layers: Vec<LayerRef>,
    pair: (Option<LayerRef>, LayerRef),
    any: Object,
    matrix: [[Initializer; 1]; 2],
}

fn sample() -> Config {
    let text = r#"{"signed": 1, "unsigned": 18446744073709551615, "small": 1, "float": NaN, "single": -Infinity,
        "flag": true, "text": "", "option": null, "list": [], "array": [1, 2, 3], "tuple": [1, "a", false],
        "by_name": {}, "sorted": {}, "padding": "tf_same", "nested": [], "boxed": null, "set": [], "lambda": 1,
        "fraction": "0.5", "value": null, "time_major": false}"#;
    Value::parse(text).unwrap().as_dict().unwrap().clone()
}

#[test]
fn old_names_defaults_and_ignored_entries_are_read() {
    let plain = Plain::from_config(&sample()).unwrap();
    assert!(matches!(plain.padding, Padding::Same) && plain.defaulted == 7 && plain.skipped.is_none());
    assert!(plain.float.is_nan() && plain.single == f32::NEG_INFINITY && plain.unsigned == u64::MAX);
    let config = plain.get_config().unwrap();
    assert_eq!(config.get("padding"), Some(&value!("same")));
    assert!(!config.contains_key("skipped") && !config.contains_key("time_major"));
}

#[test]
fn errors_name_the_entry_and_what_was_expected() {
    let error = |name: &str, value: Value| {
        let mut config = sample();
        config.insert(name.to_owned(), value);
        Plain::from_config(&config).unwrap_err().to_string()
    };
    assert_eq!(
        error("small", value!(200)),
        "small: integer out of range. Expected an integer from -128 to 127. Received: 200"
    );
    assert!(error("array", value!([1, 2])).starts_with("array: wrong number of items. Expected a list of 3"));
    assert!(error("nested", value!([[1]])).starts_with("nested[0][0]: wrong type. Expected a string"));
    assert!(error("padding", value!("sam")).contains("did you mean `same`?"));
    assert!(error("lamda", value!(1)).contains("did you mean `lambda`?"));
    let mut config = sample();
    config.shift_remove("float");
    assert!(Plain::from_config(&config).unwrap_err().to_string().starts_with("missing `float`"));
}
