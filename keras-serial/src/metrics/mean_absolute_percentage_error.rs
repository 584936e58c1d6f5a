//! The loss [`mean_absolute_percentage_error`](crate::losses::mean_absolute_percentage_error) as a metric.

use super::macros::mean_metric;

mean_metric! {
    /// The mean absolute error in percent of the targets.
    ///
    /// Follows <https://keras.io/api/metrics/regression_metrics/#meanabsolutepercentageerror-class>.
    ///
    /// ```
    /// use keras_serial::metrics::{MeanAbsolutePercentageError, Measure};
    /// use keras_serial::tensor::Tensor;
    /// let y_true = Tensor::from_slice(&[0.0f32, 1.0, 2.0, 3.0, 4.0, 5.0], [2, 3])?;
    /// let y_pred = Tensor::from_slice(&[1.0f32, 1.0, 1.0, 2.0, 4.0, 8.0], [2, 3])?;
    /// let metric = MeanAbsolutePercentageError::new();
    /// metric.update_state(&y_true, &y_pred, None)?;
    /// let result = metric.result()?.into_single()?.item::<f32>()?;
    /// assert!((result - 166666672.0).abs() < 1e-4);
    /// # Ok::<(), keras_serial::Error>(())
    /// ```
    class MeanAbsolutePercentageError("mean_absolute_percentage_error"; "mean_absolute_percentage_error", "mape", "MAPE") direction Down {}

    |_metric, y_true, y_pred| {
        crate::losses::mean_absolute_percentage_error(y_true, y_pred)
    }
}
