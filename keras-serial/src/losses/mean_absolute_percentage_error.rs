//! The mean absolute percentage error, `100 · mean(|(y_true - y_pred) / y_true|)`.

use super::macros::loss;
use super::squeeze_or_expand_to_same_rank;
use crate::ops::numeric::EPSILON;
use crate::ops::reduce::mean_impl;
use crate::ops::{Axes, abs, divide, maximum, multiply, subtract};

loss! {
    /// The mean absolute error in percent of the targets: `100 · mean(|(y_true - y_pred) / y_true|)`.
    ///
    /// Follows <https://keras.io/api/losses/regression_losses/#meanabsolutepercentageerror-class>.
    ///
    /// ```
    /// use keras_serial::losses::{ComputeLoss, MeanAbsolutePercentageError};
    /// use keras_serial::tensor::Tensor;
    /// let y_true = Tensor::from_slice(&[0.0f32, 1.0, 2.0, 3.0, 4.0, 5.0], [2, 3])?;
    /// let y_pred = Tensor::from_slice(&[1.0f32, 1.0, 1.0, 2.0, 4.0, 8.0], [2, 3])?;
    /// let loss = MeanAbsolutePercentageError::new().evaluate(&y_true, &y_pred, None)?.item::<f32>()?;
    /// assert!((loss - 166666672.0).abs() < 1e-4);
    /// # Ok::<(), keras_serial::Error>(())
    /// ```
    class MeanAbsolutePercentageError("mean_absolute_percentage_error") {}

    /// Computes [`MeanAbsolutePercentageError`] per sample, with default arguments and without reduction.
    function mean_absolute_percentage_error("mape", "MAPE");

    |_loss, y_true, y_pred| {
        let (y_true, y_pred) = squeeze_or_expand_to_same_rank(y_true, y_pred, true)?;
        let scale = maximum(abs(&y_true)?, EPSILON)?;
        let gaps = abs(&divide(subtract(&y_true, &y_pred)?, &scale)?)?;
        multiply(mean_impl(&gaps, &Axes::from(-1), false)?, 100.0)
    }
}
