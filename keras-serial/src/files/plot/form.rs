//! Reads the configurations of models and layers: names, classes, graphs of calls.

use crate::json::{Dict, Value};
use crate::object::{CallTensor, History};

/// A serialized layer, operation or model.
#[derive(Clone, Copy)]
pub(super) struct Form<'a>(pub &'a Value);

/// How the layers of a model are connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ModelKind {
    Sequential,
    Functional,
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

    /// Returns the tensors of each call of a layer in the graph of its model.
    pub fn calls(self) -> impl Iterator<Item = Vec<CallTensor<'a>>> {
        let nodes = self.0.get("inbound_nodes").and_then(Value::as_list).unwrap_or_default();
        nodes.iter().map(CallTensor::of_call)
    }

    /// Returns the inputs or outputs of a Functional model as one list: `input_layers`, `output_layers`.
    pub fn ends(self, key: &str) -> Vec<History<'a>> {
        self.entry(key).map(History::of_ends).unwrap_or_default()
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
