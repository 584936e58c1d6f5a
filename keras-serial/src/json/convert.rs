//! Conversions between JSON values and Rust's or serde_json's types.

use super::{Dict, Value};
use crate::error::{Error, ErrorKind, ResultExt};

macro_rules! integers {
    ($($small:ty),*; $($wide:ty),*) => {
        $(impl From<$small> for Value {
            fn from(number: $small) -> Self {
                Value::Int(number.into())
            }
        })*
        $(impl From<$wide> for Value {
            fn from(number: $wide) -> Self {
                i64::try_from(number).map_or_else(|_| Value::BigInt(number.to_string()), Value::Int)
            }
        })*
    };
}

integers!(i8, i16, i32, i64, u8, u16, u32; u64, usize, isize, i128, u128);

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Value::Bool(value)
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Value::Float(value)
    }
}

impl From<f32> for Value {
    /// Widens exactly, as Python does.
    fn from(value: f32) -> Self {
        Value::Float(value.into())
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Value::Str(value.to_owned())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Value::Str(value)
    }
}

impl From<&String> for Value {
    fn from(value: &String) -> Self {
        Value::Str(value.clone())
    }
}

impl From<&Value> for Value {
    fn from(value: &Value) -> Self {
        value.clone()
    }
}

impl From<Dict> for Value {
    fn from(value: Dict) -> Self {
        Value::Dict(value)
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Value::Null, Into::into)
    }
}

impl<T: Into<Value>> From<Vec<T>> for Value {
    fn from(items: Vec<T>) -> Self {
        Value::List(items.into_iter().map(Into::into).collect())
    }
}

impl<T: Clone + Into<Value>> From<&[T]> for Value {
    fn from(items: &[T]) -> Self {
        Value::List(items.iter().cloned().map(Into::into).collect())
    }
}

impl<T: Into<Value>, const N: usize> From<[T; N]> for Value {
    fn from(items: [T; N]) -> Self {
        Value::List(items.into_iter().map(Into::into).collect())
    }
}

impl From<serde_json::Value> for Value {
    fn from(value: serde_json::Value) -> Self {
        use serde_json::Value as Standard;
        match value {
            Standard::Null => Value::Null,
            Standard::Bool(value) => Value::Bool(value),
            Standard::Number(number) => match (number.as_i64(), number.as_u64()) {
                (Some(number), _) => Value::Int(number),
                (_, Some(number)) => Value::from(number),
                (None, None) => Value::from(number.as_f64()),
            },
            Standard::String(text) => Value::Str(text),
            Standard::Array(items) => Value::List(items.into_iter().map(Value::from).collect()),
            Standard::Object(entries) => {
                Value::Dict(entries.into_iter().map(|(key, value)| (key, Value::from(value))).collect())
            }
        }
    }
}

/// Fails for numbers that standard JSON lacks: NaN, infinities, integers beyond 64 bits.
///
/// ```
/// use keras_serial::json::{Value, value};
/// let standard = serde_json::Value::try_from(&value!({ "units": 3 }))?;
/// assert_eq!(standard, serde_json::json!({ "units": 3 }));
/// assert_eq!(Value::from(standard), value!({ "units": 3 }));
/// let error = serde_json::Value::try_from(&value!({ "rate": [f64::NAN] })).unwrap_err();
/// assert_eq!(error.to_string(), "rate[0]: standard JSON has no such number. Expected a finite float or 64 bits. Received: NaN");
/// # Ok::<(), keras_serial::Error>(())
/// ```
impl TryFrom<&Value> for serde_json::Value {
    type Error = Error;

    fn try_from(value: &Value) -> Result<Self, Error> {
        let no_number = || {
            Error::new(ErrorKind::Json, "standard JSON has no such number")
                .expected("a finite float or 64 bits")
                .received(value.short())
        };
        Ok(match value {
            Value::Null => Self::Null,
            Value::Bool(value) => Self::Bool(*value),
            Value::Int(number) => Self::from(*number),
            Value::BigInt(digits) => digits.parse::<u64>().map(Self::from).map_err(|_| no_number())?,
            Value::Float(number) => serde_json::Number::from_f64(*number).map(Self::Number).ok_or_else(no_number)?,
            Value::Str(text) => Self::String(text.clone()),
            Value::List(items) => {
                let items = items.iter().enumerate();
                let items = items.map(|(at, item)| Self::try_from(item).at_with(|| format!("[{at}]")));
                Self::Array(items.collect::<Result<_, _>>()?)
            }
            Value::Dict(entries) => {
                let entries = entries.iter();
                let entries =
                    entries.map(|(key, item)| Ok((key.clone(), Self::try_from(item).at_with(|| key.clone())?)));
                Self::Object(entries.collect::<Result<_, Error>>()?)
            }
        })
    }
}
