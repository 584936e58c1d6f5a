//! The mean absolute error, `mean(|y_true - y_pred|)`.

use super::macros::loss;
use super::squeeze_or_expand_to_same_rank;
use crate::ops::reduce::mean_impl;
use crate::ops::{Axes, abs, subtract};

loss! {
    /// The mean absolute error: `mean(|y_true - y_pred|)`.
    ///
    /// Follows <https://keras.io/api/losses/regression_losses/#meanabsoluteerror-class>.
    ///
    /// ```
    /// use keras_serial::losses::{ComputeLoss, MeanAbsoluteError};
    /// use keras_serial::tensor::Tensor;
    /// let y_true = Tensor::from_slice(&[0.0f32, 1.0, 2.0, 3.0, 4.0, 5.0], [2, 3])?;
    /// let y_pred = Tensor::from_slice(&[1.0f32, 1.0, 1.0, 2.0, 4.0, 8.0], [2, 3])?;
    /// let loss = MeanAbsoluteError::new().evaluate(&y_true, &y_pred, None)?.item::<f32>()?;
    /// assert!((loss - 1.0).abs() < 1e-4);
    /// # Ok::<(), keras_serial::Error>(())
    /// ```
    class MeanAbsoluteError("mean_absolute_error") {}

    /// Computes [`MeanAbsoluteError`] per sample, with default arguments and without reduction.
    function mean_absolute_error("mae", "MAE");

    |_loss, y_true, y_pred| {
        let (y_true, y_pred) = squeeze_or_expand_to_same_rank(y_true, y_pred, true)?;
        mean_impl(&abs(&subtract(&y_true, &y_pred)?)?, &Axes::from(-1), false)
    }
}
