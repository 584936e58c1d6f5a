//! Helpers of losses and metrics: safe division, unit vectors, running and segment sums, top k.

use super::arithmetic::{divide, equal, greater, minimum, multiply};
use super::axes::Axes;
use super::create::{arange, zeros};
use super::dtypes::{cast, to_float};
use super::elementwise::{rsqrt, square};
use super::reduce::sum_impl;
use super::shape::{expand_at, where_impl};
use crate::error::{Error, ErrorKind, Result};
use crate::program;
use crate::program::primitives::{Cumulate, ScatterAdd};
use crate::tensor::{DType, Shape, Tensor};

/// Keras's fuzz factor against division by zero (`keras.config.epsilon`).
pub(crate) const EPSILON: f64 = 1e-7;

/// Divides: x / y, and 0 where y is 0 (`keras.ops.divide_no_nan`).
pub(crate) fn divide_no_nan(x: &Tensor, y: &Tensor) -> Result<Tensor> {
    let (x, y) = super::dtypes::promote(to_float(x)?.into(), to_float(y)?.into())?;
    let is_zero = equal(&y, 0.0)?;
    // The divisor is replaced too, because the gradient of an infinite quotient would be NaN.
    let quotient = divide(&x, super::where_(&is_zero, 1.0, &y)?)?;
    super::where_(&is_zero, 0.0, &quotient)
}

/// Divides x by its Euclidean norm along an axis (`keras.ops.normalize`).
pub(crate) fn unit(x: &Tensor, axis: &Axes) -> Result<Tensor> {
    let x = to_float(x)?;
    let inverse = rsqrt(&sum_impl(&square(&x)?, axis, true)?)?;
    multiply(&x, minimum(&inverse, 1.0 / EPSILON)?)
}

/// Returns the cumulative sum along an axis (`keras.ops.cumsum`).
pub(crate) fn cumsum(x: &Tensor, axis: isize) -> Result<Tensor> {
    let position = x.shape().axis(axis)?;
    program::apply(Cumulate { axis: position, sums: true }, &[&to_float(x)?])
}

/// Sums the numbers of each segment (`keras.ops.segment_sum`), for vectors; numbers of invalid segments are
/// ignored.
pub(crate) fn segment_sum(x: &Tensor, segments: &[i64], count: usize) -> Result<Tensor> {
    let x = to_float(x)?;
    if x.shape().num_elements() != Some(segments.len()) {
        return Err(Error::new(ErrorKind::Shape, "each number needs a segment")
            .expected(segments.len().to_string())
            .received(format!("shape {}", x.shape())));
    }
    if segments.is_empty() {
        return zeros(&Shape::from([count]), x.dtype());
    }
    // Numbers of invalid segments go to an extra segment, which is dropped.
    let valid = |segment: &i64| usize::try_from(*segment).is_ok_and(|segment| segment < count);
    let positions: Vec<i64> = segments.iter().map(|s| if valid(s) { *s } else { count as i64 }).collect();
    let len = positions.len();
    let sums = zeros(&Shape::from([count + 1]), x.dtype())?;
    let sums = program::apply(ScatterAdd, &[&sums, &Tensor::from_vec(positions, [len])?, &x])?;
    super::shape::slice_axis(&sums, 0, super::shape::Span::range(0, count))
}

/// Returns how often each index below `count` is among a vector of `int64`, all of them within.
pub(crate) fn counts(indices: &Tensor, count: usize) -> Result<Tensor> {
    let sums = zeros(&Shape::from([count]), DType::Float32)?;
    let ones = super::create::full(indices.shape(), 1.0, DType::Float32)?;
    program::apply(ScatterAdd, &[&sums, indices, &ones])
}

/// Returns true for the `k` largest numbers of each row; of equal ones the first are chosen.
pub(crate) fn top_k_mask(x: &Tensor, k: usize) -> Result<Tensor> {
    let classes = x.shape().last()?;
    if k == 0 || k > classes {
        return Err(Error::new(ErrorKind::InvalidArgument, "Invalid value for argument `k`")
            .expected(format!("a number from 1 to the number of classes, {classes}"))
            .received(format!("k={k}")));
    }
    let rank = rank_in_row(x)?;
    super::less(&rank, k as i64)
}

/// Returns the rank of each number in the descending order of its row.
fn rank_in_row(x: &Tensor) -> Result<Tensor> {
    let (own, other) = (expand_at(x, -1)?, expand_at(x, -2)?);
    let positions = arange(x.shape().last()?, DType::Int32)?;
    let earlier = super::less(expand_at(&positions, 0)?, expand_at(&positions, 1)?)?;
    let equal_and_earlier = super::logical_and(equal(&other, &own)?, earlier)?;
    let before = super::logical_or(greater(&other, &own)?, equal_and_earlier)?;
    sum_impl(&cast(&before, DType::Int32)?, &Axes::from(-1), false)
}

/// Returns whether the prediction of each target class is among the `k` highest (`keras.ops.in_top_k`).
/// `targets` has a class for each row of `predictions`.
pub(crate) fn in_top_k(targets: &Tensor, predictions: &Tensor, k: usize) -> Result<Tensor> {
    let classes = predictions.shape().last()?;
    if targets.rank() != 1 || predictions.rank() != 2 || targets.shape().get(0)? != predictions.shape().get(0)? {
        return Err(Error::new(ErrorKind::Shape, "each row of predictions needs a target")
            .expected("predictions of shape (batch, classes) and targets of shape (batch,)")
            .received(format!("shapes {} and {}", predictions.shape(), targets.shape())));
    }
    let chosen = super::one_hot::one_hot(targets, classes, -1, DType::Bool)?;
    let zero = super::zeros_like(predictions)?;
    let own = sum_impl(&where_impl(&chosen, predictions, &zero)?, &Axes::from(-1), true)?;
    let higher = sum_impl(&cast(&greater(predictions, &own)?, DType::Int32)?, &Axes::from(-1), false)?;
    // False for an invalid class, and for a prediction that is NaN or infinite.
    let exists = super::reduce::any_impl(&chosen, &Axes::from(-1), false)?;
    let finite = super::reduce::all_impl(&super::less(super::abs(&own)?, f64::INFINITY)?, &Axes::from(-1), false)?;
    super::logical_and(super::less(&higher, k as i64)?, super::logical_and(exists, finite)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_of_segments_leave_out_what_has_none() {
        let x = Tensor::from_slice(&[1.0f32, 2.0, 4.0, 8.0], [4]).unwrap();
        let sums = segment_sum(&x, &[0, 2, -1, 2], 3).unwrap();
        assert_eq!(sums.to_vec::<f32>().unwrap(), [1.0, 0.0, 10.0]);
        assert_eq!(cumsum(&x, 0).unwrap().to_vec::<f32>().unwrap(), [1.0, 3.0, 7.0, 15.0]);
    }

    // keras.ops.in_top_k([2, 1], [[.1, .9, .5], [.3, .3, .4]], 2); keras.ops.top_k([[.3, .3, .4]], 2)
    #[test]
    fn ties_are_in_the_top_k() {
        let x = Tensor::from_slice(&[0.1f32, 0.9, 0.5, 0.3, 0.3, 0.4], [2, 3]).unwrap();
        let targets = Tensor::from_slice(&[2i32, 1], [2]).unwrap();
        assert_eq!(in_top_k(&targets, &x, 2).unwrap().to_vec::<bool>().unwrap(), [true, true]);
        assert_eq!(in_top_k(&targets, &x, 1).unwrap().to_vec::<bool>().unwrap(), [false, false]);
        assert_eq!(top_k_mask(&x, 2).unwrap().to_vec::<bool>().unwrap(), [false, true, true, true, false, true]);
    }

    #[test]
    fn nothing_over_nothing_is_nothing() {
        let x = Tensor::from_slice(&[1.0f32, 1.0], [2]).unwrap();
        let y = Tensor::from_slice(&[0.0f32, 4.0], [2]).unwrap();
        assert_eq!(divide_no_nan(&x, &y).unwrap().to_vec::<f32>().unwrap(), [0.0, 0.25]);
    }
}
