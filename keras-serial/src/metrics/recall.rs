//! The recall: the ratio of true positives to all positive labels.

use super::confusion_share::confusion_share;

confusion_share! {
    /// The recall, the ratio of true positives to all positive labels: `tp / (tp + fn)`.
    ///
    /// `thresholds` (0.5): predictions above it are positive; one number, or several for as many
    /// results. With `top_k`, the `k` highest predictions of a sample are positive. `class_id` is the
    /// only class to count (all by default).
    ///
    /// Follows <https://keras.io/api/metrics/classification_metrics/#recall-class>.
    ///
    /// ```
    /// use keras_serial::metrics::{Measure, Recall};
    /// use keras_serial::tensor::Tensor;
    /// let y_true = Tensor::from_slice(&[0.0f32, 1.0, 1.0, 1.0], [4])?;
    /// let y_pred = Tensor::from_slice(&[1.0f32, 0.0, 1.0, 1.0], [4])?;
    /// let metric = Recall::new();
    /// metric.update_state(&y_true, &y_pred, None)?;
    /// let result = metric.result()?.into_single()?.item::<f32>()?;
    /// assert!((result - 0.666667).abs() < 1e-4);
    /// # Ok::<(), keras_serial::Error>(())
    /// ```
    Recall, false_negatives, alias "recall"
}
