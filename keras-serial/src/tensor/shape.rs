//! Shapes with unknown extents, such as Keras's `(None, 3)`.

use std::fmt;

use crate::config::{ConfigField, wrong_type};
use crate::error::{Error, ErrorKind, Result};
use crate::json::Value;

/// The extents of a tensor, outermost first; `None` for an extent that is known only when there are values,
/// such as the batch size.
///
/// ```
/// use keras_serial::tensor::Shape;
/// let shape = Shape::from([None, Some(3)]);
/// assert_eq!(shape.to_string(), "(None, 3)");
/// assert_eq!(shape.last()?, 3);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash, Default)]
pub struct Shape {
    dims: Vec<Option<usize>>,
    /// Whether not even the number of axes is known; there are no extents then.
    unranked: bool,
}

impl Shape {
    /// Creates the shape of a scalar.
    pub fn scalar() -> Self {
        Self::default()
    }

    /// Creates the shape of a symbol of which not even the number of axes is known: what a layer gives whose class is
    /// not registered, and whose output nothing in its file uses.
    pub fn unranked() -> Self {
        Self { dims: Vec::new(), unranked: true }
    }

    fn of(dims: Vec<Option<usize>>) -> Self {
        Self { dims, unranked: false }
    }

    /// Returns true if not even the number of axes is known; [`dims`](Shape::dims) is empty then.
    pub fn is_unranked(&self) -> bool {
        self.unranked
    }

    /// Returns the extents.
    pub fn dims(&self) -> &[Option<usize>] {
        &self.dims
    }

    /// Returns the number of axes.
    pub fn rank(&self) -> usize {
        self.dims.len()
    }

    /// Returns the position of an axis, which is counted from the front (0, 1, …) or from the back (-1, -2,
    /// …).
    ///
    /// # Errors
    /// If the shape has no such axis.
    pub fn axis(&self, axis: isize) -> Result<usize> {
        let rank = self.rank() as isize;
        let position = if axis < 0 { axis + rank } else { axis };
        if (0..rank).contains(&position) {
            Ok(position as usize)
        } else {
            Err(Error::new(ErrorKind::Shape, "axis out of range")
                .expected(format!("an axis from {} to {} for shape {self}", -rank, rank - 1))
                .received(axis.to_string()))
        }
    }

    /// Returns the extent of an axis; `None` if it is unknown.
    ///
    /// # Errors
    /// If the shape has no such axis.
    pub fn get(&self, axis: isize) -> Result<Option<usize>> {
        self.axis(axis).map(|position| self.dims.get(position).copied().flatten())
    }

    /// Returns the extent of an axis that must be known.
    ///
    /// # Errors
    /// If the shape has no such axis, or its extent is unknown.
    pub fn dim(&self, axis: isize) -> Result<usize> {
        self.get(axis)?.ok_or_else(|| {
            Error::new(ErrorKind::Shape, format!("axis {axis} must have a known extent"))
                .received(format!("shape {self}"))
        })
    }

    /// Returns the extent of the last axis, which must be known.
    ///
    /// # Errors
    /// If there is none, or it is unknown.
    pub fn last(&self) -> Result<usize> {
        self.dim(-1)
    }

    /// Returns all extents, which must be known.
    ///
    /// # Errors
    /// If one is unknown.
    pub fn known(&self) -> Result<Vec<usize>> {
        let dims = self.dims.iter().copied().collect::<Option<_>>().filter(|_| !self.unranked);
        dims.ok_or_else(|| Error::new(ErrorKind::Shape, "all extents must be known").received(format!("shape {self}")))
    }

    /// Returns true if all extents are known.
    pub fn is_known(&self) -> bool {
        !self.unranked && self.dims.iter().all(Option::is_some)
    }

    /// Returns the product of all extents; `None` if one is unknown or the product overflows.
    pub fn num_elements(&self) -> Option<usize> {
        if self.unranked {
            return None;
        }
        self.dims.iter().try_fold(1usize, |product, dim| product.checked_mul((*dim)?))
    }

    /// Returns the shape with another extent on one axis.
    ///
    /// # Errors
    /// If the shape has no such axis.
    pub fn with(&self, axis: isize, dim: Option<usize>) -> Result<Self> {
        let position = self.axis(axis)?;
        let mut dims = self.dims.clone();
        if let Some(slot) = dims.get_mut(position) {
            *slot = dim;
        }
        Ok(Self::of(dims))
    }

    /// Returns the shape that two shapes broadcast to, by NumPy's rule; an unknown extent takes precedence
    /// over 1.
    ///
    /// # Errors
    /// If two known extents differ and neither is 1.
    pub fn broadcast(&self, other: &Self) -> Result<Self> {
        if self.unranked || other.unranked {
            return Ok(Self::unranked());
        }
        let rank = self.rank().max(other.rank());
        let padded = |shape: &Self| {
            let mut dims = vec![Some(1); rank - shape.rank()];
            dims.extend_from_slice(&shape.dims);
            dims
        };
        let dims = padded(self).into_iter().zip(padded(other)).map(|pair| match pair {
            (Some(1), other) => Ok(other),
            (one, Some(1)) => Ok(one),
            (None, other) => Ok(other),
            (one, None) => Ok(one),
            (Some(a), Some(b)) if a == b => Ok(Some(a)),
            _ => Err(Error::new(ErrorKind::Shape, "shapes can't be broadcast together")
                .expected("extents that are equal or 1, axis by axis from the last")
                .received(format!("{self} and {other}"))),
        });
        dims.collect::<Result<Vec<_>>>().map(Self::of)
    }

    /// Returns true if a tensor of shape `other` fits this shape; unknown extents fit any.
    pub fn is_compatible(&self, other: &Self) -> bool {
        if self.unranked || other.unranked {
            return true;
        }
        self.rank() == other.rank()
            && self.dims.iter().zip(&other.dims).all(|pair| !matches!(pair, (Some(a), Some(b)) if a != b))
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.unranked {
            return f.write_str("?");
        }
        f.write_str("(")?;
        for (i, dim) in self.dims.iter().enumerate() {
            if i > 0 {
                f.write_str(", ")?;
            }
            match dim {
                Some(dim) => write!(f, "{dim}")?,
                None => f.write_str("None")?,
            }
        }
        f.write_str(if self.dims.len() == 1 { ",)" } else { ")" })
    }
}

impl fmt::Debug for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromIterator<Option<usize>> for Shape {
    fn from_iter<I: IntoIterator<Item = Option<usize>>>(dims: I) -> Self {
        Self::of(dims.into_iter().collect())
    }
}

impl From<Vec<Option<usize>>> for Shape {
    fn from(dims: Vec<Option<usize>>) -> Self {
        Self::of(dims)
    }
}

impl<const N: usize> From<[Option<usize>; N]> for Shape {
    fn from(dims: [Option<usize>; N]) -> Self {
        Self::of(dims.to_vec())
    }
}

impl From<&[usize]> for Shape {
    fn from(dims: &[usize]) -> Self {
        Self::of(dims.iter().copied().map(Some).collect())
    }
}

impl From<Vec<usize>> for Shape {
    fn from(dims: Vec<usize>) -> Self {
        Self::from(dims.as_slice())
    }
}

impl<const N: usize> From<[usize; N]> for Shape {
    fn from(dims: [usize; N]) -> Self {
        Self::from(dims.as_slice())
    }
}

/// The shape of a scalar: `Input::new(())` takes a text or a number per sample.
impl From<()> for Shape {
    fn from((): ()) -> Self {
        Self::scalar()
    }
}

impl From<usize> for Shape {
    fn from(dim: usize) -> Self {
        Self::of(vec![Some(dim)])
    }
}

impl From<&Shape> for Shape {
    fn from(shape: &Shape) -> Self {
        shape.clone()
    }
}

impl crate::config::PlainField for Shape {}

impl ConfigField for Shape {
    fn field_type() -> crate::config::FieldType {
        crate::config::FieldType::list(usize::field_type().or_null())
    }

    fn to_value(&self) -> Result<Value> {
        if self.unranked {
            return Ok(Value::Null);
        }
        Ok(Value::List(self.dims.iter().map(|dim| dim.map_or(Value::Null, Value::from)).collect()))
    }

    fn from_value(value: &Value) -> Result<Self> {
        let dims = value.as_list().ok_or_else(|| wrong_type("a shape: a list of integers and nulls", value))?;
        let dims = dims.iter().map(|dim| match dim {
            // In Keras, -1 stands for an unknown extent only in `target_shape`, which is not read as a shape.
            Value::Null => Ok(None),
            dim => usize::from_value(dim).map(Some),
        });
        dims.collect::<Result<Vec<_>>>().map(Self::of)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn broadcasting_follows_numpy() {
        let batch = Shape::from([None, Some(1), Some(4)]);
        assert_eq!(batch.broadcast(&Shape::from([3, 1])).unwrap().to_string(), "(None, 3, 4)");
        assert!(Shape::from([2]).broadcast(&Shape::from([3])).is_err());
    }

    #[test]
    fn axes_count_from_both_ends() {
        let shape = Shape::from([2, 3]);
        assert_eq!((shape.axis(-1).unwrap(), shape.axis(0).unwrap()), (1, 0));
        assert!(shape.axis(2).is_err());
        assert_eq!(Shape::from([5]).to_string(), "(5,)");
    }
}
