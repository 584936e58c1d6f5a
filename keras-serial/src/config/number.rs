//! Numbers that stay integers.

use std::fmt;

use super::{ConfigField, wrong_type};
use crate::error::Result;
use crate::json::Value;

/// A number of which the configuration keeps whether it was written as an integer: `10`, `0.5`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Number {
    /// Written without a point.
    Int(i64),
    /// Written with one.
    Float(f64),
}

impl Number {
    /// Its value.
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

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Int(number) => number.fmt(f),
            Self::Float(number) => number.fmt(f),
        }
    }
}

impl ConfigField for Number {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_stay_integers() {
        for value in [Value::Int(10), Value::Float(10.0)] {
            let number = Number::from_value(&value).unwrap();
            assert_eq!((number.get(), number.to_value().unwrap()), (10.0, value));
        }
        assert!(Number::from_value(&Value::from("1")).is_err());
    }
}
