//! Dot product of two tensors.

use super::inputs;
use crate::config::{ConfigField, wrong_type};
use crate::error::{Error, ErrorKind, Result};
use crate::json::Value;
use crate::layers::{Layer, LayerBase, LayerTraits, invalid_argument};
use crate::ops::shape::{expand_at, transpose_to};
use crate::ops::{Axes, divide, matmul, maximum, sqrt, square, sum};
use crate::tensor::{CallArgs, CallContext, Nested, Tensor};
use crate::{KerasSerializable, register};

/// Computes the dot product of two tensors along an axis of each, for each sample of the batch.
///
/// # Arguments
/// `axes`: an axis, or one for each tensor; `normalize`: false; whether to scale both to unit length first.
///
/// Follows <https://keras.io/api/layers/merging_layers/dot>.
///
/// ```
/// use keras_serial::prelude::*;
/// let a = Tensor::from_slice(&[1.0f32, 2.0], [1, 2])?;
/// assert_eq!(Dot::new(1).apply(vec![a.clone(), a])?.to_vec::<f32>()?, [5.0]);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.layers")]
#[derive(KerasSerializable, Debug)]
#[keras(new, setters)]
pub struct Dot {
    base: LayerBase,
    axes: DotAxes,
    #[keras(default)]
    normalize: bool,
}

/// The axes of a dot product: one for both tensors, or one for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DotAxes {
    /// The same axis for both tensors.
    Both(isize),
    /// An axis for each tensor.
    Each(isize, isize),
}

impl From<isize> for DotAxes {
    fn from(axis: isize) -> Self {
        Self::Both(axis)
    }
}

impl From<(isize, isize)> for DotAxes {
    fn from((first, second): (isize, isize)) -> Self {
        Self::Each(first, second)
    }
}

impl ConfigField for DotAxes {
    fn field_type() -> crate::config::FieldType {
        crate::config::FieldType::Either(vec![isize::field_type(), <[isize; 2]>::field_type()])
    }

    fn to_value(&self) -> Result<Value> {
        Ok(match self {
            Self::Both(axis) => Value::from(*axis),
            Self::Each(first, second) => Value::from(vec![*first, *second]),
        })
    }

    fn from_value(value: &Value) -> Result<Self> {
        match value {
            Value::Int(_) => isize::from_value(value).map(Self::Both),
            Value::List(_) => <(isize, isize)>::from_value(value).map(Self::from),
            _ => Err(wrong_type("an axis, or a list of two", value)),
        }
    }
}

fn unit(x: &Tensor, axis: usize) -> Result<Tensor> {
    let squares = sum(&square(x)?, Axes::from(axis as isize), true)?;
    divide(x, sqrt(&maximum(&squares, 1e-12)?)?)
}
impl Layer for Dot {
    fn call(&self, args: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
        let inputs = inputs(args)?;
        let [a, b] = inputs.as_slice() else {
            return Err(Error::new(ErrorKind::InvalidArgument, "A `Dot` layer should be called on a list of 2 inputs")
                .received(inputs.len().to_string()));
        };
        let (first, second) = match self.axes {
            DotAxes::Both(axis) => (axis, axis),
            DotAxes::Each(first, second) => (first, second),
        };
        let (first, second) = (a.shape().axis(first)?, b.shape().axis(second)?);
        if first == 0 || second == 0 {
            return Err(invalid_argument("axes", "an axis other than the batch's", 0));
        }
        let (a, b) = if self.normalize { (unit(a, first)?, unit(b, second)?) } else { (a.clone(), b.clone()) };
        // As batched matrix products: (batch, …a, summed) by (batch, summed, …b).
        let to_end =
            |rank: usize, axis: usize| -> Vec<usize> { (0..rank).filter(|i| *i != axis).chain([axis]).collect() };
        let to_start = |rank: usize, axis: usize| -> Vec<usize> {
            [0, axis].into_iter().chain((1..rank).filter(|i| *i != axis)).collect()
        };
        let left = transpose_to(&a, &to_end(a.rank(), first))?;
        let right = transpose_to(&b, &to_start(b.rank(), second))?;
        let flat = |x: &Tensor, keep_last: bool| -> Result<Tensor> {
            let dims = x.shape().dims();
            let batch = dims.first().copied().flatten();
            let shape = if keep_last {
                [batch, None, dims.last().copied().flatten()]
            } else {
                [batch, dims.get(1).copied().flatten(), None]
            };
            crate::ops::shape::reshape_to(x, &shape.into())
        };
        let left_dims: Vec<_> = left.shape().dims().get(1..left.rank() - 1).unwrap_or_default().to_vec();
        let right_dims: Vec<_> = right.shape().dims().get(2..).unwrap_or_default().to_vec();
        let batch = a.shape().dims().first().copied().flatten().or(b.shape().dims().first().copied().flatten());
        let product = matmul(&flat(&left, true)?, &flat(&right, false)?)?;
        let shape: crate::tensor::Shape = [batch].into_iter().chain(left_dims).chain(right_dims).collect();
        let y = crate::ops::shape::reshape_to(&product, &shape)?;
        if y.rank() == 1 { expand_at(&y, 1).map(Into::into) } else { Ok(y.into()) }
    }

    fn traits(&self) -> LayerTraits {
        LayerTraits::new().supports_masking(true)
    }

    fn compute_mask(&self, _: &CallArgs, _: &[Option<Tensor>]) -> Result<Vec<Option<Tensor>>> {
        Ok(vec![None])
    }
}
