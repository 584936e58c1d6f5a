//! Plain values as fields.

use super::{ConfigField, wrong_type};
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
    fn to_value(&self) -> Result<Value> {
        Ok(Value::Bool(*self))
    }

    fn from_value(value: &Value) -> Result<Self> {
        value.as_bool().ok_or_else(|| wrong_type("a boolean", value))
    }
}

impl ConfigField for String {
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
            fn to_value(&self) -> Result<Value> {
                Ok(Value::from(*self))
            }

            fn from_value(value: &Value) -> Result<Self> {
                let number = match value {
                    Value::Int(number) => <$int>::try_from(*number).ok(),
                    Value::BigInt(digits) => digits.parse().ok(),
                    // Python's arithmetic turns whole numbers into floats: `units = 32 / 2`.
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
    fn to_value(&self) -> Result<Value> {
        Ok(Value::Float(*self))
    }

    fn from_value(value: &Value) -> Result<Self> {
        value.as_f64().ok_or_else(|| wrong_type("a number", value))
    }
}

impl ConfigField for f32 {
    /// Widened exactly, as Python does: `0.1` becomes `0.10000000149011612`.
    fn to_value(&self) -> Result<Value> {
        Ok(Value::Float(f64::from(*self)))
    }

    fn from_value(value: &Value) -> Result<Self> {
        f64::from_value(value).map(|number| number as f32)
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
    fn floats_keep_nan() {
        assert!(f64::from_value(&f64::NAN.to_value().unwrap()).unwrap().is_nan());
    }
}
