//! Classes that a program does not have are kept as placeholders: the model is looked at, used as far as it is known,
//! edited and saved, and nothing of it is lost.

use keras_serial::object::Kind;
use keras_serial::prelude::*;
use keras_serial::registry::{self, Unknown};

/// A model that Keras saved, with a layer, an activation, an initializer, a loss, a metric and an optimizer of one's
/// own: `tests/fixtures/placeholders/make.py` has the classes.
const FILE: &[u8] = include_bytes!("../../tests/fixtures/placeholders/model.keras");

/// The one that this program has: an activation.
fn wave(x: &Tensor) -> Result<Tensor> {
    ops::sin(x)? + (x * 0.1)?
}

/// Runs the example.
pub fn main() -> Result<()> {
    let keep = LoadOptions::new().unknown(Unknown::Keep);
    let (model, report) = keep.clone().load_model_with_report(FILE)?;
    for object in &report.placeholders {
        println!("not registered: {object}");
    }
    println!("{}", model.summary()?);

    // To call one is an error, which says how to register the class.
    let x = Tensor::from_slice(&[0.5f32; 5], [1, 5])?;
    let error = model.predict(&x).unwrap_err();
    assert!(error.to_string().contains("the function `Mine>wave` is a placeholder"), "{error}");

    // A struct to begin with.
    let mixed = model.get_layer("mixed")?;
    let placeholder = mixed.placeholder().ok_or_else(|| Error::new(ErrorKind::WrongKind, "the class is known"))?;
    let source = registry::skeleton(placeholder.form(), Kind::Layer)?;
    println!("{source}");
    assert!(source.contains("struct KernelMult {\n    base: LayerBase,\n    units: usize,"), "{source}");

    // With the activation, the model computes up to the next placeholder.
    let model = keep.custom_objects(CustomObjects::new().with_fn("Mine>wave", wave)).revive(&model)?;
    let inputs = model.inputs().ok_or_else(|| Error::new(ErrorKind::Graph, "the model has a graph"))?;
    let hidden = Functional::new(inputs, model.get_layer("hidden")?.output()?)?;
    assert_eq!(hidden.predict(&x)?.shape().to_string(), "(1, 6)");

    // An edit, and a file that Keras loads with the classes that it has.
    let head = model.get_layer("head")?;
    let doubled = head.get_weights().iter().map(|weight| weight * 2.0).collect::<Result<Vec<_>>>()?;
    head.set_weights(&doubled)?;
    let saved = SaveOptions::new().save_model_to_bytes(&model)?;
    println!("{} bytes, with every weight of the placeholders", saved.len());
    Ok(())
}
