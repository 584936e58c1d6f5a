//! The number of false positives.

use super::confusion_count::confusion_count;

confusion_count! {
    /// The number of false positives, or the sum of their sample weights.
    ///
    /// `thresholds` (0.5): predictions above it are positive; one number, or several for as many
    /// results.
    ///
    /// Follows <https://keras.io/api/metrics/classification_metrics/#falsepositives-class>.
    ///
    /// ```
    /// use keras_serial::metrics::{FalsePositives, Measure};
    /// use keras_serial::tensor::Tensor;
    /// let y_true = Tensor::from_slice(&[0.0f32, 1.0, 1.0, 1.0], [4])?;
    /// let y_pred = Tensor::from_slice(&[0.0f32, 1.0, 0.0, 0.6], [4])?;
    /// let metric = FalsePositives::new();
    /// metric.update_state(&y_true, &y_pred, None)?;
    /// let result = metric.result()?.into_single()?.item::<f32>()?;
    /// assert!((result - 0.0).abs() < 1e-4);
    /// # Ok::<(), keras_serial::Error>(())
    /// ```
    FalsePositives, false_positives, alias "false_positives"
}
