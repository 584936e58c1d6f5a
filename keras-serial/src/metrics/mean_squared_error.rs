//! The loss [`mean_squared_error`](crate::losses::mean_squared_error) as a metric.

use super::macros::mean_metric;

mean_metric! {
    /// The mean squared error: `mean((y_true - y_pred)²)`.
    ///
    /// Follows <https://keras.io/api/metrics/regression_metrics/#meansquarederror-class>.
    ///
    /// ```
    /// use keras_serial::metrics::{MeanSquaredError, Measure};
    /// use keras_serial::tensor::Tensor;
    /// let y_true = Tensor::from_slice(&[0.0f32, 1.0, 2.0, 3.0, 4.0, 5.0], [2, 3])?;
    /// let y_pred = Tensor::from_slice(&[1.0f32, 1.0, 1.0, 2.0, 4.0, 8.0], [2, 3])?;
    /// let metric = MeanSquaredError::new();
    /// metric.update_state(&y_true, &y_pred, None)?;
    /// let result = metric.result()?.into_single()?.item::<f32>()?;
    /// assert!((result - 2.0).abs() < 1e-4);
    /// # Ok::<(), keras_serial::Error>(())
    /// ```
    class MeanSquaredError("mean_squared_error"; "mean_squared_error", "mse", "MSE") direction Down {}

    |_metric, y_true, y_pred| {
        crate::losses::mean_squared_error(y_true, y_pred)
    }
}
