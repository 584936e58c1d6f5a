//! JSON values with Python's distinctions.

use crate::error::{Error, ErrorKind};

/// A dict that keeps insertion order.
pub type Dict = indexmap::IndexMap<String, Value>;

/// A JSON value with Python's distinctions: `1` is not `1.0`, and integers are unbounded.
///
/// ```
/// use keras_serial::json::Value;
/// let value = Value::parse(r#"{"rate": 1e-07, "axis": [-1, NaN]}"#)?;
/// assert_eq!(value.to_json(), r#"{"rate": 1e-07, "axis": [-1, NaN]}"#);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[derive(Clone, Default)]
pub enum Value {
    /// Python's `None`.
    #[default]
    Null,
    /// Python's `True` and `False`.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// An integer that 64 bits can't hold, in decimal digits.
    BigInt(String),
    /// A floating-point number; NaN equals NaN here, since both have the same text.
    Float(f64),
    /// A string.
    Str(String),
    /// A list or tuple.
    List(Vec<Value>),
    /// A dict.
    Dict(Dict),
}

impl Value {
    /// Returns the boolean, if it is one.
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Value::Bool(value) => Some(*value),
            _ => None,
        }
    }

    /// Returns the integer, if it is one that fits into 64 bits.
    pub fn as_i64(&self) -> Option<i64> {
        match self {
            Value::Int(value) => Some(*value),
            _ => None,
        }
    }

    /// Returns the number, if it is one that a float can hold.
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Value::Int(value) => Some(*value as f64),
            Value::BigInt(digits) => digits.parse().ok().filter(|number: &f64| number.is_finite()),
            Value::Float(value) => Some(*value),
            _ => None,
        }
    }

    /// Returns the string, if it is one.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Value::Str(value) => Some(value),
            _ => None,
        }
    }

    /// Returns the items, if it is a list.
    pub fn as_list(&self) -> Option<&[Value]> {
        match self {
            Value::List(items) => Some(items),
            _ => None,
        }
    }

    /// Returns the entries, if it is a dict.
    pub fn as_dict(&self) -> Option<&Dict> {
        match self {
            Value::Dict(entries) => Some(entries),
            _ => None,
        }
    }

    /// Returns true if it is Python's `None`.
    pub fn is_null(&self) -> bool {
        matches!(self, Value::Null)
    }

    /// Returns true if the values are equal, where NaN is equal to itself.
    pub(crate) fn is_same(&self, other: &Value) -> bool {
        self == other || self.to_json() == other.to_json()
    }

    /// Returns the entry of a dict.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.as_dict()?.get(key)
    }

    /// Returns the type's name for errors: `an integer`, `a string`, `null`, `a list`, …
    pub fn type_name(&self) -> &'static str {
        match self {
            Value::Null => "null",
            Value::Bool(_) => "a boolean",
            Value::Int(_) | Value::BigInt(_) => "an integer",
            Value::Float(_) => "a float",
            Value::Str(_) => "a string",
            Value::List(_) => "a list",
            Value::Dict(_) => "a dict",
        }
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Value::Null, Value::Null) => true,
            (Value::Bool(a), Value::Bool(b)) => a == b,
            (Value::Int(a), Value::Int(b)) => a == b,
            (Value::BigInt(a), Value::BigInt(b)) | (Value::Str(a), Value::Str(b)) => a == b,
            (Value::Float(a), Value::Float(b)) => a == b || (a.is_nan() && b.is_nan()),
            (Value::List(a), Value::List(b)) => a == b,
            (Value::Dict(a), Value::Dict(b)) => a == b,
            _ => false,
        }
    }
}

/// Returns the entry of a dict; null if there is none. [`Access::at`](super::Access::at) returns an error instead.
impl std::ops::Index<&str> for Value {
    type Output = Value;

    fn index(&self, key: &str) -> &Value {
        self.get(key).unwrap_or(&Value::Null)
    }
}

/// Returns the item of a list; null if there is none.
impl std::ops::Index<usize> for Value {
    type Output = Value;

    fn index(&self, index: usize) -> &Value {
        self.as_list().and_then(|items| items.get(index)).unwrap_or(&Value::Null)
    }
}

/// Returns the error for a value of the wrong type.
pub fn wrong_type(expected: &'static str, value: &Value) -> Error {
    Error::new(ErrorKind::Config, "wrong type").expected(expected).received(value.short())
}
