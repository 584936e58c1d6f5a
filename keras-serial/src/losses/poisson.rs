//! The Poisson loss, `mean(y_pred - y_true · log(y_pred))`.

use super::macros::loss;
use crate::ops::numeric::EPSILON;
use crate::ops::reduce::mean_impl;
use crate::ops::{Axes, add, log, multiply, subtract};

loss! {
    /// The Poisson loss: the mean of `y_pred - y_true · log(y_pred)`, for counts.
    ///
    /// Follows <https://keras.io/api/losses/probabilistic_losses/#poisson-class>.
    ///
    /// ```
    /// use keras_serial::losses::{ComputeLoss, Poisson};
    /// use keras_serial::tensor::Tensor;
    /// let y_true = Tensor::from_slice(&[0.0f32, 1.0, 2.0, 3.0, 4.0, 5.0], [2, 3])?;
    /// let y_pred = Tensor::from_slice(&[1.0f32, 1.0, 1.0, 2.0, 4.0, 8.0], [2, 3])?;
    /// let loss = Poisson::new().evaluate(&y_true, &y_pred, None)?.item::<f32>()?;
    /// assert!((loss - -0.170304).abs() < 1e-4);
    /// # Ok::<(), keras_serial::Error>(())
    /// ```
    class Poisson("poisson") {}

    /// Computes [`Poisson`] per sample, with default arguments and without reduction.
    function poisson();

    |_loss, y_true, y_pred| {
        let logarithm = log(&add(y_pred, EPSILON)?)?;
        mean_impl(&subtract(y_pred, multiply(y_true, &logarithm)?)?, &Axes::from(-1), false)
    }
}
