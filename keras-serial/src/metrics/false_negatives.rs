//! The number of false negatives.

use super::confusion_count::confusion_count;

confusion_count! {
    /// The number of false negatives, or the sum of their sample weights.
    ///
    /// `thresholds` (0.5): predictions above it are positive; one number, or several for as many
    /// results.
    ///
    /// Follows <https://keras.io/api/metrics/classification_metrics/#falsenegatives-class>.
    ///
    /// ```
    /// use keras_serial::metrics::{FalseNegatives, Measure};
    /// use keras_serial::tensor::Tensor;
    /// let y_true = Tensor::from_slice(&[0.0f32, 1.0, 1.0, 1.0], [4])?;
    /// let y_pred = Tensor::from_slice(&[0.0f32, 1.0, 0.0, 0.6], [4])?;
    /// let metric = FalseNegatives::new();
    /// metric.update_state(&y_true, &y_pred, None)?;
    /// let result = metric.result()?.into_single()?.item::<f32>()?;
    /// assert!((result - 1.0).abs() < 1e-4);
    /// # Ok::<(), keras_serial::Error>(())
    /// ```
    FalseNegatives, false_negatives, alias "false_negatives"
}
