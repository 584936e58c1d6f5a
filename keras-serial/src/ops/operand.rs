//! Operands: tensors, and numbers that adopt the dtype of the other operand.

use crate::error::{Error, ErrorKind, Result};
use crate::json::Value;
use crate::tensor::{Item, Nested, Tensor};

/// An operand: a tensor, or a number that adopts the other operand's dtype.
#[derive(Debug, Clone)]
pub enum Operand {
    /// A tensor.
    Tensor(Tensor),
    /// A Python number or boolean.
    Value(Value),
}

impl From<&Tensor> for Operand {
    fn from(tensor: &Tensor) -> Self {
        Self::Tensor(tensor.clone())
    }
}

impl From<Tensor> for Operand {
    fn from(tensor: Tensor) -> Self {
        Self::Tensor(tensor)
    }
}

macro_rules! numbers {
    ($($number:ty),*) => {$(
        impl From<$number> for Operand {
            fn from(number: $number) -> Self {
                Self::Value(Value::from(number))
            }
        }
    )*};
}

numbers!(f64, f32, i32, i64, isize, usize, bool);

impl Operand {
    /// Converts an argument of a recorded call to an operand.
    pub(crate) fn of(item: &Nested<Item>) -> Result<Self> {
        match item {
            Nested::Leaf(Item::Tensor(tensor) | Item::Array(tensor)) => Ok(Self::Tensor(tensor.clone())),
            Nested::Leaf(Item::Value(value)) if value.as_f64().is_some() || value.as_bool().is_some() => {
                Ok(Self::Value(value.clone()))
            }
            other => Err(Error::new(ErrorKind::InvalidArgument, "wrong operand")
                .expected("a tensor or a number")
                .received(format!("{other:?}"))),
        }
    }

    pub(crate) fn into_item(self) -> Nested<Item> {
        Nested::Leaf(match self {
            Self::Tensor(tensor) => Item::Tensor(tensor),
            Self::Value(value) => Item::Value(value),
        })
    }
}
