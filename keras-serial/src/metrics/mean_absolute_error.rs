//! The loss [`mean_absolute_error`](crate::losses::mean_absolute_error) as a metric.

use super::macros::mean_metric;

mean_metric! {
    /// The mean absolute error: `mean(|y_true - y_pred|)`.
    ///
    /// Follows <https://keras.io/api/metrics/regression_metrics/#meanabsoluteerror-class>.
    ///
    /// ```
    /// use keras_serial::metrics::{MeanAbsoluteError, Measure};
    /// use keras_serial::tensor::Tensor;
    /// let y_true = Tensor::from_slice(&[0.0f32, 1.0, 2.0, 3.0, 4.0, 5.0], [2, 3])?;
    /// let y_pred = Tensor::from_slice(&[1.0f32, 1.0, 1.0, 2.0, 4.0, 8.0], [2, 3])?;
    /// let metric = MeanAbsoluteError::new();
    /// metric.update_state(&y_true, &y_pred, None)?;
    /// let result = metric.result()?.into_single()?.item::<f32>()?;
    /// assert!((result - 1.0).abs() < 1e-4);
    /// # Ok::<(), keras_serial::Error>(())
    /// ```
    class MeanAbsoluteError("mean_absolute_error"; "mean_absolute_error", "mae", "MAE") direction Down {}

    |_metric, y_true, y_pred| {
        crate::losses::mean_absolute_error(y_true, y_pred)
    }
}
