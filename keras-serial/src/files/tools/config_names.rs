//! Finds objects of a file in the model's configuration, and renames them there.

use crate::error::{Error, ErrorKind, Result};
use crate::files::{Layout, names};
use crate::json::{Names, Value, rename_item, rename_layers, rename_outputs};
use crate::object::Form;
use crate::registry;
use crate::utils::to_snake_case;

/// A step into a configuration.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Step {
    Key(String),
    Item(usize),
}

/// The way to an object's form in a configuration.
pub(crate) type Pointer = Vec<Step>;

/// Finds the object that a file of this layout has at `path` in the configuration; `None` if the configuration does
/// not name it, because it is in a field of another object.
pub(crate) fn locate(form: &Value, layout: Layout, path: &str) -> Option<Pointer> {
    let segments: Vec<&str> = names(path).collect();
    let mut pointer = Pointer::new();
    let found = match layout {
        Layout::Paths => by_path(form, &segments, &mut pointer),
        _ => by_names(form, &segments, &mut pointer),
    };
    found.filter(|()| !pointer.is_empty()).map(|()| pointer)
}

/// Follows the names that Keras gives to groups: those of fields, and of classes in lists.
fn by_path(form: &Value, segments: &[&str], pointer: &mut Pointer) -> Option<()> {
    let Some((field, rest)) = segments.split_first() else { return Some(()) };
    let item = form.get("config")?.get(field)?;
    pointer.extend([Step::Key("config".into()), Step::Key((*field).to_owned())]);
    let Some(items) = item.as_list() else { return by_path(object(item)?, rest, pointer) };
    let (name, rest) = rest.split_first()?;
    let skips_input = *field == "layers" && class_of(form) == Some("Sequential");
    let groups = group_names(items, skips_input);
    let index = groups.iter().position(|group| group.as_deref() == Some(*name))?;
    pointer.push(Step::Item(index));
    by_path(items.get(index)?, rest, pointer)
}

/// Returns the names that Keras gives to the groups of the layers of a list; `None` for what has no group: operations,
/// and a first input that is left out.
pub(super) fn group_names(items: &[Value], skips_input: bool) -> Vec<Option<String>> {
    let skipped = usize::from(skips_input && items.first().and_then(class_of) == Some("InputLayer"));
    let skipped_names = std::iter::repeat_n(None, skipped);
    skipped_names.chain(layer_groups(items.iter().skip(skipped))).collect()
}

/// Returns the names that Keras gives to the groups of listed objects: those of their classes, numbered; `None` for
/// what has no group.
pub(crate) fn layer_groups<'a>(items: impl Iterator<Item = &'a Value>) -> Vec<Option<String>> {
    let mut counts = std::collections::HashMap::new();
    let group = |item| {
        let class = class_of(item).filter(|_| !is_operation(item))?;
        let stem = to_snake_case(original_class(class));
        let count: &mut usize = counts.entry(stem.clone()).or_default();
        let own = if *count == 0 { stem } else { format!("{stem}_{count}") };
        *count += 1;
        Some(own)
    };
    items.map(group).collect()
}

/// Follows the names of layers.
fn by_names(form: &Value, segments: &[&str], pointer: &mut Pointer) -> Option<()> {
    let Some((name, rest)) = segments.split_first() else { return Some(()) };
    let is_it = |item: &Value| object(item).is_some() && name_of(item) == Some(name);
    for (key, value) in form.get("config")?.as_dict()? {
        let step = match value.as_list() {
            Some(items) => items.iter().position(is_it).map(|index| Some(Step::Item(index))),
            None => is_it(value).then_some(None),
        };
        let Some(step) = step else { continue };
        pointer.extend([Step::Key("config".into()), Step::Key(key.clone())]);
        let item = match &step {
            Some(Step::Item(index)) => value.as_list()?.get(*index)?,
            _ => value,
        };
        pointer.extend(step);
        return by_names(item, rest, pointer);
    }
    None
}

pub(super) fn class_of(form: &Value) -> Option<&str> {
    form.get("class_name")?.as_str().filter(|_| form.get("config").is_some())
}

/// Returns the name under which Keras defines a class, for one that files know by another name
/// (`Layer::original_class`).
fn original_class(class: &str) -> &str {
    if class == "GroupQueryAttention" { "GroupedQueryAttention" } else { class }
}

fn object(value: &Value) -> Option<&Value> {
    class_of(value).map(|_| value)
}

pub(super) fn name_of(form: &Value) -> Option<&str> {
    form.get("config").and_then(|config| config.get("name")).or_else(|| form.get("name"))?.as_str()
}

/// Returns true for operations, which are listed among a model's layers.
fn is_operation(form: &Value) -> bool {
    let form = form.as_dict().and_then(|dict| Form::of(dict).ok().flatten());
    form.is_some_and(|form| registry::is_operation(&form))
}

fn at<'a>(value: &'a mut Value, pointer: &[Step]) -> Option<&'a mut Value> {
    pointer.iter().try_fold(value, |value, step| match (value, step) {
        (Value::Dict(dict), Step::Key(key)) => dict.get_mut(key),
        (Value::List(items), Step::Item(index)) => items.get_mut(*index),
        _ => None,
    })
}

/// Renames an object wherever the configuration names it: in its own entry, in the calls of its
/// graph, among the graph's inputs and outputs, and in what belongs to an output of the model. An object that
/// stands in several models is renamed in all of them.
///
/// # Errors
/// When another layer of the graph has the name.
pub(crate) fn rename(form: &mut Value, pointer: &[Step], new: &str) -> Result<()> {
    let Some(item) = at(form, pointer) else { return Ok(()) };
    let Some(old) = name_of(item).map(str::to_owned) else { return Ok(()) };
    let shared = item.get("shared_object_id").and_then(Value::as_i64);
    let graph = match pointer {
        [around @ .., Step::Key(config), Step::Key(layers), Step::Item(_)]
            if config == "config" && layers == "layers" =>
        {
            Some(around)
        }
        _ => None,
    };
    match graph {
        None => rename_item(item, &Names::from([(old.as_str(), new)])),
        Some(around) => {
            let is_model = around.is_empty();
            let Some(graph) = at(form, around) else { return Ok(()) };
            rename_in_graph(graph, &old, new)?;
            if let Value::Dict(model) = form
                && is_model
            {
                rename_outputs(model, &Names::from([(old.as_str(), new)]));
            }
        }
    }
    match shared {
        Some(id) => rename_shared(form, id, &old, new),
        None => Ok(()),
    }
}

fn layers_of(graph: &mut Value) -> Option<&mut Vec<Value>> {
    match at(graph, &[Step::Key("config".into()), Step::Key("layers".into())])? {
        Value::List(layers) => Some(layers),
        _ => None,
    }
}

/// Renames a layer of a graph and all that leads to it.
fn rename_in_graph(graph: &mut Value, old: &str, new: &str) -> Result<()> {
    let Some(layers) = layers_of(graph) else { return Ok(()) };
    if old != new && layers.iter().any(|layer| name_of(layer) == Some(new)) {
        return Err(Error::new(ErrorKind::InvalidArgument, "a layer of this name is in the configuration already")
            .received(format!("`{new}` for `{old}`")));
    }
    if let Some(Value::Dict(config)) = at(graph, &[Step::Key("config".into())]) {
        rename_layers(config, "layers", &Names::from([(old, new)]));
    }
    Ok(())
}

/// Renames the other appearances of an object that stands in several models.
fn rename_shared(form: &mut Value, id: i64, old: &str, new: &str) -> Result<()> {
    let is_it = |layer: &Value| {
        layer.get("shared_object_id").and_then(Value::as_i64) == Some(id) && name_of(layer) == Some(old)
    };
    if layers_of(form).is_some_and(|layers| layers.iter().any(is_it)) {
        rename_in_graph(form, old, new)?;
    }
    if is_it(form) {
        rename_item(form, &Names::from([(old, new)]));
    }
    match form {
        Value::Dict(dict) => dict.values_mut().try_for_each(|item| rename_shared(item, id, old, new)),
        Value::List(items) => items.iter_mut().try_for_each(|item| rename_shared(item, id, old, new)),
        _ => Ok(()),
    }
}

/// Returns the name of the object at a place in a configuration.
pub(crate) fn name_at<'a>(form: &'a Value, pointer: &[Step]) -> Option<&'a str> {
    let item = pointer.iter().try_fold(form, |value, step| match step {
        Step::Key(key) => value.get(key),
        Step::Item(index) => value.as_list()?.get(*index),
    })?;
    name_of(item)
}
