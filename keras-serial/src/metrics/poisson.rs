//! The loss [`poisson`](crate::losses::poisson) as a metric.

use super::macros::mean_metric;

mean_metric! {
    /// The Poisson loss: the mean of `y_pred - y_true · log(y_pred)`, for counts.
    ///
    /// Follows <https://keras.io/api/metrics/probabilistic_metrics/#poisson-class>.
    ///
    /// ```
    /// use keras_serial::metrics::{Measure, Poisson};
    /// use keras_serial::tensor::Tensor;
    /// let y_true = Tensor::from_slice(&[0.0f32, 1.0, 2.0, 3.0, 4.0, 5.0], [2, 3])?;
    /// let y_pred = Tensor::from_slice(&[1.0f32, 1.0, 1.0, 2.0, 4.0, 8.0], [2, 3])?;
    /// let metric = Poisson::new();
    /// metric.update_state(&y_true, &y_pred, None)?;
    /// let result = metric.result()?.into_single()?.item::<f32>()?;
    /// assert!((result - -0.170304).abs() < 1e-4);
    /// # Ok::<(), keras_serial::Error>(())
    /// ```
    class Poisson("poisson"; "poisson") direction Down {}

    |_metric, y_true, y_pred| {
        crate::losses::poisson(y_true, y_pred)
    }
}
