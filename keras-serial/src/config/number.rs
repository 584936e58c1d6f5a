//! Numbers that Python keeps as they were written.

use super::{ConfigField, wrong_type};
use crate::error::Result;
use crate::json::Value;

/// A number that goes back into the configuration as it came: `1` stays `1`, and `1.0` `1.0`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Number {
    /// A whole number.
    Int(i64),
    /// A floating-point number.
    Float(f64),
}

impl Number {
    /// The value.
    pub fn get(self) -> f64 {
        match self {
            Self::Int(number) => number as f64,
            Self::Float(number) => number,
        }
    }
}

impl From<f64> for Number {
    fn from(number: f64) -> Self {
        Self::Float(number)
    }
}

impl From<i32> for Number {
    fn from(number: i32) -> Self {
        Self::Int(number.into())
    }
}

impl From<i64> for Number {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

impl ConfigField for Number {
    fn to_value(&self) -> Result<Value> {
        Ok(match *self {
            Self::Int(number) => Value::Int(number),
            Self::Float(number) => Value::Float(number),
        })
    }

    fn from_value(value: &Value) -> Result<Self> {
        match value {
            Value::Int(number) => Ok(Self::Int(*number)),
            Value::Bool(_) => Err(wrong_type("a number", value)),
            other => other.as_f64().map(Self::Float).ok_or_else(|| wrong_type("a number", value)),
        }
    }
}

impl std::fmt::Display for Number {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Int(number) => write!(f, "{number}"),
            Self::Float(number) => write!(f, "{number:?}"),
        }
    }
}
