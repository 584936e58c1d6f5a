//! The loss [`log_cosh`](crate::losses::log_cosh) as a metric.

use super::macros::mean_metric;

mean_metric! {
    /// The log-cosh loss: the mean of `log(cosh(y_pred - y_true))`.
    ///
    /// Follows <https://keras.io/api/metrics/regression_metrics/#logcosherror-class>.
    ///
    /// ```
    /// use keras_serial::metrics::{LogCoshError, Measure};
    /// use keras_serial::tensor::Tensor;
    /// let y_true = Tensor::from_slice(&[0.0f32, 1.0, 2.0, 3.0, 4.0, 5.0], [2, 3])?;
    /// let y_pred = Tensor::from_slice(&[1.0f32, 1.0, 1.0, 2.0, 4.0, 8.0], [2, 3])?;
    /// let metric = LogCoshError::new();
    /// metric.update_state(&y_true, &y_pred, None)?;
    /// let result = metric.result()?.into_single()?.item::<f32>()?;
    /// assert!((result - 0.601779).abs() < 1e-4);
    /// # Ok::<(), keras_serial::Error>(())
    /// ```
    class LogCoshError("logcosh"; "log_cosh_error") direction Down {}

    |_metric, y_true, y_pred| {
        crate::losses::log_cosh(y_true, y_pred)
    }
}
