//! The loss [`squared_hinge`](crate::losses::squared_hinge) as a metric.

use super::macros::mean_metric;

mean_metric! {
    /// The squared hinge loss: the mean of `max(1 - y_true · y_pred, 0)²`, for labels of -1 and 1, or 0
    /// and 1.
    ///
    /// Follows <https://keras.io/api/metrics/hinge_metrics/#squaredhinge-class>.
    ///
    /// ```
    /// use keras_serial::metrics::{Measure, SquaredHinge};
    /// use keras_serial::tensor::Tensor;
    /// let y_true = Tensor::from_slice(&[0.0f32, 1.0, 1.0, 1.0, 0.0, 1.0], [2, 3])?;
    /// let y_pred = Tensor::from_slice(&[0.1f32, 0.6, 0.3, 0.7, 0.2, 0.1], [2, 3])?;
    /// let metric = SquaredHinge::new();
    /// metric.update_state(&y_true, &y_pred, None)?;
    /// let result = metric.result()?.into_single()?.item::<f32>()?;
    /// assert!((result - 0.7).abs() < 1e-4);
    /// # Ok::<(), keras_serial::Error>(())
    /// ```
    class SquaredHinge("squared_hinge"; "squared_hinge") direction Down {}

    |_metric, y_true, y_pred| {
        crate::losses::squared_hinge(y_true, y_pred)
    }
}
