//! The loss [`mean_squared_logarithmic_error`](crate::losses::mean_squared_logarithmic_error) as a metric.

use super::macros::mean_metric;

mean_metric! {
    /// The mean squared logarithmic error.
    ///
    /// Follows <https://keras.io/api/metrics/regression_metrics/#meansquaredlogarithmicerror-class>.
    ///
    /// ```
    /// use keras_serial::metrics::{MeanSquaredLogarithmicError, Measure};
    /// use keras_serial::tensor::Tensor;
    /// let y_true = Tensor::from_slice(&[0.0f32, 1.0, 2.0, 3.0, 4.0, 5.0], [2, 3])?;
    /// let y_pred = Tensor::from_slice(&[1.0f32, 1.0, 1.0, 2.0, 4.0, 8.0], [2, 3])?;
    /// let metric = MeanSquaredLogarithmicError::new();
    /// metric.update_state(&y_true, &y_pred, None)?;
    /// let result = metric.result()?.into_single()?.item::<f32>()?;
    /// assert!((result - 0.14867).abs() < 1e-4);
    /// # Ok::<(), keras_serial::Error>(())
    /// ```
    class MeanSquaredLogarithmicError("mean_squared_logarithmic_error"; "mean_squared_logarithmic_error", "msle", "MSLE") direction Down {}

    |_metric, y_true, y_pred| {
        crate::losses::mean_squared_logarithmic_error(y_true, y_pred)
    }
}
