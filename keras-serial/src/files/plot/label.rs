//! The text in a layer's box: class and name, activation, shapes, dtype, trainability.

use super::facts::Facts;
use super::form::Form;
use super::options::PlotOptions;
use super::text::shorten;
use crate::json::{Dict, Value};

/// The maximum number of characters of a text in any picture, beyond which its middle is left out.
const LONGEST: usize = 4096;

/// The text in a layer's box.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Label {
    /// The name, if it is shown.
    pub name: Option<String>,
    pub class: String,
    pub activation: Option<String>,
    /// `Input shape`, `Output shape` and `Output dtype` with their values.
    pub lines: Vec<(&'static str, String)>,
    pub trainable: Option<bool>,
}

impl Label {
    pub fn of(layer: Form, facts: &Facts, options: &PlotOptions) -> Self {
        let mut lines = Vec::new();
        if options.show_shapes {
            if layer.class() != "InputLayer" {
                lines.push(("Input shape", shapes(facts.input.as_ref())));
            }
            lines.push(("Output shape", shapes(facts.output.as_ref())));
        }
        if options.show_dtype {
            lines.push(("Output dtype", dtypes(facts.dtype.as_ref())));
        }
        for (_, value) in &mut lines {
            *value = shorten(value, LONGEST);
        }
        Self {
            name: options.show_layer_names.then(|| shorten(layer.name(), LONGEST)),
            class: shorten(layer.class(), LONGEST),
            activation: layer
                .activation()
                .filter(|_| options.show_layer_activations)
                .map(|activation| shorten(activation, LONGEST)),
            lines,
            trainable: facts.trainable.filter(|_| options.show_trainable),
        }
    }
}

/// Writes shapes as Keras does: as Python prints them, without braces.
fn shapes(structure: Option<&Value>) -> String {
    let text = match structure {
        None => return "?".to_owned(),
        Some(Value::Dict(entries)) => entries_text(entries, &|key| key.to_owned(), false),
        Some(structure) => python(structure, false),
    };
    text.replace(['{', '}'], "")
}

/// Writes dtypes as Python prints them.
fn dtypes(structure: Option<&Value>) -> String {
    match structure {
        None => "?".to_owned(),
        Some(Value::Str(dtype)) => dtype.clone(),
        Some(structure) => python(structure, true),
    }
}

fn python(structure: &Value, quoted: bool) -> String {
    match structure {
        Value::List(items) => {
            let items: Vec<String> = items.iter().map(|item| python(item, quoted)).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Dict(entries) => format!("{{{}}}", entries_text(entries, &|key| format!("'{key}'"), quoted)),
        Value::Str(text) if quoted => format!("'{text}'"),
        Value::Str(text) => text.clone(),
        _ => "None".to_owned(),
    }
}

fn entries_text(entries: &Dict, key: &dyn Fn(&str) -> String, quoted: bool) -> String {
    let entries: Vec<String> =
        entries.iter().map(|(name, value)| format!("{}: {}", key(name), python(value, quoted))).collect();
    entries.join(", ")
}
