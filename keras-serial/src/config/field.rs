//! What the expansion of `#[derive(KerasSerializable)]` calls for one field.

use super::{Config, ConfigField};
use crate::error::{Error, ErrorKind, Result, ResultExt, did_you_mean};
use crate::json::Value;

/// A required entry, under its name or one of its old names.
pub fn required<T: ConfigField>(config: &Config, name: &'static str, aliases: &[&'static str]) -> Result<T> {
    match entry(config, name, aliases) {
        Some(value) => T::from_value(value).at(name),
        None => Err(missing(config, name)),
    }
}

/// An entry that may be left out.
pub fn optional<T: ConfigField>(
    config: &Config,
    name: &'static str,
    aliases: &[&'static str],
    default: impl FnOnce() -> T,
) -> Result<T> {
    match entry(config, name, aliases) {
        Some(value) => T::from_value(value).at(name),
        None => Ok(default()),
    }
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
pub fn refuse_unknown(config: &Config, known: &[&str]) -> Result<()> {
    match config.keys().find(|key| !known.contains(&key.as_str())) {
        None => Ok(()),
        Some(key) => {
            let error = Error::new(ErrorKind::Config, format!("unknown entry `{key}`"))
                .expected(known.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", "));
            Err(match did_you_mean(key, known.iter().copied()) {
                Some(hint) => error.hint(hint),
                None => error,
            })
        }
    }
}
