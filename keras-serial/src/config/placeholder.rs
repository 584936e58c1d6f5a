//! Placeholders: what stands in a model for objects whose classes are not registered.

use std::fmt;

use super::{Config, Kind};
use crate::error::Error;
use crate::json::Value;

/// The serialized form of an object whose class is not registered, which stands in its place: it is kept and saved
/// again, and never run.
///
/// Loading makes them on request (`LoadOptions::unknown`); [`KerasSerializable::placeholder`] tells them from other
/// objects.
///
/// [`KerasSerializable::placeholder`]: super::KerasSerializable::placeholder
#[derive(Clone)]
pub struct Placeholder {
    form: Value,
    kind: Kind,
    origin: u64,
    reason: Error,
    error: fn(&Placeholder) -> Error,
}

impl Placeholder {
    /// Creates a placeholder for a serialized object of a file with the number `origin`, which could not be made for
    /// this reason; `error` makes the error of its use.
    pub(crate) fn new(form: Value, kind: Kind, origin: u64, reason: Error, error: fn(&Placeholder) -> Error) -> Self {
        Self { form, kind, origin, reason, error }
    }

    /// Returns the serialized object, as its file has it: `{module, class_name, config, registered_name, …}`, or a
    /// name alone.
    pub fn form(&self) -> &Value {
        &self.form
    }

    fn entry(&self, name: &str) -> Option<&Value> {
        self.form.get(name).filter(|value| !value.is_null())
    }

    /// Returns the name of the class, or of the function.
    pub fn class_name(&self) -> &str {
        let class = self.entry("class_name").and_then(Value::as_str);
        let function = || self.entry("config").and_then(Value::as_str);
        match class {
            Some("function") => function().unwrap_or("function"),
            Some(class) => class,
            None => self.form.as_str().unwrap_or("object"),
        }
    }

    /// Returns the name under which the class would have to be registered: `MyLayers>KernelMult`.
    pub fn registered_name(&self) -> &str {
        match self.entry("registered_name").and_then(Value::as_str) {
            // Keras writes this one for all functions.
            Some("" | "function") | None => self.class_name(),
            Some(name) => name,
        }
    }

    /// Returns the kind of object for which it stands.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Returns the object's configuration; empty for a function or a name.
    pub fn config(&self) -> Config {
        self.form.get("config").and_then(Value::as_dict).cloned().unwrap_or_default()
    }

    /// Returns why the object could not be made.
    pub fn reason(&self) -> &Error {
        &self.reason
    }

    /// Returns the text of the reason, with its place, but without what to do about it.
    pub(crate) fn reason_text(&self) -> String {
        let (path, message) = (self.reason.path(), self.reason.message());
        if path.is_empty() { message.to_owned() } else { format!("{path}: {message}") }
    }

    /// Returns the error of every use of the object: it says how to register the class, with a skeleton of the
    /// struct.
    pub fn error(&self) -> Error {
        (self.error)(self)
    }

    /// Returns the number of the file from which the object comes.
    pub(crate) fn origin(&self) -> u64 {
        self.origin
    }
}

impl fmt::Debug for Placeholder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Placeholder({})", self.registered_name())
    }
}
