//! The axes of a reduction.

use crate::config::{ConfigField, wrong_type};
use crate::error::{Error, ErrorKind, Result};
use crate::json::Value;
use crate::tensor::Shape;

/// The axes of a reduction: all, or some; negative ones count from the end.
///
/// Functions take an axis, several, or `None` for all.
///
/// ```
/// use keras_serial::prelude::*;
/// let x = Tensor::from_slice(&[1.0f32, 2.0, 3.0, 4.0], [2, 2])?;
/// assert_eq!(ops::sum(&x, -1, false)?.to_vec::<f32>()?, [3.0, 7.0]);
/// assert_eq!(ops::sum(&x, [0, 1], false)?.item::<f32>()?, 10.0);
/// assert_eq!(ops::sum(&x, None, false)?.item::<f32>()?, 10.0);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Axes(pub Option<Vec<isize>>);

impl Axes {
    /// Selects all axes.
    pub const fn all() -> Self {
        Self(None)
    }

    /// Returns the positions in a shape, in order.
    ///
    /// # Errors
    /// If the shape has no such axis, or one is named twice.
    pub fn positions(&self, shape: &Shape) -> Result<Vec<usize>> {
        let Some(axes) = &self.0 else { return Ok((0..shape.rank()).collect()) };
        let mut positions = axes.iter().map(|axis| shape.axis(*axis)).collect::<Result<Vec<_>>>()?;
        positions.sort_unstable();
        let count = positions.len();
        positions.dedup();
        if positions.len() < count {
            return Err(Error::new(ErrorKind::InvalidArgument, "an axis is named twice").received(format!("{axes:?}")));
        }
        Ok(positions)
    }
}

macro_rules! axes_from {
    ($($integer:ty),*) => {$(
        impl From<$integer> for Axes {
            fn from(axis: $integer) -> Self {
                Self::from([axis])
            }
        }

        impl From<&[$integer]> for Axes {
            fn from(axes: &[$integer]) -> Self {
                // An axis beyond any tensor stays one.
                Self(Some(axes.iter().map(|axis| isize::try_from(*axis).unwrap_or(isize::MAX)).collect()))
            }
        }

        impl<const N: usize> From<[$integer; N]> for Axes {
            fn from(axes: [$integer; N]) -> Self {
                Self::from(axes.as_slice())
            }
        }

        impl From<Vec<$integer>> for Axes {
            fn from(axes: Vec<$integer>) -> Self {
                Self::from(axes.as_slice())
            }
        }
    )*};
}

axes_from!(i32, isize, usize);

/// All axes for `None`.
impl From<Option<isize>> for Axes {
    fn from(axis: Option<isize>) -> Self {
        axis.map_or(Self::all(), Self::from)
    }
}

impl From<&Axes> for Axes {
    fn from(axes: &Axes) -> Self {
        axes.clone()
    }
}

impl crate::config::PlainField for Axes {}

impl ConfigField for Axes {
    fn field_type() -> crate::config::FieldType {
        crate::config::FieldType::Either(vec![isize::field_type(), crate::config::FieldType::list(isize::field_type())])
            .or_null()
    }

    fn to_value(&self) -> Result<Value> {
        Ok(match &self.0 {
            None => Value::Null,
            Some(axes) => match axes.as_slice() {
                [axis] => Value::from(*axis),
                axes => Value::from(axes.to_vec()),
            },
        })
    }

    fn from_value(value: &Value) -> Result<Self> {
        match value {
            Value::Null => Ok(Self(None)),
            Value::Int(_) => isize::from_value(value).map(Self::from),
            Value::List(_) => Vec::from_value(value).map(|axes| Self(Some(axes))),
            _ => Err(wrong_type("an axis, a list of axes, or null", value)),
        }
    }
}
