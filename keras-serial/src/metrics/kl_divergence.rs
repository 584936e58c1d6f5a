//! The loss [`kl_divergence`](crate::losses::kl_divergence) as a metric.

use super::macros::mean_metric;

mean_metric! {
    /// The Kullback-Leibler divergence: `sum(y_true · log(y_true / y_pred))`.
    ///
    /// Follows <https://keras.io/api/metrics/probabilistic_metrics/#kldivergence-class>.
    ///
    /// ```
    /// use keras_serial::metrics::{KLDivergence, Measure};
    /// use keras_serial::tensor::Tensor;
    /// let y_true = Tensor::from_slice(&[0.0f32, 1.0, 0.0, 0.0, 0.0, 1.0], [2, 3])?;
    /// let y_pred = Tensor::from_slice(&[0.1f32, 0.6, 0.3, 0.7, 0.2, 0.1], [2, 3])?;
    /// let metric = KLDivergence::new();
    /// metric.update_state(&y_true, &y_pred, None)?;
    /// let result = metric.result()?.into_single()?.item::<f32>()?;
    /// assert!((result - 1.406702).abs() < 1e-4);
    /// # Ok::<(), keras_serial::Error>(())
    /// ```
    class KLDivergence("kl_divergence"; "kl_divergence") direction Down {}

    |_metric, y_true, y_pred| {
        crate::losses::kl_divergence(y_true, y_pred)
    }
}
