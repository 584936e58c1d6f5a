//! The Dice loss: `1 - 2 · |A ∩ B| / (|A| + |B|)`.

use super::macros::loss;
use crate::ops::numeric::EPSILON;
use crate::ops::reduce::sum_impl;
use crate::ops::{Axes, add, divide, multiply, subtract};

loss! {
    /// The Dice loss, `1 - 2 · sum(y_true · y_pred) / (sum(y_true) + sum(y_pred))`, for image masks.
    ///
    /// `axis` (all of them): the axes to sum over.
    ///
    /// Follows <https://keras.io/api/losses/probabilistic_losses/#dice-class>.
    ///
    /// ```
    /// use keras_serial::losses::{ComputeLoss, Dice};
    /// use keras_serial::tensor::Tensor;
    /// let y_true = Tensor::from_slice(&[0.0f32, 1.0, 1.0, 1.0, 0.0, 1.0], [2, 3])?;
    /// let y_pred = Tensor::from_slice(&[0.1f32, 0.6, 0.3, 0.7, 0.2, 0.1], [2, 3])?;
    /// let loss = Dice::new().evaluate(&y_true, &y_pred, None)?.item::<f32>()?;
    /// assert!((loss - 0.433333).abs() < 1e-4);
    /// # Ok::<(), keras_serial::Error>(())
    /// ```
    class Dice("dice") {
        /// The axes to sum over.
        axis: Axes = Axes::all();
    }

    /// Computes [`Dice`] per sample, with default arguments and without reduction.
    function dice();

    |loss, y_true, y_pred| {
        let common = sum_impl(&multiply(y_true, y_pred)?, &loss.axis, false)?;
        let all = add(sum_impl(y_true, &loss.axis, false)?, sum_impl(y_pred, &loss.axis, false)?)?;
        subtract(1.0, divide(multiply(&common, 2.0)?, add(&all, EPSILON)?)?)
    }
}
