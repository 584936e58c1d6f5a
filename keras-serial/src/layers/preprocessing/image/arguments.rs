//! Arguments that many image layers share.

use crate::config::{ConfigField, wrong_type};
use crate::error::{Error, ErrorKind, Result};
use crate::json::Value;

/// A range of random factors within `LOW` and `HIGH`: two numbers, or one for the range from its negative (or
/// `LOW`) to itself. Serialized as two numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct Factor<const LOW: i64, const HIGH: i64>([Value; 2]);

impl<const LOW: i64, const HIGH: i64> Factor<LOW, HIGH> {
    fn one(value: &Value) -> Self {
        let (lower, upper) = match value {
            Value::Int(factor) => {
                let factor = factor.saturating_abs();
                (Value::Int((-factor).max(LOW)), Value::Int(factor))
            }
            other => {
                let factor = other.as_f64().unwrap_or(f64::NAN).abs();
                let lower = if -factor >= LOW as f64 { Value::Float(-factor) } else { Value::Int(LOW) };
                (lower, Value::Float(factor))
            }
        };
        Self([lower, upper])
    }

    fn two(lower: Value, upper: Value) -> Self {
        if lower.as_f64() > upper.as_f64() { Self([upper, lower]) } else { Self([lower, upper]) }
    }

    /// Returns the minimum and the maximum.
    ///
    /// # Errors
    /// If they are out of bounds.
    pub fn range(&self) -> Result<(f64, f64)> {
        let [lower, upper] = &self.0;
        let (a, b) = (f64::from_value(lower)?, f64::from_value(upper)?);
        if a > HIGH as f64 || b < LOW as f64 || a.is_nan() || b.is_nan() {
            return Err(self.wrong());
        }
        Ok((a, b))
    }

    fn wrong(&self) -> Error {
        let [lower, upper] = &self.0;
        Error::new(ErrorKind::Config, "invalid factor")
            .expected(format!("a number (or a list of two numbers) in the range [{LOW}, {HIGH}]"))
            .received(format!("[{}, {}]", lower.short(), upper.short()))
    }
}

impl<const LOW: i64, const HIGH: i64> ConfigField for Factor<LOW, HIGH> {
    fn field_type() -> crate::config::FieldType {
        crate::config::FieldType::Either(vec![crate::config::FieldType::Number, <[f64; 2]>::field_type()])
    }

    fn to_value(&self) -> Result<Value> {
        Ok(Value::List(self.0.to_vec()))
    }

    fn from_value(value: &Value) -> Result<Self> {
        let factor = match value {
            Value::Int(_) | Value::Float(_) => {
                let number = f64::from_value(value)?;
                let factor = Self::one(value);
                if number < LOW as f64 || number > HIGH as f64 {
                    return Err(factor.wrong());
                }
                factor
            }
            Value::List(items) => match items.as_slice() {
                [lower, upper] => Self::two(lower.clone(), upper.clone()),
                _ => return Err(wrong_type("a number or a list of two", value)),
            },
            _ => return Err(wrong_type("a number or a list of two", value)),
        };
        factor.range()?;
        Ok(factor)
    }
}

impl<const LOW: i64, const HIGH: i64> From<f64> for Factor<LOW, HIGH> {
    fn from(factor: f64) -> Self {
        Self::one(&Value::Float(factor))
    }
}

impl<const LOW: i64, const HIGH: i64> From<i64> for Factor<LOW, HIGH> {
    fn from(factor: i64) -> Self {
        Self::one(&Value::Int(factor))
    }
}

impl<T: Into<Value>, const LOW: i64, const HIGH: i64> From<[T; 2]> for Factor<LOW, HIGH> {
    fn from([lower, upper]: [T; 2]) -> Self {
        Self::two(lower.into(), upper.into())
    }
}

/// A range of random factors, serialized as it was given: two numbers, or one for the range from its negative
/// to itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Spread(Value);

impl Spread {
    /// Returns the minimum and the maximum.
    ///
    /// # Errors
    /// If they are outside of -1 and 1.
    pub fn range(&self) -> Result<(f64, f64)> {
        let (a, b) = match &self.0 {
            Value::List(items) => match items.as_slice() {
                [a, b] => (f64::from_value(a)?, f64::from_value(b)?),
                _ => return Err(wrong_type("a number or a list of two", &self.0)),
            },
            one => {
                let factor = f64::from_value(one)?.abs();
                (-factor, factor)
            }
        };
        if !(-1.0..=1.0).contains(&a) || !(-1.0..=1.0).contains(&b) {
            return Err(Error::new(ErrorKind::Config, "invalid factor")
                .expected("a number (or a list of two numbers) in the range [-1.0, 1.0]")
                .received(self.0.short()));
        }
        Ok((a.min(b), a.max(b)))
    }
}

impl<T: Into<Value>> From<T> for Spread {
    fn from(factor: T) -> Self {
        Self(factor.into())
    }
}

impl ConfigField for Spread {
    fn to_value(&self) -> Result<Value> {
        Ok(self.0.clone())
    }

    fn from_value(value: &Value) -> Result<Self> {
        let spread = Self(value.clone());
        spread.range()?;
        Ok(spread)
    }
}

/// The minimum and the maximum of pixel values; 0 and 255 by default.
#[derive(Debug, Clone, PartialEq)]
pub struct ValueRange([Value; 2]);

impl Default for ValueRange {
    fn default() -> Self {
        Self([Value::Int(0), Value::Int(255)])
    }
}

impl<T: Into<Value>> From<[T; 2]> for ValueRange {
    fn from([lower, upper]: [T; 2]) -> Self {
        let (lower, upper) = (lower.into(), upper.into());
        if lower.as_f64() > upper.as_f64() { Self([upper, lower]) } else { Self([lower, upper]) }
    }
}

impl ValueRange {
    /// Returns the minimum and the maximum.
    pub fn bounds(&self) -> (f64, f64) {
        let [lower, upper] = &self.0;
        (lower.as_f64().unwrap_or(0.0), upper.as_f64().unwrap_or(255.0))
    }
}

impl ConfigField for ValueRange {
    fn field_type() -> crate::config::FieldType {
        <[f64; 2]>::field_type()
    }

    fn to_value(&self) -> Result<Value> {
        Ok(Value::List(self.0.to_vec()))
    }

    fn from_value(value: &Value) -> Result<Self> {
        match value.as_list() {
            Some([lower, upper]) if lower.as_f64().is_some() && upper.as_f64().is_some() => {
                Ok(Self::from([lower.clone(), upper.clone()]))
            }
            _ => Err(wrong_type("a list of two numbers", value)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_number_stands_for_two() {
        let json = |factor: Result<Value>| factor.unwrap().to_json();
        assert_eq!(json(Factor::<-1, 1>::from(0.2).to_value()), "[-0.2, 0.2]");
        assert_eq!(json(Factor::<0, 1>::from(0.2).to_value()), "[0, 0.2]");
        assert_eq!(json(Factor::<1, 8>::from(4).to_value()), "[1, 4]");
        assert!(Factor::<0, 1>::from_value(&Value::Float(1.5)).is_err());
        assert_eq!(Spread::from(-0.4).range().unwrap(), (-0.4, 0.4));
    }
}
