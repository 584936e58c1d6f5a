//! Descriptions of types as data: what `#[derive(KerasSerializable)]` sees of a struct.

use std::fmt;

use super::default_value::DefaultValue;
use super::{Config, ConfigField, FieldType};
use crate::error::{Error, ErrorKind, Result, ResultExt};
use crate::json::Value;

/// The description of a type: its names, its documentation, and its fields in order.
///
/// `#[derive(KerasSerializable)]` makes it, as a static table that costs nothing until it is asked for.
///
/// ```
/// use keras_serial::KerasSerializable;
///
/// /// A range of numbers.
/// #[derive(KerasSerializable)]
/// struct Range {
///     /// The lower end.
///     low: f64,
///     /// The upper end.
///     #[keras(default = 1.0, alias = "top")]
///     high: f64,
/// }
///
/// let described = Range::description().unwrap();
/// assert_eq!((described.name, described.doc), ("Range", "A range of numbers."));
/// let high = described.field("top").unwrap();
/// assert_eq!((high.name, high.doc, high.is_required()), ("high", "The upper end.", false));
/// assert_eq!(high.default_value().unwrap()?, 1.0.into());
/// assert_eq!(high.field_type().to_string(), "number");
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[derive(Debug)]
pub struct TypeDescription {
    /// The type's name in the sources.
    pub name: &'static str,
    /// The path of the Rust module that defines it.
    pub module_path: &'static str,
    /// The text of its doc comment.
    pub doc: &'static str,
    /// The base, whose entries come in addition to those of the fields.
    pub base: Option<BaseDescription>,
    /// The fields, in order.
    pub fields: &'static [FieldDescription],
    /// Entries of old files that are read and ignored.
    pub ignored: &'static [&'static str],
    /// Whether unknown entries are accepted.
    pub allows_unknown: bool,
    /// The version of its configurations, for a type that has one.
    pub version: Option<Version>,
}

/// The version of a type's configurations, and how older ones are upgraded.
#[derive(Clone, Copy)]
pub struct Version {
    /// The version that the type writes.
    pub current: u32,
    /// Brings a configuration of a version to the next one.
    #[doc(hidden)]
    pub upgrade: fn(u32, &mut Config) -> Result<()>,
    /// Returns the version of a configuration that does not say it.
    #[doc(hidden)]
    pub infer: fn(&Config) -> u32,
}

impl fmt::Debug for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Version({})", self.current)
    }
}

impl Version {
    /// Upgrades a configuration step by step to the current version; `given` is the version that it says it has.
    ///
    /// # Errors
    /// When it is of a newer version than the type knows, and those of the upgrade.
    pub(crate) fn upgraded(&self, given: Option<u32>, config: &Config) -> Result<Config> {
        let from = given.unwrap_or_else(|| (self.infer)(config));
        if from > self.current || from == 0 {
            return Err(Error::new(
                ErrorKind::Unsupported,
                "a configuration of a version that this program does not know",
            )
            .expected(format!("a version from 1 to {}", self.current))
            .received(format!("version {from}"))
            .hint("build the program with the newer version of the class"));
        }
        let mut config = config.clone();
        for version in from..self.current {
            (self.upgrade)(version, &mut config).at_with(|| format!("upgrade from version {version}"))?;
        }
        Ok(config)
    }
}

/// The description of a type's base: the entries that all objects of a kind have.
#[derive(Clone, Copy)]
pub struct BaseDescription {
    /// The entries, in the order in which they are written.
    pub entries: &'static [FieldDescription],
    /// The names that it reads: those of the entries, and of entries of old files.
    pub keys: &'static [&'static str],
    /// Returns the values of omitted entries, which a type can have of its own (a learning rate).
    #[doc(hidden)]
    pub defaults: fn() -> Result<Config>,
}

impl fmt::Debug for BaseDescription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.entries.fmt(f)
    }
}

/// The description of a field, or of an entry of a base.
#[derive(Clone, Copy)]
pub struct FieldDescription {
    /// The name in configurations; of state, the name under which it is saved.
    pub name: &'static str,
    /// Additional names that are read.
    pub aliases: &'static [&'static str],
    /// The field's name in the sources.
    pub rust_name: &'static str,
    /// The field's type, as the sources spell it.
    pub rust_type: &'static str,
    /// What the field is used for.
    pub role: FieldRole,
    /// The text of its doc comment.
    pub doc: &'static str,
    /// Returns the type of its values in configurations.
    #[doc(hidden)]
    pub values: fn() -> FieldType,
    /// The value of an omitted entry, for a field with a default.
    #[doc(hidden)]
    pub default: Option<&'static dyn DefaultValue>,
}

/// What a field is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum FieldRole {
    /// An entry of the configuration.
    Config,
    /// A weight, which is saved with the model.
    Weight,
    /// A layer or metric that the type makes itself, whose weights are saved with the model.
    Sublayer,
    /// A random number generator, whose state is saved with the model.
    SeedGenerator,
    /// Other state, which is not saved.
    Skipped,
    /// An entry of the base; of a field, the base itself.
    Base,
}

impl TypeDescription {
    /// Returns the entries of configurations, in the order in which they are written: the base's and the fields'.
    /// A field that has the name of one of the base's entries replaces it.
    pub fn entries(&self) -> impl Iterator<Item = &'static FieldDescription> {
        let of_base: &'static [FieldDescription] = self.base.map_or(&[], |base| base.entries);
        let own = self.fields;
        let is_own = move |name: &str| own.iter().any(|field| field.role == FieldRole::Config && field.name == name);
        let each = own.iter().flat_map(move |field| match field.role {
            FieldRole::Config => std::slice::from_ref(field),
            FieldRole::Base => of_base,
            _ => &[],
        });
        each.filter(move |entry| entry.role != FieldRole::Base || !is_own(entry.name))
    }

    /// Returns the value that an omitted entry stands for; `None` for a required one.
    pub fn default_of(&self, entry: &FieldDescription) -> Option<Result<Value>> {
        match (entry.role, self.base) {
            (FieldRole::Base, Some(base)) => {
                Some((base.defaults)().map(|mut defaults| defaults.shift_remove(entry.name).unwrap_or_default()))
            }
            _ => entry.default_value(),
        }
    }

    /// Returns the default of an entry, if it has one that is the same each time: a seed can be drawn.
    pub(crate) fn fixed_default(&self, entry: &FieldDescription) -> Option<Result<Value>> {
        let (default, again) = (self.default_of(entry)?, self.default_of(entry)?);
        match (&default, &again) {
            (Ok(a), Ok(b)) if !a.is_same(b) => None,
            _ => Some(default),
        }
    }

    /// Returns the fields that are entries of the configuration.
    pub(super) fn own(&self) -> impl Iterator<Item = &'static FieldDescription> {
        self.fields.iter().filter(|field| field.role == FieldRole::Config)
    }

    /// Returns true if the type itself reads this entry, so that its base neither reads nor writes it.
    pub(super) fn is_own(&self, name: &str) -> bool {
        self.own().any(|field| field.is_called(name)) || self.ignored.contains(&name)
    }

    /// Returns the entry with this name or alias.
    pub fn field(&self, name: &str) -> Option<&'static FieldDescription> {
        let named = self.entries().find(|field| field.name == name);
        named.or_else(|| self.entries().find(|field| field.is_called(name)))
    }
}

impl FieldDescription {
    /// Describes an entry of a base, with values of the type `T`.
    pub const fn of_base<T: ConfigField>(name: &'static str, rust_type: &'static str, doc: &'static str) -> Self {
        let (values, default) = (T::field_type as fn() -> FieldType, None);
        Self { name, aliases: &[], rust_name: name, rust_type, role: FieldRole::Base, doc, values, default }
    }

    /// Returns the type of its values in configurations.
    pub fn field_type(&self) -> FieldType {
        (self.values)()
    }

    /// Returns the value of an omitted entry; `None` for a field without default. Of a base's entries, see
    /// [`TypeDescription::default_of`].
    pub fn default_value(&self) -> Option<Result<Value>> {
        self.default.map(DefaultValue::value)
    }

    /// Returns true if configurations must have the entry.
    pub fn is_required(&self) -> bool {
        self.role == FieldRole::Config && self.default.is_none() && !self.field_type().is_omittable()
    }

    /// Returns true if the entry is read by this name: its name, or an alias.
    pub(super) fn is_called(&self, name: &str) -> bool {
        self.name == name || self.aliases.contains(&name)
    }

    /// Returns the names that are read: the name, and the aliases.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        std::iter::once(self.name).chain(self.aliases.iter().copied())
    }
}

impl fmt::Debug for FieldDescription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {}: {}", self.role, self.rust_name, self.rust_type)
    }
}

/// Implements [`KerasSerializable::description`](super::KerasSerializable::description) for a type whose
/// configuration is written by hand: `name: Type = default, "documentation";` for each entry.
macro_rules! described_by_hand {
    ($class:ident { $($name:literal: $ty:ty $(= $default:expr)?, $doc:literal;)* } $(allows_unknown: $allows:literal)?) => {
        fn description() -> Option<&'static $crate::config::TypeDescription> {
            Some(const {
                &$crate::config::TypeDescription {
                    name: stringify!($class),
                    module_path: module_path!(),
                    doc: "",
                    base: None,
                    fields: &[$($crate::config::FieldDescription {
                        name: $name,
                        aliases: &[],
                        rust_name: $name,
                        rust_type: stringify!($ty),
                        role: $crate::config::FieldRole::Config,
                        doc: $doc,
                        values: <$ty as $crate::config::ConfigField>::field_type,
                        default: $crate::config::described_by_hand!(@default $ty $(, $default)?),
                    }),*],
                    ignored: &[],
                    allows_unknown: false $(|| $allows)?,
                    version: None,
                }
            })
        }
    };
    (@default $ty:ty) => { None };
    (@default $ty:ty, $default:expr) => {
        Some(&$crate::config::default_value::Made::<$ty> {
            make: || $default,
            to_value: <$ty as $crate::config::ConfigField>::to_value,
        })
    };
}
pub(crate) use described_by_hand;
