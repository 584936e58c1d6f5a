//! Reads the configurations of models and layers: names, classes, graphs of calls.

use crate::json::{Dict, Value};

/// A serialized layer, operation or model.
#[derive(Clone, Copy)]
pub(super) struct Form<'a>(pub &'a Value);

/// How the layers of a model are connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ModelKind {
    Sequential,
    Functional,
}

/// A tensor among the arguments of a call: the output of another layer.
pub(super) struct Argument<'a> {
    /// The tensor's shape and dtype.
    pub config: &'a Value,
    pub source: History<'a>,
}

/// Where a tensor comes from: Keras's `keras_history`.
#[derive(Clone, Copy)]
pub(super) struct History<'a> {
    pub name: &'a str,
    pub node: usize,
    pub output: usize,
}

impl<'a> Form<'a> {
    pub fn config(self) -> Option<&'a Dict> {
        self.0.get("config")?.as_dict()
    }

    pub fn entry(self, key: &str) -> Option<&'a Value> {
        self.config()?.get(key)
    }

    pub fn class(self) -> &'a str {
        self.0.get("class_name").and_then(Value::as_str).unwrap_or("?")
    }

    pub fn name(self) -> &'a str {
        self.entry("name").or_else(|| self.0.get("name")).and_then(Value::as_str).unwrap_or_else(|| self.class())
    }

    /// Returns how the layers are connected, if it is a model with a graph.
    pub fn model_kind(self) -> Option<ModelKind> {
        let config = self.config()?;
        config.get("layers")?.as_list()?;
        if config.contains_key("input_layers") && config.contains_key("output_layers") {
            return Some(ModelKind::Functional);
        }
        // A subclass of Sequential has the same entries.
        let is_sequential = self.class() == "Sequential" || config.contains_key("build_input_shape");
        is_sequential.then_some(ModelKind::Sequential)
    }

    /// Returns the layers that pictures show: all, but for the input layer of a Sequential model.
    pub fn layers(self) -> impl Iterator<Item = Form<'a>> {
        let skips_input = self.model_kind() == Some(ModelKind::Sequential);
        let layers = self.entry("layers").and_then(Value::as_list).unwrap_or_default();
        let layers = layers.iter().map(Form).enumerate();
        layers
            .filter(move |(i, layer)| !(skips_input && *i == 0 && layer.class() == "InputLayer"))
            .map(|(_, form)| form)
    }

    /// Returns the calls of a layer in the graph of its model.
    pub fn calls(self) -> impl Iterator<Item = Vec<Argument<'a>>> {
        let nodes = self.0.get("inbound_nodes").and_then(Value::as_list).unwrap_or_default();
        nodes.iter().map(|node| {
            let mut found = Vec::new();
            arguments(node, &mut found);
            found
        })
    }

    /// Returns the inputs or outputs of a Functional model as one list: `input_layers`, `output_layers`.
    pub fn ends(self, key: &str) -> Vec<History<'a>> {
        let mut found = Vec::new();
        if let Some(value) = self.entry(key) {
            histories(value, &mut found);
        }
        found
    }

    /// Returns the name of the activation: that of a string, of a registered function, or of a layer.
    pub fn activation(self) -> Option<&'a str> {
        let value = self.entry("activation")?;
        let config = value.get("config");
        let name = config.and_then(|config| config.get("name").and_then(Value::as_str).or_else(|| config.as_str()));
        value.as_str().or(name).or_else(|| value.get("class_name")?.as_str())
    }
}

/// Returns the layers that pictures show of a model, with their names.
#[cfg(feature = "engine")]
pub(crate) fn layer_names(form: &Value) -> impl Iterator<Item = (&str, &Value)> {
    Form(form).layers().map(|layer| (layer.name(), layer.0))
}

impl<'a> History<'a> {
    /// Reads `[name, node index, tensor index]`.
    pub fn of(value: &'a Value) -> Option<Self> {
        let [name, node, output, ..] = value.as_list()? else { return None };
        let index = |value: &Value| usize::try_from(value.as_i64()?).ok();
        Some(Self { name: name.as_str()?, node: index(node)?, output: index(output)? })
    }
}

/// Collects the tensors in the order in which Keras does: entries of dicts by their keys.
fn arguments<'a>(value: &'a Value, found: &mut Vec<Argument<'a>>) {
    match value {
        Value::List(items) => items.iter().for_each(|item| arguments(item, found)),
        Value::Dict(entries) => {
            let config = entries.get("config");
            if let Some(source) = config.and_then(|config| History::of(config.get("keras_history")?)) {
                found.extend(config.map(|config| Argument { config, source }));
                return;
            }
            in_order(entries).for_each(|(_, entry)| arguments(entry, found));
        }
        _ => {}
    }
}

fn histories<'a>(value: &'a Value, found: &mut Vec<History<'a>>) {
    match (History::of(value), value) {
        (Some(history), _) => found.push(history),
        (None, Value::List(items)) => items.iter().for_each(|item| histories(item, found)),
        (None, Value::Dict(entries)) => in_order(entries).for_each(|(_, entry)| histories(entry, found)),
        _ => {}
    }
}

/// Returns the entries of a dict in the order of their keys.
fn in_order(entries: &Dict) -> impl Iterator<Item = (&String, &Value)> {
    let mut entries: Vec<_> = entries.iter().collect();
    entries.sort_by_key(|(key, _)| key.as_str());
    entries.into_iter()
}
