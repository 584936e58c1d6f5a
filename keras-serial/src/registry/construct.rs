//! Constructs objects from their names and configurations, for programs that read both from settings.

use super::{TypedHandle, entry_named};
use crate::config::Config;
use crate::error::{Error, ErrorKind, Result, ResultExt};
use crate::object::{Kind, Object};

/// What [`construct`] returns: a handle to objects of one kind, or [`Object`] for any.
pub trait Constructed: Sized {
    /// The kind that is asked for; `None` for any.
    const KIND: Option<Kind>;
    /// The kind's name in errors.
    const EXPECTED: &'static str;

    /// Converts an object; `None` if it is of another kind.
    fn of(object: &Object) -> Option<Self>;
}

impl<H: TypedHandle> Constructed for H {
    const KIND: Option<Kind> = Some(H::KIND);
    const EXPECTED: &'static str = H::EXPECTED;

    fn of(object: &Object) -> Option<Self> {
        H::convert(object)
    }
}

impl Constructed for Object {
    const KIND: Option<Kind> = None;
    const EXPECTED: &'static str = "an object";

    fn of(object: &Object) -> Option<Self> {
        Some(object.clone())
    }
}

/// Constructs an object of a registered class from its name and configuration; omitted entries have their
/// defaults.
///
/// `name` is any name that [`entry_named`] finds. The kind of handle is what the caller asks for: `LayerRef`,
/// `Optimizer`, …, or [`Object`] for any.
///
/// ```
/// use keras_serial::prelude::*;
/// use keras_serial::{config, registry};
///
/// let layer: LayerRef = registry::construct("keras.layers.Dense", config! { units: 3, activation: "relu" })?;
/// assert_eq!(layer.get_config()?["use_bias"], true.into());
///
/// let error = registry::construct::<LayerRef>("Dense", config! { unit: 3 }).unwrap_err();
/// assert!(error.to_string().contains("did you mean `units`?"), "{error}");
/// # Ok::<(), Error>(())
/// ```
///
/// # Errors
/// [`ErrorKind::UnknownObject`] with near names; those of the class for entries that are missing, unknown or of
/// the wrong type; [`ErrorKind::WrongKind`] when it is no object of the kind.
pub fn construct<T: Constructed>(name: &str, config: impl Into<Config>) -> Result<T> {
    let config = config.into();
    let entry = entry_named(name)?;
    if entry.is_function() && !config.is_empty() {
        return Err(Error::new(
            ErrorKind::Config,
            format!("the function `{}` has no configuration", entry.full_name()),
        )
        .expected("an empty configuration")
        .received(config.keys().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", ")));
    }
    // A handle of any kind takes what the class is first of all; another one may convert it.
    let wanted = T::KIND.filter(|kind| entry.kinds().contains(kind));
    let object = entry.make(&config, wanted).at_with(|| entry.full_name())?;
    object.as_ref().and_then(T::of).ok_or_else(|| {
        let is = entry.kinds().iter().map(|kind| kind.with_article()).collect::<Vec<_>>().join(" and ");
        Error::new(ErrorKind::WrongKind, format!("`{}` is of the wrong kind", entry.full_name()))
            .expected(T::EXPECTED)
            .received(is)
    })
}

/// Creates a configuration from names and values: `config! { units: 3, kernel_size: [3, 3], activation: null }`.
///
/// A value is a literal, `null`, a list, a dict, or any expression whose type converts into
/// [`Value`](crate::json::Value); names can also be string literals.
///
/// ```
/// use keras_serial::config;
/// let config = config! { units: 3, "kernel_initializer": "zeros", strides: [1, 2] };
/// assert_eq!(config["strides"].to_json(), "[1, 2]");
/// ```
#[macro_export]
macro_rules! config {
    (@name $name:ident) => { ::core::stringify!($name) };
    (@name $name:literal) => { $name };
    ($($name:tt : $value:tt),* $(,)?) => {
        <$crate::config::Config as ::core::iter::FromIterator<(::std::string::String, $crate::json::Value)>>::from_iter([
            $((::std::string::String::from($crate::config!(@name $name)), $crate::json::value!($value))),*
        ])
    };
    ($($name:tt : $value:expr),* $(,)?) => {
        <$crate::config::Config as ::core::iter::FromIterator<(::std::string::String, $crate::json::Value)>>::from_iter([
            $((::std::string::String::from($crate::config!(@name $name)), $crate::json::Value::from($value))),*
        ])
    };
}
