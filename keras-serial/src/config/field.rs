//! What the expansion of `#[derive(KerasSerializable)]` calls for one field.

use std::str::FromStr;

use super::Config;
use crate::error::{Error, ErrorKind, Result, ResultExt, did_you_mean};
use crate::json::Value;

/// A required entry, under its name or one of its old names.
pub fn required<T>(
    config: &Config,
    name: &'static str,
    aliases: &[&'static str],
    convert: impl FnOnce(&Value) -> Result<T>,
) -> Result<T> {
    match entry(config, name, aliases) {
        Some(value) => convert(value).at(name),
        None => Err(missing(config, name)),
    }
}

/// An entry that may be left out.
pub fn optional<T>(
    config: &Config,
    name: &'static str,
    aliases: &[&'static str],
    convert: impl FnOnce(&Value) -> Result<T>,
    default: impl FnOnce() -> T,
) -> Result<T> {
    match entry(config, name, aliases) {
        Some(value) => convert(value).at(name),
        None => Ok(default()),
    }
}

/// Writes null where the base wrote nothing.
pub fn null_if_missing(config: &mut Config, name: &'static str) {
    config.entry(name.to_owned()).or_insert(Value::Null);
}

/// A field of a type that has serde's traits.
pub fn from_serde<T: serde::de::DeserializeOwned>(value: &Value) -> Result<T> {
    crate::json::from_value(value)
}

/// The value of a field of a type that has serde's traits.
pub fn to_serde<T: serde::Serialize>(field: &T, name: &'static str) -> Result<Value> {
    crate::json::to_value(field).at(name)
}

/// One of an enum's strings.
pub fn choice<T: FromStr<Err = Error>>(value: &Value, choices: &[&str]) -> Result<T> {
    match value.as_str() {
        Some(text) => text.parse(),
        None => Err(Error::new(ErrorKind::Config, "wrong type")
            .expected(format!("a string: one of {}", quoted(choices)))
            .received(value.short())),
    }
}

/// The error for a string that is none of an enum's.
pub fn no_choice(text: &str, choices: &[&str]) -> Error {
    let error = Error::new(ErrorKind::Config, "invalid value")
        .expected(format!("one of {}", quoted(choices)))
        .received(format!("{text:?}"));
    match did_you_mean(text, choices.iter().copied()) {
        Some(hint) => error.hint(hint),
        None => error,
    }
}

fn quoted(choices: &[&str]) -> String {
    choices.iter().map(|choice| format!("\"{choice}\"")).collect::<Vec<_>>().join(", ")
}

/// The entry's value under its name or one of its old names.
pub fn entry<'a>(config: &'a Config, name: &str, aliases: &[&str]) -> Option<&'a Value> {
    config.get(name).or_else(|| aliases.iter().find_map(|alias| config.get(*alias)))
}

/// The error for an entry that must be there.
pub fn missing(config: &Config, name: &'static str) -> Error {
    let error = Error::new(ErrorKind::Config, format!("missing `{name}`"))
        .expected(format!("an entry `{name}`"))
        .received(config.keys().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", "));
    match did_you_mean(name, config.keys().map(String::as_str)) {
        Some(hint) => error.hint(hint),
        None => error,
    }
}

/// Refuses entries that the type does not have: a hyper-parameter must not be lost in silence.
pub fn refuse_unknown(config: &Config, of_base: &[&str], own: &[&str]) -> Result<()> {
    match config.keys().find(|key| !of_base.contains(&key.as_str()) && !own.contains(&key.as_str())) {
        None => Ok(()),
        Some(key) => {
            let known = [of_base, own].concat();
            let error = Error::new(ErrorKind::Config, format!("unknown entry `{key}`"))
                .expected(known.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", "));
            Err(match did_you_mean(key, known.iter().copied()) {
                Some(hint) => error.hint(hint),
                None => error,
            })
        }
    }
}
