//! The mean squared logarithmic error, `mean((log(y_true + 1) - log(y_pred + 1))²)`.

use super::macros::loss;
use super::squeeze_or_expand_to_same_rank;
use crate::ops::numeric::EPSILON;
use crate::ops::reduce::mean_impl;
use crate::ops::{Axes, add, log, maximum, square, subtract};
use crate::tensor::Tensor;

loss! {
    /// The mean squared error of logarithms: `mean((log(y_true + 1) - log(y_pred + 1))²)`; negative
    /// values count as 0.
    ///
    /// Follows <https://keras.io/api/losses/regression_losses/#meansquaredlogarithmicerror-class>.
    ///
    /// ```
    /// use keras_serial::losses::{ComputeLoss, MeanSquaredLogarithmicError};
    /// use keras_serial::tensor::Tensor;
    /// let y_true = Tensor::from_slice(&[0.0f32, 1.0, 2.0, 3.0, 4.0, 5.0], [2, 3])?;
    /// let y_pred = Tensor::from_slice(&[1.0f32, 1.0, 1.0, 2.0, 4.0, 8.0], [2, 3])?;
    /// let loss = MeanSquaredLogarithmicError::new().evaluate(&y_true, &y_pred, None)?.item::<f32>()?;
    /// assert!((loss - 0.14867).abs() < 1e-4);
    /// # Ok::<(), keras_serial::Error>(())
    /// ```
    class MeanSquaredLogarithmicError("mean_squared_logarithmic_error") {}

    /// Computes [`MeanSquaredLogarithmicError`] per sample, with default arguments and without reduction.
    function mean_squared_logarithmic_error("msle", "MSLE");

    |_loss, y_true, y_pred| {
        let (y_true, y_pred) = squeeze_or_expand_to_same_rank(y_true, y_pred, true)?;
        let logarithm = |x: &Tensor| log(&add(maximum(x, EPSILON)?, 1.0)?);
        let gaps = subtract(logarithm(&y_pred)?, logarithm(&y_true)?)?;
        mean_impl(&square(&gaps)?, &Axes::from(-1), false)
    }
}
