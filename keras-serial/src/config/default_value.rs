//! Defaults of fields, as data: the value of an omitted entry, made and written when it is asked for.

use crate::error::Result;
use crate::json::Value;

/// The default of a field of any type.
///
/// The two types that implement it hold what they need of the field's type as pointers to functions that all fields
/// of that type share, so that the table of a struct's fields needs no code of its own.
pub trait DefaultValue: Sync {
    /// Returns the default as it is written in configurations.
    ///
    /// # Errors
    /// Those of the conversion.
    fn value(&self) -> Result<Value>;
}

/// A default that a literal gives: `#[keras(default = 0.5)]`.
pub struct Literal<T> {
    /// The default.
    pub value: T,
    /// Converts it to its value in the configuration.
    pub to_value: fn(&T) -> Result<Value>,
}

impl<T: Sync> DefaultValue for Literal<T> {
    fn value(&self) -> Result<Value> {
        (self.to_value)(&self.value)
    }
}

/// A default that a function returns: `#[keras(default)]`, or an expression.
pub struct Made<T> {
    /// Returns the default.
    pub make: fn() -> T,
    /// Converts it to its value in the configuration.
    pub to_value: fn(&T) -> Result<Value>,
}

impl<T> DefaultValue for Made<T> {
    fn value(&self) -> Result<Value> {
        (self.to_value)(&(self.make)())
    }
}
