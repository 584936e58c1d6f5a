//! The CTC loss, for labels without alignment to the steps.

use super::entropy;
use super::macros::loss;
use crate::error::{Error, ErrorKind, Result};
use crate::ops::create::arange;
use crate::ops::dtypes::cast;
use crate::ops::linalg::matmul_impl;
use crate::ops::one_hot::one_hot;
use crate::ops::pad::pad_with;
use crate::ops::reduce::{logsumexp_impl, sum_impl};
use crate::ops::shape::{Span, concat, expand_at, index_axis, reshape_to, slice_axis, transpose_to};
use crate::ops::{
    Axes, add, greater_equal, less, less_equal, logical_and, multiply, negative, not_equal, subtract, where_,
};
use crate::tensor::{DType, Shape, Tensor};

loss! {
    /// The connectionist temporal classification loss: `-log p(labels)`, summed over all alignments of
    /// the labels to the steps. Labels are class indices of shape `(batch, labels)`, where 0 is the
    /// blank and pads the end; predictions are logits of shape `(batch, steps, classes)`.
    ///
    /// Follows <https://keras.io/api/losses/probabilistic_losses/#ctc-class>.
    ///
    /// ```
    /// use keras_serial::losses::{ComputeLoss, CTC};
    /// use keras_serial::tensor::Tensor;
    /// let y_true = Tensor::from_slice(&[1.0f32, 2.0], [1, 2])?;
    /// let y_pred = Tensor::from_slice(&[0.1f32, 0.9, 0.3, 0.2, 0.4, 0.8, 0.5, 0.1, 0.2], [1, 3, 3])?;
    /// let loss = CTC::new().evaluate(&y_true, &y_pred, None)?.item::<f32>()?;
    /// assert!((loss - 1.31613).abs() < 1e-4);
    /// # Ok::<(), keras_serial::Error>(())
    /// ```
    class CTC("ctc") {}

    /// Computes [`CTC`] per sample, with default arguments and without reduction.
    function ctc();

    |_loss, y_true, y_pred| {
        alignments(y_true, y_pred)
    }
}

/// The logarithm of an impossible event in Keras's engine: log(1e-307).
const IMPOSSIBLE: f64 = -706.893_6;

/// Computes `-log p`, from the probabilities of all prefixes after each step (the forward algorithm).
fn alignments(y_true: &Tensor, y_pred: &Tensor) -> Result<Tensor> {
    let [_, length] = y_true.shape().dims() else {
        return Err(Error::new(
            ErrorKind::Shape,
            "Targets `y_true` are expected to be a tensor of shape `(batch_size, max_length)` in integer format",
        )
        .received(format!("y_true.shape={}", y_true.shape())));
    };
    let [batch, steps, _] = y_pred.shape().dims() else {
        return Err(Error::new(
            ErrorKind::Shape,
            "Logits `y_pred` are expected to be a tensor of shape `(batch_size, max_length, num_classes)`",
        )
        .received(format!("y_pred.shape={}", y_pred.shape())));
    };
    let (Some(batch), Some(steps), Some(length)) = (*batch, *steps, *length) else {
        return Ok(Tensor::symbol([*batch], y_pred.dtype()));
    };
    if y_true.shape().dim(0)? != batch {
        return Err(Error::new(ErrorKind::Shape, "y_true and y_pred have batches of different sizes")
            .received(format!("y_true.shape={}, y_pred.shape={}", y_true.shape(), y_pred.shape())));
    }
    if steps == 0 {
        return Err(
            Error::new(ErrorKind::Shape, "y_pred has no steps").received(format!("y_pred.shape={}", y_pred.shape()))
        );
    }
    let classes = y_pred.shape().last()?;
    let labels = entropy::classes(y_true, classes)?;
    // A blank before, between and after the labels.
    let states = blanks_between(&labels)?;
    let logarithms = subtract(y_pred, logsumexp_impl(y_pred, &Axes::from(-1), true)?)?;
    let chosen = one_hot(&states, classes, -1, y_pred.dtype())?;
    let emitted = matmul_impl(&logarithms, &transpose_to(&chosen, &[0, 2, 1])?)?;
    // A label may follow another one without a blank, if they differ.
    let before = shifted(&states, 2, 0.0)?;
    let may_skip = logical_and(not_equal(&states, 0)?, not_equal(&states, &before)?)?;
    let positions = arange(2 * length + 1, DType::Int32)?;
    let start = less(&positions, 2)?;
    let at = |step: usize| index_axis(&emitted, 1, step as isize);
    let mut reached = where_(&start, &at(0)?, IMPOSSIBLE)?;
    for step in 1..steps {
        let complement = shifted(&reached, 1, IMPOSSIBLE)?;
        let from_two = where_(&may_skip, &shifted(&reached, 2, IMPOSSIBLE)?, IMPOSSIBLE)?;
        let ways = concat(&[expand_at(&reached, -1)?, expand_at(&complement, -1)?, expand_at(&from_two, -1)?], -1)?;
        reached = add(logsumexp_impl(&ways, &Axes::from(-1), false)?, at(step)?)?;
    }
    // An alignment ends in the last label or in the blank after it.
    let count = sum_impl(&cast(&not_equal(&labels, 0)?, DType::Int32)?, &Axes::from(-1), true)?;
    let last = multiply(&count, 2)?;
    let is_end = logical_and(less_equal(&positions, &last)?, greater_equal(&positions, subtract(&last, 1)?)?)?;
    negative(&logsumexp_impl(&where_(&is_end, &reached, IMPOSSIBLE)?, &Axes::from(-1), false)?)
}

/// Inserts blanks: `0, a, 0, b, 0` for labels `a, b`.
fn blanks_between(labels: &Tensor) -> Result<Tensor> {
    let (batch, length) = (labels.shape().dim(0)?, labels.shape().dim(1)?);
    let pairs = pad_with(&expand_at(labels, -1)?, &[(0, 0), (0, 0), (1, 0)], 0.0)?;
    pad_with(&reshape_to(&pairs, &Shape::from([batch, 2 * length]))?, &[(0, 0), (0, 1)], 0.0)
}

/// Shifts each row by some states, filled with a number at the front.
fn shifted(x: &Tensor, by: usize, front: f64) -> Result<Tensor> {
    let states = x.shape().dim(1)?;
    slice_axis(&pad_with(x, &[(0, 0), (by, 0)], front)?, 1, Span::range(0, states))
}
