//! Numbers that keep Python's notation as integer or float.

use super::{ConfigField, FieldType, wrong_type};
use crate::error::Result;
use crate::json::Value;

/// A Python number: `0` and `0.0` are equal, and each is written as it was read.
#[derive(Clone, Copy, Debug)]
pub enum Number {
    /// Written without a decimal point.
    Int(i64),
    /// Written with a decimal point.
    Float(f64),
}

impl Number {
    /// Returns the number.
    pub fn get(self) -> f64 {
        match self {
            Self::Int(number) => number as f64,
            Self::Float(number) => number,
        }
    }
}

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        self.get() == other.get()
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
    fn field_type() -> FieldType {
        FieldType::Number
    }

    fn to_value(&self) -> Result<Value> {
        Ok(match self {
            Self::Int(number) => Value::Int(*number),
            Self::Float(number) => Value::Float(*number),
        })
    }

    fn from_value(value: &Value) -> Result<Self> {
        match value {
            Value::Int(number) => Ok(Self::Int(*number)),
            value => value.as_f64().map(Self::Float).ok_or_else(|| wrong_type("a number", value)),
        }
    }
}

impl std::fmt::Display for Number {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Int(number) => number.fmt(f),
            Self::Float(number) => write!(f, "{number:?}"),
        }
    }
}
