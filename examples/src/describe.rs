//! What the registry knows of a class: its description, its JSON Schema, and how to construct it from settings.

use keras_serial::prelude::*;
use keras_serial::{config, registry};

/// Multiplies by a kernel.
#[register(package = "DescribeExample")]
#[derive(KerasSerializable)]
#[keras(new)]
pub struct Scale {
    base: LayerBase,
    /// The number of outputs.
    units: usize,
    /// The factor of the outputs.
    #[keras(default = 1.0)]
    factor: f32,
    #[keras(weight)]
    kernel: Weight,
}

impl Layer for Scale {
    fn build(&self, input: &Shape, cx: &mut BuildContext<'_>) -> Result<()> {
        self.kernel.create(cx, [input.last()?, self.units], None, None)
    }

    fn call(&self, inputs: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
        let outputs = ops::matmul(inputs.tensor()?, &self.kernel.value()?)?;
        ops::multiply(&outputs, self.factor).map(Into::into)
    }
}

/// The settings of a program, in any format of serde: here they hold a layer and an optimizer.
#[derive(serde::Serialize, serde::Deserialize)]
struct Settings {
    epochs: usize,
    #[serde(with = "keras_serial::serde")]
    layer: LayerRef,
    #[serde(with = "keras_serial::serde")]
    optimizer: Optimizer,
}

const SETTINGS: &str = r#"{
    "epochs": 3,
    "layer": {"class_name": "Scale", "registered_name": "DescribeExample>Scale", "config": {"units": 2}},
    "optimizer": "adam"
}"#;

/// Runs the example.
pub fn main() -> Result<()> {
    // As Python's `help`: signature, arguments with their types, defaults and documentation, place in the sources.
    let described = registry::describe("DescribeExample>Scale")?;
    print!("{described}");
    assert!(described.to_string().contains("    units: non-negative integer, required\n        The number of outputs."));

    // The fields as data, of Keras's own classes too.
    let dense = Dense::description().ok_or_else(|| Error::new(ErrorKind::Config, "no description"))?;
    for entry in dense.entries() {
        println!("{} ({}): {}", entry.name, entry.field_type(), entry.doc);
    }

    // What is there for a task.
    for entry in registry::search("transpose") {
        println!("{}", entry.full_name());
    }

    // A schema for editors and other languages: of a class, of a kind, of whole models.
    let schema = registry::schema("DescribeExample>Scale")?;
    println!("{} bytes of JSON Schema", schema.to_json().len());

    // Objects from names and settings.
    let layer: LayerRef = registry::construct("DescribeExample>Scale", config! { units: 2, factor: 0.5 })?;
    assert_eq!(layer.get_config()?["factor"], 0.5.into());
    let wrong = registry::construct::<LayerRef>("DescribeExample>Scale", config! { unit: 2 });
    println!("{}", wrong.unwrap_err());

    let settings: Settings = serde_json::from_str(SETTINGS).map_err(|error| Error::new(ErrorKind::Config, error.to_string()))?;
    println!("{} epochs with {}", settings.epochs, settings.optimizer.name());
    assert_eq!(settings.layer.get_config()?["units"], 2.into());
    Ok(())
}
