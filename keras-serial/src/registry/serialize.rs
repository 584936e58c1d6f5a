//! Serializes objects with their class and module: the second half of `serialize_keras_object`.

use std::any::Any;
use std::sync::Arc;

use super::{Entry, lookup};
use crate::config::{KerasSerializable, Placeholder};
use crate::error::Result;
use crate::json::{Dict, Value};
use crate::object::{VERSION, note_serialized, renumber};

/// Serializes a shared object of a class, with what `extra` adds. Within a
/// [`SharingScope`](crate::object::SharingScope) repeated objects are recognized.
///
/// # Errors
/// When the object's configuration can't be serialized.
pub fn serialize_shared(
    object: Arc<dyn KerasSerializable>,
    extra: impl FnOnce(&mut Dict) -> Result<()>,
) -> Result<Value> {
    let mut form = match object.placeholder() {
        Some(placeholder) => match kept(placeholder) {
            Value::Dict(form) => form,
            name => return Ok(name),
        },
        None => form_of(&*object, extra)?,
    };
    note_serialized(object, &mut form);
    Ok(Value::Dict(form))
}

/// Returns what a placeholder is saved as: what its file had.
fn kept(placeholder: &Placeholder) -> Value {
    let mut form = placeholder.form().clone();
    renumber(placeholder.origin(), &mut form);
    form
}

/// Serializes an object of a class, with what `extra` adds (how it was built and compiled). For an
/// object with several owners use [`serialize_shared`].
///
/// # Errors
/// When the object's configuration can't be serialized.
pub fn serialize_class(object: &dyn KerasSerializable, extra: impl FnOnce(&mut Dict) -> Result<()>) -> Result<Value> {
    match object.placeholder() {
        Some(placeholder) => Ok(kept(placeholder)),
        None => form_of(object, extra).map(Value::Dict),
    }
}

fn form_of(object: &dyn KerasSerializable, extra: impl FnOnce(&mut Dict) -> Result<()>) -> Result<Dict> {
    let config = Value::Dict(object.get_config()?);
    let entry = lookup::by_type((object as &dyn Any).type_id());
    let own = entry.as_ref().and_then(|entry| Some((entry, entry.module()?)));
    let (module, class_name, registered_name) = match own {
        Some((entry, module)) => {
            // A class that is not public in Keras is written like a custom one.
            let registered = module.starts_with("keras.src.").then(|| entry.name().into());
            (Value::from(module), entry.builtin_name(), registered.unwrap_or(Value::Null))
        }
        None => {
            let name = entry.as_ref().map_or_else(|| object.class().to_owned(), |entry| entry.registered_name());
            (Value::Null, object.class(), Value::from(name))
        }
    };
    let mut form = Dict::from([
        ("module".to_owned(), module),
        ("class_name".to_owned(), Value::from(class_name)),
        ("config".to_owned(), config),
        ("registered_name".to_owned(), registered_name),
    ]);
    if let Some(version) = entry.and_then(|entry| entry.description()?.version) {
        form.insert(VERSION.to_owned(), Value::from(version.current));
    }
    extra(&mut form)?;
    Ok(form)
}

/// Serializes a function: Keras's own by module and name, others by their registered name.
pub(crate) fn serialize_function(entry: Option<&Entry>, own_name: &str) -> Value {
    let form = |module: &str, name: &str, registered: Value| {
        Value::Dict(Dict::from([
            ("module".to_owned(), Value::from(module)),
            ("class_name".to_owned(), Value::from("function")),
            ("config".to_owned(), Value::from(name)),
            ("registered_name".to_owned(), registered),
        ]))
    };
    match entry {
        // Keras 3.15 writes `module: "builtins", registered_name: "function"` for every function.
        Some(entry) => form("builtins", &entry.registered_name(), Value::from("function")),
        None => form("builtins", own_name, Value::from("function")),
    }
}
