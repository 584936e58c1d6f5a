//! What the expansion of `#[derive(KerasSerializable)]` calls for one field.

use super::{Base, Config, ConfigField};
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

/// A required entry; without it, the value that is told by leaving it out.
pub fn required_or<T>(
    config: &Config,
    name: &'static str,
    aliases: &[&'static str],
    convert: impl FnOnce(&Value) -> Result<T>,
    absent: impl FnOnce() -> Option<T>,
) -> Result<T> {
    match entry(config, name, aliases) {
        Some(value) => convert(value).at(name),
        None => absent().ok_or_else(|| missing(config, name)),
    }
}

/// Is the entry left out, because that is how its value is told?
///
/// # Errors
/// When an entry that is left out would be read as another value, the field's default.
pub fn is_absent<T: ConfigField>(field: &T, name: &'static str, default: impl FnOnce() -> T) -> Result<bool> {
    if field.is_absent() && !default().is_absent() {
        return Err(Error::new(ErrorKind::Config, "`None` can't be told from the default")
            .hint("an option in an option is left out where it is `None`, so that its default has to be `None`"))
        .at(name);
    }
    Ok(field.is_absent())
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

/// Is the name one of these?
pub const fn is_one_of(mut names: &[&str], name: &str) -> bool {
    const fn is_same(mut a: &[u8], mut b: &[u8]) -> bool {
        while let ([x, rest_of_a @ ..], [y, rest_of_b @ ..]) = (a, b) {
            if *x != *y {
                return false;
            }
            (a, b) = (rest_of_a, rest_of_b);
        }
        a.is_empty() && b.is_empty()
    }
    while let [first, rest @ ..] = names {
        if is_same(first.as_bytes(), name.as_bytes()) {
            return true;
        }
        names = rest;
    }
    false
}

/// Writes the base's entries, but for those that are the type's own.
///
/// # Errors
/// When the base was given a value for an entry that is the type's own, and the base's errors.
pub fn write_base<B: Base>(base: &B, class_name: &'static str, own: &[&str], config: &mut Config) -> Result<()> {
    base.write(class_name, config)?;
    for key in B::KEYS.iter().filter(|key| own.contains(key)) {
        if base.is_given(key) {
            return Err(Error::new(ErrorKind::Config, format!("two values for the entry `{key}`"))
                .expected(format!("the value of the field `{key}` of `{class_name}`"))
                .received("another one that its base was given")
                .hint("give the field its value, not the base"));
        }
        config.shift_remove(*key);
    }
    Ok(())
}

/// Reads the base's entries, but for those that are the type's own.
///
/// # Errors
/// The base's.
pub fn read_base<B: Base>(default: B, own: &[&str], config: &Config) -> Result<B> {
    if !B::KEYS.iter().any(|key| own.contains(key) && config.contains_key(*key)) {
        return default.read_over(config);
    }
    let of_base = config.iter().filter(|(key, _)| !own.contains(&key.as_str()));
    default.read_over(&of_base.map(|(key, value)| (key.clone(), value.clone())).collect())
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
pub fn choice<'a>(value: &'a Value, choices: &[&str]) -> Result<&'a str> {
    value.as_str().ok_or_else(|| {
        Error::new(ErrorKind::Config, "wrong type")
            .expected(format!("a string: one of {}", quoted(choices)))
            .received(value.short())
    })
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
