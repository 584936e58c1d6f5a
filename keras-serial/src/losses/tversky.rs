//! The Tversky loss: Dice with a weight for each kind of error.

use super::macros::loss;
use crate::config::Number;
use crate::ops::numeric::EPSILON;
use crate::ops::reduce::sum_impl;
use crate::ops::{Axes, add, divide, multiply, subtract};
use crate::tensor::Tensor;

loss! {
    /// The Tversky loss, `1 - tp / (tp + alpha · fp + beta · fn)`, for image masks; with both weights
    /// 0.5 it is [`super::Dice`].
    ///
    /// `alpha` (0.5) and `beta` (0.5) are the weights of the errors, where Keras counts as `fp` what the
    /// target has and the prediction lacks; `axis` (all of them) are the axes to sum over.
    ///
    /// Follows <https://keras.io/api/losses/probabilistic_losses/#tversky-class>.
    ///
    /// ```
    /// use keras_serial::losses::{ComputeLoss, Tversky};
    /// use keras_serial::tensor::Tensor;
    /// let y_true = Tensor::from_slice(&[0.0f32, 1.0, 1.0, 1.0, 0.0, 1.0], [2, 3])?;
    /// let y_pred = Tensor::from_slice(&[0.1f32, 0.6, 0.3, 0.7, 0.2, 0.1], [2, 3])?;
    /// let loss = Tversky::new().evaluate(&y_true, &y_pred, None)?.item::<f32>()?;
    /// assert!((loss - 0.433333).abs() < 1e-4);
    /// # Ok::<(), keras_serial::Error>(())
    /// ```
    class Tversky("tversky") {
        /// The weight of what the target has and the prediction lacks.
        alpha: Number = Number::Float(0.5);
        /// The weight of what the prediction has and the target lacks.
        beta: Number = Number::Float(0.5);
        /// The axes to sum over.
        axis: Axes = Axes::all();
    }

    /// Computes [`Tversky`] per sample, with default arguments and without reduction.
    function tversky();

    |loss, y_true, y_pred| {
        let sum = |x: Tensor| sum_impl(&x, &loss.axis, false);
        let common = sum(multiply(y_true, y_pred)?)?;
        // Keras swaps the two: its false positives are what the target has and the prediction lacks.
        let missed = multiply(sum(multiply(subtract(1.0, y_pred)?, y_true)?)?, loss.alpha.get())?;
        let invented = multiply(sum(multiply(y_pred, subtract(1.0, y_true)?)?)?, loss.beta.get())?;
        let all = add(add(&common, &missed)?, add(&invented, EPSILON)?)?;
        subtract(1.0, divide(&common, &all)?)
    }
}
