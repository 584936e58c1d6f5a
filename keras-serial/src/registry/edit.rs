//! Edits serialized objects and live ones by path, checked against the descriptions of their classes.

use super::deserialize::config_of;
use super::{Entry, TypedHandle, deserialize_by_name, find};
use crate::config::Config;
use crate::error::{Error, ErrorKind, Result, ResultExt, did_you_mean};
use crate::json::{Path, Value};
use crate::object::{Form, Handle};
use crate::utils::with_article;

/// Sets the value at a path of a serialized object, if the class that it belongs to accepts it.
///
/// The innermost object around the path is constructed with the new value, so that the class's own checks count too;
/// objects of classes that are not registered take any value.
///
/// ```
/// use keras_serial::json::value;
/// use keras_serial::registry;
///
/// let mut form = value!({ "module": "keras.layers", "class_name": "Dense", "config": { "units": 3 } });
/// registry::set(&mut form, "config.units", 4)?;
/// let error = registry::set(&mut form, "config.units", "many").unwrap_err().to_string();
/// assert!(error.contains("config/units: wrong type. Expected a non-negative integer"), "{error}");
/// assert!(registry::set(&mut form, "config.unit", 5).unwrap_err().to_string().contains("did you mean `units`?"));
/// assert_eq!(form["config"]["units"], 4.into());
/// # Ok::<(), keras_serial::Error>(())
/// ```
///
/// # Errors
/// Where the path stops being there; when the class has no such entry, or does not accept the value. The object is
/// unchanged then.
pub fn set(form: &mut Value, path: &str, value: impl Into<Value>) -> Result<()> {
    let path = Path::parse(path)?;
    let mut edited = form.clone();
    let value = value.into();
    path.set(&mut edited, value)?;
    if let Some(count) = innermost(&edited, &path) {
        let object = path.first(count);
        check(object.get(&edited)?, &path.rest(count)).at_with(|| object.to_string())?;
    }
    *form = edited;
    Ok(())
}

/// Returns an object like another, with another value at a path of its serialized form.
///
/// ```
/// use keras_serial::prelude::*;
/// use keras_serial::registry;
///
/// let layer = LayerRef::new(Dense::new(3).activation("relu"));
/// let wider = registry::replace(&layer, "config.units", 64)?;
/// assert_eq!(wider.get_config()?["units"], 64.into());
/// # Ok::<(), Error>(())
/// ```
///
/// # Errors
/// As [`set`], and those of the object.
pub fn replace<H: TypedHandle>(object: &H, path: &str, value: impl Into<Value>) -> Result<H> {
    let mut form = Handle::serialize(object)?;
    set(&mut form, path, value)?;
    deserialize_by_name(&form)
}

/// Returns the number of steps to the innermost serialized object in whose configuration the path ends.
fn innermost(form: &Value, path: &Path) -> Option<usize> {
    let is_object = |count: usize| {
        let at = path.first(count).get(form).ok();
        at.and_then(Value::as_dict).is_some_and(|dict| matches!(Form::of(dict), Ok(Some(_))))
    };
    let in_config = |count: usize| path.rest(count).first_key() == Some("config");
    (0..path.len()).rev().find(|count| is_object(*count) && in_config(*count))
}

/// Checks an edited object: `path` starts at its `config`.
fn check(object: &Value, path: &Path) -> Result<()> {
    let Some(form) = object.as_dict().map(Form::of).transpose()?.flatten() else { return Ok(()) };
    let Ok(entry) = find(&form) else { return Ok(()) };
    let config = config_of(&entry, &form)?;
    check_entry(&entry, &config, &path.rest(1))?;
    entry.make(&config, None).map(drop).at("config")
}

/// Checks the entry of a configuration that was set, by the class's description.
fn check_entry(entry: &Entry, config: &Config, path: &Path) -> Result<()> {
    let Some(described) = entry.description() else { return Ok(()) };
    // An upgrade to the class's version can take the entry away.
    let set = path.first_key().and_then(|name| Some((name, config.get(name)?)));
    let Some((name, value)) = set else { return Ok(()) };
    match described.field(name) {
        Some(field) if field.field_type().accepts(value) => Ok(()),
        Some(field) => Err(Error::new(ErrorKind::Config, "wrong type")
            .expected(with_article(&field.field_type().to_string()))
            .received(value.short())
            .at(name.to_owned())
            .at("config")),
        None if described.allows_unknown || described.ignored.contains(&name) => Ok(()),
        None => {
            let known: Vec<&str> = described.entries().map(|field| field.name).collect();
            let error = Error::new(ErrorKind::Config, format!("`{}` has no entry `{name}`", entry.full_name()))
                .expected(known.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", "))
                .at("config");
            Err(match did_you_mean(name, known) {
                Some(hint) => error.hint(hint),
                None => error,
            })
        }
    }
}
