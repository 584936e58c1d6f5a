//! Numbers in a configuration: one number, nested lists, or an array.

use crate::config::{ConfigField, wrong_type};
use crate::error::Result;
use crate::json::Value;
use crate::tensor::value::from_nested;
use crate::tensor::{DType, Tensor, TensorValue};

/// One number, nested lists of numbers, or an array; serialized as it was given.
#[derive(Debug, Clone, PartialEq)]
pub struct Array(Value);

impl Array {
    /// Returns the numbers as a tensor of this dtype.
    ///
    /// # Errors
    /// If nested lists are not rectangular or contain anything but numbers.
    pub fn tensor(&self, dtype: DType) -> Result<Tensor> {
        match &self.0 {
            Value::Dict(_) => crate::ops::cast_to(TensorValue::from_value(&self.0)?.tensor(), dtype),
            numbers => from_nested(numbers, dtype),
        }
    }
}

impl ConfigField for Array {
    fn to_value(&self) -> Result<Value> {
        Ok(self.0.clone())
    }

    fn from_value(value: &Value) -> Result<Self> {
        match value {
            Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::List(_) | Value::Dict(_) => {
                let array = Self(value.clone());
                array.tensor(DType::Float64)?;
                Ok(array)
            }
            _ => Err(wrong_type("a number, lists of numbers, or an array", value)),
        }
    }
}

impl<T: Into<Value>> From<T> for Array {
    fn from(numbers: T) -> Self {
        Self(numbers.into())
    }
}

impl Array {
    /// Returns the single number.
    ///
    /// # Errors
    /// If there are several numbers.
    pub fn number(&self) -> Result<f64> {
        match &self.0 {
            Value::Dict(_) => self.tensor(DType::Float64)?.item(),
            number => f64::from_value(number),
        }
    }

    /// Returns all numbers in row-major order.
    ///
    /// # Errors
    /// If nested lists are not rectangular.
    pub fn numbers(&self) -> Result<Vec<f64>> {
        self.tensor(DType::Float64)?.to_vec()
    }
}
