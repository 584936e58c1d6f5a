//! Functions that the expansion of `#[derive(KerasSerializable)]` calls for a field.

use super::{Base, Config, ConfigField, FieldType};
use crate::error::{Error, ErrorKind, Result, ResultExt, did_you_mean};
use crate::json::Value;

/// Returns the type of a field that does not describe itself.
pub fn any_type() -> FieldType {
    FieldType::Any
}

/// Returns the type of an enum's strings.
pub fn choices(names: &[&'static str]) -> FieldType {
    FieldType::Choices(names.to_vec())
}

/// Returns the default of a field, as its value in a configuration.
pub fn default_value<T: ConfigField + Default>() -> Result<Value> {
    T::default().to_value()
}

/// Reads a required entry, by its name or an alias.
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

/// Returns the value that an omitted entry stands for.
///
/// # Errors
/// When it stands for none.
pub fn present<T>(absent: Option<T>, config: &Config, name: &'static str) -> Result<T> {
    absent.ok_or_else(|| missing(config, name))
}

/// Checks a field that may be written by omitting its entry, and returns whether it is.
///
/// # Errors
/// When the omitted entry would be read as another value, the field's default.
pub fn is_omitted(is_absent: bool, is_default_absent: impl FnOnce() -> bool, name: &'static str) -> Result<bool> {
    if is_absent && !is_default_absent() {
        return Err(Error::new(ErrorKind::Config, "`None` can't be told from the default")
            .hint("an option in an option is left out where it is `None`, so that its default has to be `None`"))
        .at(name);
    }
    Ok(is_absent)
}

/// Reads an optional entry.
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

/// Returns true if the name is one of these.
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

/// Writes the base's entries, except those that are the type's own, after those that are there already.
///
/// # Errors
/// When the base has a value for an entry that is the type's own, and the errors of the base.
pub fn write_base<B: Base>(base: &B, class_name: &'static str, own: &[&str], config: &mut Config) -> Result<()> {
    let mut of_base = Config::new();
    base.write(class_name, &mut of_base)?;
    for key in B::KEYS.iter().filter(|key| own.contains(key)) {
        if base.is_given(key) {
            return Err(Error::new(ErrorKind::Config, format!("two values for the entry `{key}`"))
                .expected(format!("the value of the field `{key}` of `{class_name}`"))
                .received("another one that its base was given")
                .hint("give the field its value, not the base"));
        }
        of_base.shift_remove(*key);
    }
    config.extend(of_base);
    Ok(())
}

/// Reads the base's entries, except those that are the type's own.
///
/// # Errors
/// Those of the base.
pub fn read_base<B: Base>(default: B, own: &[&str], config: &Config) -> Result<B> {
    if !B::KEYS.iter().any(|key| own.contains(key) && config.contains_key(*key)) {
        return default.read_over(config);
    }
    let of_base = config.iter().filter(|(key, _)| !own.contains(&key.as_str()));
    default.read_over(&of_base.map(|(key, value)| (key.clone(), value.clone())).collect())
}

/// Writes null if the base wrote nothing.
pub fn null_if_missing(config: &mut Config, name: &'static str) {
    config.entry(name.to_owned()).or_insert(Value::Null);
}

/// Deserializes a field with serde.
pub fn from_serde<T: serde::de::DeserializeOwned>(value: &Value) -> Result<T> {
    crate::json::from_value(value)
}

/// Serializes a field with serde.
pub fn to_serde<T: serde::Serialize>(field: &T, name: &'static str) -> Result<Value> {
    crate::json::to_value(field).at(name)
}

/// Returns a value if it is one of an enum's strings.
pub fn choice<'a>(value: &'a Value, choices: &[&str]) -> Result<&'a str> {
    value.as_str().ok_or_else(|| {
        Error::new(ErrorKind::Config, "wrong type")
            .expected(format!("a string: one of {}", quoted(choices)))
            .received(value.short())
    })
}

/// Returns the error for an unknown enum string.
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

/// Returns the entry's value, by its name or an alias.
pub fn entry<'a>(config: &'a Config, name: &str, aliases: &[&str]) -> Option<&'a Value> {
    config.get(name).or_else(|| aliases.iter().find_map(|alias| config.get(*alias)))
}

/// Returns the error for a missing entry.
pub fn missing(config: &Config, name: &'static str) -> Error {
    let error = Error::new(ErrorKind::Config, format!("missing `{name}`"))
        .expected(format!("an entry `{name}`"))
        .received(config.keys().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", "));
    match did_you_mean(name, config.keys().map(String::as_str)) {
        Some(hint) => error.hint(hint),
        None => error,
    }
}

/// Returns an error for unknown entries: a hyper-parameter must not be lost silently.
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
