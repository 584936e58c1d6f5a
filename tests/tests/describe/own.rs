//! Descriptions, search and construction of a user's own classes.

use keras_serial::config::FieldRole;
use keras_serial::prelude::*;
use keras_serial::{config, registry};

/// How the pixels are counted.
#[derive(KerasEnum, Clone, Copy, Debug, Default, PartialEq)]
enum Counting {
    #[default]
    All,
    #[keras(alias = "lit")]
    Bright,
}

/// Multiplies by a kernel.
///
/// Twice, if asked.
#[register(package = "Described", name = "Mult")]
#[derive(KerasSerializable)]
#[keras(new, setters, ignore("old"))]
struct Multiply {
    base: LayerBase,
    /// The number of outputs.
    units: usize,
    /// How often.
    #[keras(default = 2, alias = "repeat")]
    times: u8,
    #[keras(default)]
    counting: Counting,
    #[keras(default, rename = "kernel_init")]
    initializer: Option<Initializer>,
    /// The pairs of sizes.
    #[keras(default)]
    pairs: Vec<(String, f32)>,
    #[keras(serde, default)]
    r#type: Option<String>,
    /// The factors.
    #[keras(weight)]
    kernel: Weight,
    #[keras(skip)]
    cache: std::sync::OnceLock<usize>,
}

impl Layer for Multiply {
    fn build(&self, input: &Shape, cx: &mut BuildContext<'_>) -> Result<()> {
        let _ = self.cache.set(self.units);
        self.kernel.create(cx, [input.last()?, self.units], self.initializer.as_ref(), None)
    }

    fn call(&self, inputs: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
        ops::matmul(inputs.tensor()?, &self.kernel.value()?).map(Into::into)
    }
}

/// Doubles its input.
#[register(package = "Described")]
fn double(x: &Tensor) -> Result<Tensor> {
    ops::add(x, x)
}

#[test]
fn fields_are_data() {
    let described = Multiply::description().unwrap();
    assert_eq!((described.name, described.doc), ("Multiply", "Multiplies by a kernel.\n\nTwice, if asked."));
    assert_eq!(described.module_path, "describe::own");
    let roles: Vec<(&str, FieldRole)> = described.fields.iter().map(|field| (field.rust_name, field.role)).collect();
    assert_eq!(roles[0], ("base", FieldRole::Base));
    assert_eq!(roles[7..], [("kernel", FieldRole::Weight), ("cache", FieldRole::Skipped)]);
    let names: Vec<&str> = described.entries().map(|entry| entry.name).collect();
    let own = ["units", "times", "counting", "kernel_init", "pairs", "type"];
    assert_eq!(names, [&["name", "trainable", "dtype", "activity_regularizer", "autocast"], own.as_slice()].concat());

    let times = described.field("repeat").unwrap();
    assert_eq!((times.name, times.rust_type, times.doc), ("times", "u8", "How often."));
    assert_eq!(times.default_value().unwrap().unwrap(), 2.into());
    assert!(!times.is_required() && described.field("units").unwrap().is_required());
    let types = |name: &str| described.field(name).unwrap().field_type().to_string();
    assert_eq!(types("counting"), "\"all\" or \"bright\"");
    assert_eq!(types("kernel_init"), "initializer, or name of such or null");
    assert_eq!(types("pairs"), "list of lists of string, number");
    assert_eq!(types("type"), "anything");
    assert_eq!(described.ignored, ["old"]);
}

/// An object with defaults of each form.
#[derive(KerasSerializable)]
struct Defaults<T> {
    #[keras(default = -1)]
    axis: i64,
    #[keras(default = 0.1)]
    rate: f32,
    #[keras(default = -1e-3)]
    low: f64,
    #[keras(default = 7u8)]
    count: u8,
    #[keras(default = std::cmp::max(2, 3))]
    depth: usize,
    #[keras(default = "same".to_owned())]
    padding: String,
    #[keras(default = Some(0.5))]
    scale: Option<f64>,
    #[keras(default)]
    value: T,
    #[keras(default = vec![3, 4], with = "reversed")]
    sizes: Vec<usize>,
    #[keras(default = (1, 2), serde)]
    pair: (u8, u8),
}

/// Writes a list from its end.
mod reversed {
    use keras_serial::Result;
    use keras_serial::config::ConfigField;
    use keras_serial::json::Value;

    pub(super) fn to_value(sizes: &[usize]) -> Result<Value> {
        sizes.iter().rev().copied().collect::<Vec<_>>().to_value()
    }

    pub(super) fn from_value(value: &Value) -> Result<Vec<usize>> {
        Ok(Vec::from_value(value)?.into_iter().rev().collect())
    }
}

#[test]
fn described_defaults_are_those_that_are_read() {
    let described = Defaults::<u16>::description().unwrap();
    let defaults = described.entries().map(|entry| (entry.name.to_owned(), entry.default_value().unwrap().unwrap()));
    let defaults: config::Config = defaults.collect();
    assert_eq!(
        defaults,
        config! {
            axis: -1, rate: 0.1f32, low: -0.001, count: 7, depth: 3, padding: "same", scale: 0.5, value: 0,
            sizes: [4, 3], pair: [1, 2]
        }
    );
    assert_eq!(Defaults::<u16>::from_config(&config! {}).unwrap().get_config().unwrap(), defaults);
}

#[test]
fn defaults_of_the_base_are_those_of_the_type() {
    let sgd = registry::entry_named("keras.optimizers.SGD").unwrap().description().unwrap();
    let rate = sgd.field("learning_rate").unwrap();
    assert_eq!(sgd.default_of(rate).unwrap().unwrap(), keras_serial::json::Value::from(0.01f32));
}

#[test]
fn an_own_class_is_described_as_keras_s_are() {
    let described = registry::describe("Described>Mult").unwrap();
    assert_eq!(
        described.signature(),
        "Mult(units, times=2, counting=\"all\", kernel_init=null, pairs=[], type=null, name=null, trainable=true, \
         dtype=null, activity_regularizer=null, autocast=null)"
    );
    let text = described.to_string();
    assert!(text.contains("describe/own.rs:") && text.contains("    kernel: Weight\n        The factors."), "{text}");
    let data = described.to_value().unwrap();
    assert_eq!(data["rust_type"], "describe::own::Multiply".into());
    assert_eq!(data["state"][0]["role"], "weight".into());
    // A bare name is enough where no other object has it.
    assert_eq!(registry::describe("Mult").unwrap().entry().registered_name(), "Described>Mult");
    let function = registry::describe("Described>double").unwrap();
    assert_eq!(function.entry().doc(), "Doubles its input.");
}

#[test]
fn unknown_names_have_near_ones() {
    let error = registry::describe("Described>Mul").unwrap_err().to_string();
    assert!(error.contains("did you mean `Described>Mult`"), "{error}");
    let error = registry::schema("keras.layers.Dens").unwrap_err().to_string();
    assert!(error.contains("did you mean `keras.layers.Dense`"), "{error}");
    let error = registry::entry_named("BinaryCrossentropy").unwrap_err().to_string();
    assert!(error.contains("`keras.losses.BinaryCrossentropy`, `keras.metrics.BinaryCrossentropy`"), "{error}");
}

#[test]
fn search_looks_into_names_and_documentation() {
    let names =
        |pattern: &str| -> Vec<String> { registry::search(pattern).iter().map(|entry| entry.full_name()).collect() };
    assert_eq!(names("described mult"), ["Described>Mult"]);
    assert!(names("doubles its").contains(&"Described>double".to_owned()));
    assert!(names("CONV").iter().filter(|name| name.starts_with("keras.layers.Conv")).count() >= 6);
    assert!(names("no such thing at all").is_empty());
}

#[test]
fn objects_are_constructed_by_name() {
    let layer: LayerRef = registry::construct("Described>Mult", config! { units: 3, repeat: 4 }).unwrap();
    assert_eq!(layer.get_config().unwrap()["times"], 4.into());
    let optimizer: Optimizer = registry::construct("keras.optimizers.SGD", config! { momentum: 0.9 }).unwrap();
    assert_eq!(optimizer.get_config().unwrap()["momentum"], 0.9.into());
    let loss: Loss = registry::construct("mse", config! {})
        .or_else(|_| registry::construct("keras.losses.mse", config! {}))
        .unwrap();
    let _ = loss;
    let any: keras_serial::object::Object = registry::construct("keras.initializers.Zeros", config! {}).unwrap();
    assert_eq!(any.kind().to_string(), "initializer");
    let activation: Activation = registry::construct("Described>double", config! {}).unwrap();
    let _ = activation;

    let error = |result: Result<LayerRef>| result.unwrap_err().to_string();
    let wrong = error(registry::construct("Described>Mult", config! { units: "3" }));
    assert!(wrong.starts_with("Described>Mult/units: wrong type. Expected an integer"), "{wrong}");
    let wrong = error(registry::construct("Described>Mult", config! { unit: 3 }));
    assert!(wrong.contains("did you mean `units`?"), "{wrong}");
    let wrong = error(registry::construct("keras.optimizers.SGD", config! {}));
    assert!(wrong.contains("Expected a layer. Received: an optimizer"), "{wrong}");
    let wrong = error(registry::construct("Described>double", config! { x: 1 }));
    assert!(wrong.contains("has no configuration"), "{wrong}");
}
