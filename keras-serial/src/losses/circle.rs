//! The circle loss, for embeddings.

use super::macros::loss;
use crate::config::Number;
use crate::error::{Error, ErrorKind, Result};
use crate::ops::create::arange;
use crate::ops::dtypes::cast;
use crate::ops::linalg::matmul_impl;
use crate::ops::reduce::{any_impl, logsumexp_impl};
use crate::ops::shape::{expand_at, reshape_to, transpose_to};
use crate::ops::{
    Axes, add, equal, greater, logical_and, logical_not, multiply, not_equal, relu, softplus, subtract, where_,
};
use crate::tensor::{DType, Shape, Tensor};

loss! {
    /// The circle loss: draws embeddings of one class together and those of others apart, by the cosines
    /// between all pairs of the batch: `softplus(logsumexp(positive pairs) + logsumexp(negative
    /// pairs))`. Embeddings should be unit vectors, labels are class indices. Samples without a loss do
    /// not count in means.
    ///
    /// `gamma` (80) is the scale, `margin` (0.4) the relaxation; `remove_diagonal` (true) omits pairs of
    /// a sample with itself.
    ///
    /// Follows <https://keras.io/api/losses/similarity_losses/#circle-class>.
    ///
    /// ```
    /// use keras_serial::losses::{ComputeLoss, Circle};
    /// use keras_serial::tensor::Tensor;
    /// let y_true = Tensor::from_slice(&[1.0f32, 2.0], [2])?;
    /// let y_pred = Tensor::from_slice(&[0.1f32, 0.6, 0.3, 0.7, 0.2, 0.1], [2, 3])?;
    /// let loss = Circle::new().evaluate(&y_true, &y_pred, None)?.item::<f32>()?;
    /// assert!((loss - 0.0).abs() < 1e-4);
    /// # Ok::<(), keras_serial::Error>(())
    /// ```
    class Circle("circle") {
        /// The scale.
        gamma: Number = Number::Float(80.0);
        /// The margin between classes.
        margin: Number = Number::Float(0.4);
        /// Whether pairs of a sample with itself are omitted.
        remove_diagonal: bool = true;
    }

    /// Computes [`Circle`] per sample, with default arguments and without reduction.
    function circle();

    |loss, y_true, y_pred| {
        loss.pairs(y_true, y_pred)
    }
}

impl Circle {
    fn pairs(&self, y_true: &Tensor, y_pred: &Tensor) -> Result<Tensor> {
        let [batch, _] = y_pred.shape().dims() else {
            return Err(Error::new(ErrorKind::Shape, "Circle works on a batch of embeddings")
                .expected("y_pred of shape (batch, dimensions)")
                .received(format!("y_pred.shape={}", y_pred.shape())));
        };
        let labels = cast(y_true, DType::Int32)?;
        if labels.shape().dims() != [*batch] && labels.shape().dims() != [*batch, Some(1)] {
            return Err(Error::new(ErrorKind::Shape, "Circle needs a label for each embedding")
                .expected("y_true of shape (batch,) or (batch, 1)")
                .received(format!("y_true.shape={}, y_pred.shape={}", y_true.shape(), y_pred.shape())));
        }
        let labels = reshape_to(&labels, &Shape::from([*batch, Some(1)]))?;
        let distances = relu(&subtract(1.0, matmul_impl(y_pred, &transpose_to(y_pred, &[1, 0])?)?)?)?;
        let same = equal(&labels, transpose_to(&labels, &[1, 0])?)?;
        let different = logical_not(&same)?;
        let mut positive = same;
        if self.remove_diagonal {
            let positions = arange(y_pred.shape().dim(0)?, DType::Int32)?;
            let off_diagonal = not_equal(expand_at(&positions, 0)?, expand_at(&positions, 1)?)?;
            positive = logical_and(&positive, off_diagonal)?;
        }
        let (gamma, margin) = (self.gamma.get(), self.margin.get());
        let pull = relu(&multiply(add(&distances, margin)?, cast(&positive, y_pred.dtype())?)?)?;
        let push = relu(&multiply(subtract(1.0 + margin, &distances)?, cast(&different, y_pred.dtype())?)?)?;
        let pull = multiply(multiply(&pull, subtract(margin, &distances)?)?, -gamma)?;
        let push = multiply(multiply(&push, subtract(1.0 - margin, &distances)?)?, gamma)?;
        let loss = softplus(&add(log_sum(&positive, &pull)?, log_sum(&different, &push)?)?)?;
        let counts = greater(&loss, 0.0)?;
        Ok(loss.with_mask(Some(counts)))
    }
}

/// Computes log(Σ exp(x)) of each row, over pairs that count; -∞ if none does.
fn log_sum(counts: &Tensor, x: &Tensor) -> Result<Tensor> {
    // The gradient of -∞ - -∞ would be NaN, so rows without pairs are computed with zeros, then
    // replaced.
    let any = any_impl(counts, &Axes::from(1), true)?;
    let x = where_(counts, x, &where_(&any, f64::NEG_INFINITY, 0.0)?)?;
    let sum = logsumexp_impl(&x, &Axes::from(1), false)?;
    where_(&any_impl(counts, &Axes::from(1), false)?, &sum, f64::NEG_INFINITY)
}
