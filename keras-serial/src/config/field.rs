//! Functions that the expansion of `#[derive(KerasSerializable)]` calls for a field.

use super::{Base, Config, ConfigField, FieldDescription, FieldType, TypeDescription};
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

/// What [`KerasSerializable::description`](super::KerasSerializable::description) returns: of a type that derives
/// the trait, a description.
pub type Description = Option<&'static TypeDescription>;

/// An entry of a configuration to be written.
pub enum Entry<'a> {
    /// A field, and whether its default is written by omitting the entry.
    Field(&'static str, &'a dyn Written, Option<fn() -> bool>),
    /// A value that is converted already.
    Value(&'static str, Result<Value>),
    /// An entry that is left out.
    Omitted,
    /// The entries of a base, with the class name and the description of the type, whose own entries it leaves out.
    Base(&'a dyn WrittenBase, &'static str, Description),
    /// An entry of the base that is null if the base wrote none.
    OrNull(&'static str),
}

/// A field of any type, to be written.
pub trait Written {
    /// Converts the field to its value in the configuration; `None` if it is omitted.
    fn value(&self) -> Option<Result<Value>>;
}

impl<T: ConfigField> Written for T {
    fn value(&self) -> Option<Result<Value>> {
        if self.is_absent() { None } else { Some(self.to_value()) }
    }
}

/// A base of any type, to be written.
pub trait WrittenBase {
    /// Writes the entries that are not the type's own, after those that are there already.
    ///
    /// # Errors
    /// When the base has a value for an entry that is the type's own, and the errors of the base.
    fn write_to(&self, class_name: &'static str, described: Description, config: &mut Config) -> Result<()>;

    /// Returns the number of entries.
    fn count(&self) -> usize;
}

impl<B: Base> WrittenBase for B {
    fn write_to(&self, class_name: &'static str, described: Description, config: &mut Config) -> Result<()> {
        let mut of_base = Config::new();
        self.write(class_name, &mut of_base)?;
        for key in B::KEYS.iter().filter(|key| described.is_some_and(|described| described.is_own(key))) {
            if self.is_given(key) {
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

    fn count(&self) -> usize {
        B::KEYS.len()
    }
}

/// Writes a configuration, entry by entry.
///
/// # Errors
/// Those of the fields, and when an omitted entry would be read as another value, the field's default.
pub fn write(entries: &mut [Entry<'_>]) -> Result<Config> {
    let of_bases = entries.iter().map(|entry| if let Entry::Base(base, ..) = entry { base.count() } else { 0 });
    let mut config = Config::with_capacity(entries.len() + of_bases.sum::<usize>());
    for entry in entries {
        match std::mem::replace(entry, Entry::Omitted) {
            Entry::Field(name, field, is_default_absent) => match field.value() {
                Some(value) => _ = config.insert(name.to_owned(), value.at(name)?),
                None if is_default_absent.is_some_and(|is_absent| !is_absent()) => {
                    return Err(Error::new(ErrorKind::Config, "`None` can't be told from the default").hint(
                        "an option in an option is left out where it is `None`, so that its default has to be `None`",
                    ))
                    .at(name);
                }
                None => {}
            },
            Entry::Value(name, value) => _ = config.insert(name.to_owned(), value.at(name)?),
            Entry::Omitted => {}
            Entry::Base(base, class_name, described) => base.write_to(class_name, described, &mut config)?,
            Entry::OrNull(name) => _ = config.entry(name.to_owned()).or_insert(Value::Null),
        }
    }
    Ok(config)
}

/// A place for a field of any type, to be filled.
pub trait Slot {
    /// Fills the place with a configuration's value.
    ///
    /// # Errors
    /// Those of the field.
    fn fill(&mut self, value: &Value) -> Result<()>;

    /// Fills the place with the value that an omitted entry stands for; returns false if it stands for none.
    fn fill_omitted(&mut self) -> bool;
}

impl<T: ConfigField> Slot for Option<T> {
    fn fill(&mut self, value: &Value) -> Result<()> {
        *self = Some(T::from_value(value)?);
        Ok(())
    }

    fn fill_omitted(&mut self) -> bool {
        *self = T::absent();
        self.is_some()
    }
}

/// The place of a field that is read elsewhere, as an attribute converts it.
impl Slot for () {
    fn fill(&mut self, _: &Value) -> Result<()> {
        Ok(())
    }

    fn fill_omitted(&mut self) -> bool {
        true
    }
}

/// Returns the error for a required field that [`read`] did not fill, which it always does.
pub fn unfilled() -> Error {
    Error::new(ErrorKind::Config, "a required entry was not read")
}

/// Reads a configuration, entry by entry, into the places of the fields that are entries, in their order.
///
/// # Errors
/// When an entry is unknown, a required one is missing, and those of the fields.
pub fn read(config: &Config, described: Description, slots: &mut [&mut dyn Slot]) -> Result<()> {
    let described = described.ok_or_else(unfilled)?;
    if !described.allows_unknown {
        let of_base = described.base.map_or(&[][..], |base| base.keys);
        if !config.keys().all(|key| of_base.contains(&key.as_str()) || described.is_own(key)) {
            let own = described.own().flat_map(FieldDescription::names).chain(described.ignored.iter().copied());
            refuse_unknown(config, of_base, &own.collect::<Vec<_>>())?;
        }
    }
    for (field, slot) in described.own().zip(slots) {
        match entry(config, field.name, field.aliases) {
            Some(value) => slot.fill(value).at(field.name)?,
            None if field.default.is_none() && !slot.fill_omitted() => return Err(missing(config, field.name)),
            None => {}
        }
    }
    Ok(())
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

/// Reads the base's entries, except those that are the type's own.
///
/// # Errors
/// Those of the base.
pub fn read_base<B: Base>(default: B, described: Description, config: &Config) -> Result<B> {
    let is_own = |key: &str| described.is_some_and(|described| described.is_own(key));
    if !B::KEYS.iter().any(|key| config.contains_key(*key) && is_own(key)) {
        return default.read_over(config);
    }
    let of_base = config.iter().filter(|(key, _)| !is_own(key));
    default.read_over(&of_base.map(|(key, value)| (key.clone(), value.clone())).collect())
}

/// Deserializes a field with serde.
pub fn from_serde<T: serde::de::DeserializeOwned>(value: &Value) -> Result<T> {
    crate::json::from_value(value)
}

/// Serializes a field with serde.
pub fn to_serde<T: serde::Serialize>(field: &T) -> Result<Value> {
    crate::json::to_value(field)
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
