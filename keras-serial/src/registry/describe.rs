//! Describes registered objects, as Python's `help` does.

use std::fmt;
use std::sync::Arc;

use super::{Entry, entry_named};
use crate::config::{FieldDescription, FieldRole, TypeDescription};
use crate::error::Result;
use crate::json::{Dict, Value, value};
use crate::object::Form;

/// The description of a registered object: signature, arguments, state, documentation, and where it is
/// registered.
///
/// It displays as Python's `help` prints it; [`Description::to_value`] returns it as data.
#[derive(Debug, Clone)]
pub struct Description {
    entry: Arc<Entry>,
}

/// Describes the object with a name, which is any that [`entry_named`] finds.
///
/// ```
/// let described = keras_serial::registry::describe("keras.layers.Dense")?;
/// assert!(described.signature().starts_with("Dense(units, activation=\"linear\", use_bias=true"));
/// println!("{described}");
/// # Ok::<(), keras_serial::Error>(())
/// ```
///
/// # Errors
/// As [`entry_named`].
pub fn describe(name: &str) -> Result<Description> {
    entry_named(name).map(|entry| Description { entry })
}

impl Description {
    /// Describes an entry.
    pub fn of(entry: Arc<Entry>) -> Self {
        Self { entry }
    }

    /// Returns the registry entry.
    pub fn entry(&self) -> &Entry {
        &self.entry
    }

    /// Returns the signature: the arguments, required ones first and those of the base last, with their defaults.
    pub fn signature(&self) -> String {
        let name = self.entry.name();
        let Some(described) = self.entry.description() else { return name.to_owned() };
        let arguments = in_order(described).into_iter().map(|entry| match default_text(described, entry) {
            _ if entry.is_required() => entry.name.to_owned(),
            Some(default) => format!("{}={default}", entry.name),
            None => format!("{}=…", entry.name),
        });
        format!("{name}({})", arguments.collect::<Vec<_>>().join(", "))
    }

    /// Returns the description as data: names, kinds, place, documentation, arguments and state.
    ///
    /// # Errors
    /// When a default can't be serialized.
    pub fn to_value(&self) -> Result<Value> {
        let entry = &self.entry;
        let kinds: Vec<String> = entry.kinds().iter().map(ToString::to_string).collect();
        let value = value!({
            "name": (entry.full_name()),
            "class_name": (entry.name()),
            "module": (entry.module()),
            "package": (entry.module().is_none().then(|| entry.package().to_owned())),
            "aliases": (entry.aliases()),
            "kinds": kinds,
            "registered_at": (entry.place().to_string()),
            "doc": (entry.doc()),
            "signature": (self.signature()),
        });
        let Value::Dict(mut dict) = value else { return Ok(value) };
        if let Some(described) = entry.description() {
            let arguments: Result<Vec<Value>> = described.entries().map(|entry| argument(described, entry)).collect();
            dict.insert("rust_type".to_owned(), format!("{}::{}", described.module_path, described.name).into());
            dict.insert("arguments".to_owned(), Value::List(arguments?));
            dict.insert(
                "state".to_owned(),
                Value::List(state(described).map(|field| field_value(field).into()).collect()),
            );
        }
        Ok(Value::Dict(dict))
    }
}

/// Returns the arguments as a reader looks for them: required ones first, those of the base last.
fn in_order(described: &TypeDescription) -> Vec<&'static FieldDescription> {
    let mut arguments: Vec<_> = described.entries().collect();
    arguments.sort_by_key(|entry| (entry.role == FieldRole::Base, !entry.is_required()));
    arguments
}

/// Returns the fields that hold state.
fn state(described: &TypeDescription) -> impl Iterator<Item = &'static FieldDescription> {
    use FieldRole::{SeedGenerator, Sublayer, Weight};
    described.fields.iter().filter(|field| matches!(field.role, Weight | Sublayer | SeedGenerator))
}

fn default_text(described: &TypeDescription, entry: &FieldDescription) -> Option<String> {
    let default = described.fixed_default(entry)?.ok()?;
    Some(name_of_default(&default).map_or_else(|| default.short(), |name| format!("\"{name}\"")))
}

/// Returns the name that stands for a serialized object of Keras with the defaults of all its arguments.
fn name_of_default(value: &Value) -> Option<&'static str> {
    let form = Form::of(value.as_dict()?).ok()??;
    let entry = super::find(&form).ok()?;
    let described = entry.description()?;
    let is_default = |(name, value): (&String, &Value)| {
        let default = described.field(name).and_then(|field| described.default_of(field));
        default.is_some_and(|default| default.is_ok_and(|default| default == *value))
    };
    form.config_dict().ok()?.iter().all(is_default).then(|| entry.aliases().first().copied())?
}

fn field_value(field: &FieldDescription) -> Dict {
    let role = match field.role {
        FieldRole::Weight => "weight",
        FieldRole::Sublayer => "sublayer",
        FieldRole::SeedGenerator => "seed generator",
        FieldRole::Base => "base",
        FieldRole::Skipped => "skipped",
        FieldRole::Config => "configuration",
    };
    let pairs = [("name", field.name), ("role", role), ("rust_type", field.rust_type), ("doc", field.doc)];
    pairs.into_iter().map(|(name, text)| (name.to_owned(), Value::from(text))).collect()
}

fn argument(described: &TypeDescription, entry: &FieldDescription) -> Result<Value> {
    let mut value = field_value(entry);
    value.insert("aliases".to_owned(), entry.aliases.into());
    value.insert("type".to_owned(), entry.field_type().to_string().into());
    value.insert("required".to_owned(), entry.is_required().into());
    if let Some(default) = described.fixed_default(entry) {
        value.insert("default".to_owned(), default?);
    }
    Ok(Value::Dict(value))
}

impl fmt::Display for Description {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let entry = &self.entry;
        write!(f, "{}", entry.full_name())?;
        for kind in entry.kinds() {
            write!(f, ", {}", kind.with_article())?;
        }
        writeln!(f, "\nregistered at {}", entry.place())?;
        if !entry.aliases().is_empty() {
            writeln!(f, "also called {}", entry.aliases().join(", "))?;
        }
        writeln!(f, "\n{}", self.signature())?;
        if !entry.doc().is_empty() {
            writeln!(f, "\n{}", entry.doc())?;
        }
        let Some(described) = entry.description() else { return Ok(()) };
        let arguments = in_order(described);
        if !arguments.is_empty() {
            writeln!(f, "\nArguments:")?;
        }
        for entry in arguments {
            write!(f, "    {}: {}", entry.name, entry.field_type())?;
            match default_text(described, entry) {
                Some(default) => writeln!(f, ", {default} by default")?,
                None if entry.is_required() => writeln!(f, ", required")?,
                None => writeln!(f)?,
            }
            indented(f, entry.doc)?;
            if !entry.aliases.is_empty() {
                writeln!(f, "        Also read as {}.", entry.aliases.join(", "))?;
            }
        }
        let mut fields = state(described).peekable();
        if fields.peek().is_some() {
            writeln!(f, "\nState:")?;
        }
        for field in fields {
            writeln!(f, "    {}: {}", field.name, field.rust_type)?;
            indented(f, field.doc)?;
        }
        Ok(())
    }
}

fn indented(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    text.lines().try_for_each(|line| writeln!(f, "        {line}"))
}
