//! The mean squared error, `mean((y_true - y_pred)²)`.

use super::macros::loss;
use super::squeeze_or_expand_to_same_rank;
use crate::ops::reduce::mean_impl;
use crate::ops::{Axes, square, subtract};

loss! {
    /// The mean squared error: `mean((y_true - y_pred)²)`.
    ///
    /// Follows <https://keras.io/api/losses/regression_losses/#meansquarederror-class>.
    ///
    /// ```
    /// use keras_serial::losses::{ComputeLoss, MeanSquaredError};
    /// use keras_serial::tensor::Tensor;
    /// let y_true = Tensor::from_slice(&[0.0f32, 1.0, 2.0, 3.0, 4.0, 5.0], [2, 3])?;
    /// let y_pred = Tensor::from_slice(&[1.0f32, 1.0, 1.0, 2.0, 4.0, 8.0], [2, 3])?;
    /// let loss = MeanSquaredError::new().evaluate(&y_true, &y_pred, None)?.item::<f32>()?;
    /// assert!((loss - 2.0).abs() < 1e-4);
    /// # Ok::<(), keras_serial::Error>(())
    /// ```
    class MeanSquaredError("mean_squared_error") {}

    /// Computes [`MeanSquaredError`] per sample, with default arguments and without reduction.
    function mean_squared_error("mse", "MSE");

    |_loss, y_true, y_pred| {
        let (y_true, y_pred) = squeeze_or_expand_to_same_rank(y_true, y_pred, true)?;
        mean_impl(&square(&subtract(&y_true, &y_pred)?)?, &Axes::from(-1), false)
    }
}
