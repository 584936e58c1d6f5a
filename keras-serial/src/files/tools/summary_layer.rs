//! The layers of a file's configuration, as a summary shows them.

use std::collections::HashMap;

use super::config_names::{class_of, group_names, name_of};
use crate::files::{Layout, StoredTensor, WeightTree};
use crate::json::Value;
use crate::object::{CallTensor, Form, History};
use crate::registry;
use crate::utils::join;

/// A layer of a model in a file.
pub(super) struct SummaryLayer<'a> {
    /// The serialized layer; `None` where only the weights tell of it.
    form: Option<&'a Value>,
    /// The path of its group of weights; `None` if it has none.
    group: Option<String>,
    /// The shape of its output, where the configuration tells it.
    pub(super) shape: Option<String>,
    /// What it is called on: `input_layer[0][0]`.
    pub(super) inputs: Vec<String>,
    calls: usize,
}

/// Returns the layers of a model, or of a layer that holds some; `group` is the path of its weights in the tree.
pub(super) fn layers<'a>(form: &'a Value, layout: Layout, tree: &'a WeightTree, group: &str) -> Vec<SummaryLayer<'a>> {
    let Some(items) = form.get("config").and_then(|config| config.get("layers")).and_then(Value::as_list) else {
        return fields(form, layout, tree, group);
    };
    let is_sequential = class_of(form) == Some("Sequential");
    let shapes = recorded_shapes(items);
    let names = group_names(items, is_sequential);
    let layer = |(index, (item, name)): (usize, (&'a Value, Option<String>))| {
        let group = match layout {
            Layout::Paths => name.map(|name| join(&join(group, "layers"), &name)),
            _ => name_of(item).map(|name| join(group, name)),
        };
        let nodes = item.get("inbound_nodes").and_then(Value::as_list).unwrap_or_default();
        let input = |tensor: CallTensor| {
            let History { name, node, output } = tensor.source;
            format!("{name}[{node}][{output}]")
        };
        let inputs = nodes.iter().flat_map(CallTensor::of_call).map(input).collect();
        let next = items.get(index + 1).filter(|_| is_sequential);
        let shape = batch_shape(item)
            .or_else(|| shapes.get(name_of(item)?).cloned())
            .or_else(|| next?.get("build_config")?.get("input_shape").and_then(shape_text));
        SummaryLayer { form: Some(item), group, shape, inputs, calls: nodes.len() }
    };
    // In a Sequential model, the input is no row of the table.
    let is_row = |item: &Value| !(is_sequential && class_of(item) == Some("InputLayer"));
    items.iter().zip(names).enumerate().filter(|(_, (item, _))| is_row(item)).map(layer).collect()
}

/// Returns the layers of a model with a class of its own: those in its configuration, and other groups of weights.
fn fields<'a>(form: &'a Value, layout: Layout, tree: &'a WeightTree, group: &str) -> Vec<SummaryLayer<'a>> {
    let config = form.get("config").and_then(Value::as_dict);
    let is_layer = |item: &Value| class_of(item).is_some() && item.get("build_config").is_some();
    let mut layers: Vec<SummaryLayer<'a>> = Vec::new();
    for (field, item) in config.into_iter().flatten().filter(|(_, item)| is_layer(item)) {
        let own = if layout == Layout::Paths { Some(field.as_str()) } else { name_of(item) };
        let group = own.map(|own| join(group, own));
        layers.push(SummaryLayer { form: Some(item), group, shape: None, inputs: Vec::new(), calls: 0 });
    }
    let others = tree.group(group).into_iter().flat_map(|tree| &tree.groups);
    for (name, inner) in others.filter(|(name, _)| *name != "vars" && !name.contains("optimizer")) {
        let path = join(group, name);
        // Lists of layers have a group for each.
        let is_list = inner.tensors.is_empty() && !inner.groups.contains_key("vars");
        let parts: Vec<String> = match is_list {
            true => inner.groups.keys().map(|part| join(&path, part)).collect(),
            false => vec![path.clone()],
        };
        let is_known = |path: &String| layers.iter().any(|layer| layer.group.as_ref() == Some(path));
        let parts: Vec<String> = parts.into_iter().filter(|part| !is_known(part) && !is_known(&path)).collect();
        let layer = |group| SummaryLayer { form: None, group: Some(group), shape: None, inputs: Vec::new(), calls: 0 };
        layers.extend(parts.into_iter().map(layer));
    }
    layers
}

/// Returns true if each layer of a graph but the first is called once, on the one before it.
pub(super) fn is_sequence(layers: &[SummaryLayer<'_>]) -> bool {
    layers.iter().enumerate().all(|(index, layer)| match (index.checked_sub(1), layer.inputs.as_slice()) {
        (None, inputs) => inputs.is_empty(),
        (Some(before), [input]) => {
            let before = layers.get(before).map(SummaryLayer::name);
            layer.calls == 1 && before.is_some_and(|before| *input == format!("{before}[0][0]"))
        }
        _ => false,
    })
}

impl<'a> SummaryLayer<'a> {
    /// Returns the name; where only the weights tell of the layer, that of their group.
    pub(super) fn name(&self) -> &str {
        let group = || self.group.as_deref().map(|group| group.rsplit('/').next().unwrap_or(group));
        self.form.and_then(name_of).or_else(group).unwrap_or("?")
    }

    /// Returns the class, in brackets if neither Keras nor this program has it.
    pub(super) fn class(&self) -> String {
        let class = self.form.and_then(class_of).unwrap_or("?");
        if self.is_known() { class.to_owned() } else { format!("[{class}]") }
    }

    fn is_known(&self) -> bool {
        let Some(form) = self.form.and_then(Value::as_dict).and_then(|dict| Form::of(dict).ok().flatten()) else {
            return false;
        };
        registry::find(&form).is_ok()
            || registry::is_computed_operation(&form)
            || registry::is_keras_operation(&form)
            || !registry::has_builtins() && registry::is_of_keras(&form)
    }

    /// Returns the tensors of the layer and of all in it.
    pub(super) fn weights(&self, tree: &'a WeightTree) -> Vec<&'a StoredTensor> {
        let mut tensors = Vec::new();
        if let Some(group) = self.group.as_ref().and_then(|path| tree.group(path)) {
            group.each(&mut |_, tensor| tensors.push(tensor));
        }
        tensors
    }

    /// Returns whether the configuration says that the layer is trainable.
    pub(super) fn is_trainable(&self) -> bool {
        let flag = self.form.and_then(|form| form.get("config")).and_then(|config| config.get("trainable"));
        flag.and_then(Value::as_bool).unwrap_or(true)
    }

    /// Returns the layers of a model inside.
    pub(super) fn inner(&self, layout: Layout, tree: &'a WeightTree) -> Vec<SummaryLayer<'a>> {
        let model = self.form.filter(|form| form.get("config").is_some_and(|config| config.get("layers").is_some()));
        match (model, &self.group) {
            (Some(form), Some(group)) => layers(form, layout, tree, group),
            _ => Vec::new(),
        }
    }
}

/// Returns the shapes of the outputs of layers, as the calls on them record them.
fn recorded_shapes(items: &[Value]) -> HashMap<&str, String> {
    let mut found: HashMap<&str, String> = HashMap::new();
    for item in items {
        let nodes = item.get("inbound_nodes").and_then(Value::as_list).unwrap_or_default();
        for CallTensor { source, config } in nodes.iter().flat_map(CallTensor::of_call) {
            if let (0, Some(shape)) = (source.output, config.and_then(|config| shape_text(config.get("shape")?))) {
                found.insert(source.name, shape);
            }
        }
    }
    found
}

/// Returns the shape that an input says itself.
fn batch_shape(form: &Value) -> Option<String> {
    form.get("config")?.get("batch_shape").and_then(shape_text)
}

/// Formats a shape as Keras does: `(None, 4)`. `None` if it is something else.
fn shape_text(shape: &Value) -> Option<String> {
    let extent = |extent: &Value| match extent {
        Value::Null => Some("None".to_owned()),
        extent => extent.as_i64().map(|extent| extent.to_string()),
    };
    let extents: Vec<String> = shape.as_list()?.iter().map(extent).collect::<Option<_>>()?;
    Some(format!("({})", extents.join(", ")))
}
