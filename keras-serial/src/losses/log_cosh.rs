//! The log-cosh loss, `mean(log(cosh(y_pred - y_true)))`.

use super::macros::loss;
use super::squeeze_or_expand_to_same_rank;
use crate::ops::reduce::mean_impl;
use crate::ops::{Axes, add, multiply, softplus, subtract};

loss! {
    /// The log-cosh loss, the mean of `log(cosh(y_pred - y_true))`: squared near 0, linear further out.
    ///
    /// Follows <https://keras.io/api/losses/regression_losses/#logcosh-class>.
    ///
    /// ```
    /// use keras_serial::losses::{ComputeLoss, LogCosh};
    /// use keras_serial::tensor::Tensor;
    /// let y_true = Tensor::from_slice(&[0.0f32, 1.0, 2.0, 3.0, 4.0, 5.0], [2, 3])?;
    /// let y_pred = Tensor::from_slice(&[1.0f32, 1.0, 1.0, 2.0, 4.0, 8.0], [2, 3])?;
    /// let loss = LogCosh::new().evaluate(&y_true, &y_pred, None)?.item::<f32>()?;
    /// assert!((loss - 0.601779).abs() < 1e-4);
    /// # Ok::<(), keras_serial::Error>(())
    /// ```
    class LogCosh("log_cosh") {}

    /// Computes [`LogCosh`] per sample, with default arguments and without reduction.
    function log_cosh();

    |_loss, y_true, y_pred| {
        let (y_true, y_pred) = squeeze_or_expand_to_same_rank(y_true, y_pred, true)?;
        let x = subtract(&y_pred, &y_true)?;
        let value = subtract(add(&x, softplus(&multiply(&x, -2.0)?)?)?, std::f64::consts::LN_2)?;
        mean_impl(&value, &Axes::from(-1), false)
    }
}
