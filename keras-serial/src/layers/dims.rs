//! One number for all axes, or one for each.

use crate::config::{ConfigField, wrong_type};
use crate::error::{Error, ErrorKind, Result};
use crate::json::Value;

/// A positive number for each of `N` axes; written as a list, read also from one number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dims<const N: usize>(pub [usize; N]);

impl<const N: usize> From<usize> for Dims<N> {
    fn from(all: usize) -> Self {
        Self([all; N])
    }
}

impl<const N: usize> From<[usize; N]> for Dims<N> {
    fn from(each: [usize; N]) -> Self {
        Self(each)
    }
}

impl<const N: usize> ConfigField for Dims<N> {
    fn to_value(&self) -> Result<Value> {
        Ok(Value::from(self.0.to_vec()))
    }

    fn from_value(value: &Value) -> Result<Self> {
        let dims = match value {
            Value::List(_) => Self(<[usize; N]>::from_value(value)?),
            Value::Int(_) | Value::Float(_) => Self::from(usize::from_value(value)?),
            _ => return Err(wrong_type("an integer or a list of integers", value)),
        };
        if dims.0.contains(&0) {
            return Err(Error::new(ErrorKind::Config, "invalid value")
                .expected("positive integers")
                .received(value.short()));
        }
        Ok(dims)
    }
}
