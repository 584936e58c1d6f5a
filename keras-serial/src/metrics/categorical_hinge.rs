//! The loss [`categorical_hinge`](crate::losses::categorical_hinge) as a metric.

use super::macros::mean_metric;

mean_metric! {
    /// The categorical hinge loss: `max(neg - pos + 1, 0)`, where `pos = sum(y_true · y_pred)` and `neg
    /// = max((1 - y_true) · y_pred)`.
    ///
    /// Follows <https://keras.io/api/metrics/hinge_metrics/#categoricalhinge-class>.
    ///
    /// ```
    /// use keras_serial::metrics::{CategoricalHinge, Measure};
    /// use keras_serial::tensor::Tensor;
    /// let y_true = Tensor::from_slice(&[0.0f32, 1.0, 0.0, 0.0, 0.0, 1.0], [2, 3])?;
    /// let y_pred = Tensor::from_slice(&[0.1f32, 0.6, 0.3, 0.7, 0.2, 0.1], [2, 3])?;
    /// let metric = CategoricalHinge::new();
    /// metric.update_state(&y_true, &y_pred, None)?;
    /// let result = metric.result()?.into_single()?.item::<f32>()?;
    /// assert!((result - 1.15).abs() < 1e-4);
    /// # Ok::<(), keras_serial::Error>(())
    /// ```
    class CategoricalHinge("categorical_hinge"; "categorical_hinge") direction Down {}

    |_metric, y_true, y_pred| {
        crate::losses::categorical_hinge(y_true, y_pred)
    }
}
