//! Numbers, booleans, strings and JSON values as fields.

use super::{ConfigField, FieldType, wrong_type};
use crate::error::{Error, ErrorKind, Result};
use crate::json::Value;

impl ConfigField for Value {
    fn to_value(&self) -> Result<Value> {
        Ok(self.clone())
    }

    fn from_value(value: &Value) -> Result<Self> {
        Ok(value.clone())
    }
}

impl ConfigField for bool {
    fn field_type() -> FieldType {
        FieldType::Bool
    }

    fn to_value(&self) -> Result<Value> {
        Ok(Value::Bool(*self))
    }

    fn from_value(value: &Value) -> Result<Self> {
        value.as_bool().ok_or_else(|| wrong_type("a boolean", value))
    }
}

impl ConfigField for String {
    fn field_type() -> FieldType {
        FieldType::String
    }

    fn to_value(&self) -> Result<Value> {
        Ok(Value::Str(self.clone()))
    }

    fn from_value(value: &Value) -> Result<Self> {
        value.as_str().map(str::to_owned).ok_or_else(|| wrong_type("a string", value))
    }
}

macro_rules! integers {
    ($($int:ty),*) => {$(
        impl ConfigField for $int {
            fn field_type() -> FieldType {
            FieldType::Integer { min: <$int>::MIN as i128, max: <$int>::MAX as i128 }
        }

            fn to_value(&self) -> Result<Value> {
                Ok(Value::from(*self))
            }

            fn from_value(value: &Value) -> Result<Self> {
                let number = match value {
                    Value::Int(number) => <$int>::try_from(*number).ok(),
                    Value::BigInt(digits) => digits.parse().ok(),
                    // In Python, arithmetic turns integers into floats: `units = 32 / 2`.
                    Value::Float(number) if number.fract() == 0.0 && number.abs() < 9e15 => {
                        <$int>::try_from(*number as i64).ok()
                    }
                    _ => return Err(wrong_type("an integer", value)),
                };
                number.ok_or_else(|| {
                    Error::new(ErrorKind::Config, "integer out of range")
                        .expected(format!("an integer from {} to {}", <$int>::MIN, <$int>::MAX))
                        .received(value.short())
                })
            }
        }
    )*};
}

integers!(i8, i16, i32, i64, u8, u16, u32, u64, usize, isize);

impl ConfigField for f64 {
    fn field_type() -> FieldType {
        FieldType::Number
    }

    fn to_value(&self) -> Result<Value> {
        Ok(Value::Float(*self))
    }

    fn from_value(value: &Value) -> Result<Self> {
        value.as_f64().ok_or_else(|| wrong_type("a number", value))
    }
}

impl ConfigField for f32 {
    fn field_type() -> FieldType {
        FieldType::Number
    }

    /// Widens exactly, as Python does: `0.1` becomes `0.10000000149011612`.
    fn to_value(&self) -> Result<Value> {
        Ok(Value::Float(f64::from(*self)))
    }

    /// Rounds to the nearest number; a value that would round to infinity, or a nonzero one to zero, is
    /// an error.
    fn from_value(value: &Value) -> Result<Self> {
        let number = f64::from_value(value)?;
        let rounded = number as f32;
        if number.is_finite() && (rounded.is_infinite() || (rounded == 0.0 && number != 0.0)) {
            return Err(Error::new(ErrorKind::Config, "number out of range")
                .expected(format!("a number that 32 bits can hold: of magnitude 0, or from 1e-45 to {:e}", f32::MAX))
                .received(value.short()));
        }
        Ok(rounded)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_floats_are_integers() {
        assert_eq!(usize::from_value(&Value::Float(16.0)).unwrap(), 16);
        assert!(usize::from_value(&Value::Float(16.5)).is_err());
        assert!(usize::from_value(&Value::Int(-1)).unwrap_err().to_string().contains("from 0 to"));
    }

    #[test]
    fn single_precision_holds_no_more_than_it_can() {
        for number in [1e300, -1e39, 1e-300, f64::from(f32::MAX) * 1.01] {
            let error = f32::from_value(&Value::Float(number)).unwrap_err().to_string();
            assert!(error.contains("number out of range"), "{error}");
        }
        for number in [0.0, -0.0, 1e-45, 0.1, f64::from(f32::MAX), f64::INFINITY, f64::NEG_INFINITY] {
            assert_eq!(f32::from_value(&Value::Float(number)).unwrap(), number as f32);
        }
        assert!(f32::from_value(&Value::Float(f64::NAN)).unwrap().is_nan());
    }

    #[test]
    fn floats_keep_nan() {
        assert!(f64::from_value(&f64::NAN.to_value().unwrap()).unwrap().is_nan());
    }
}
