//! The best precision at a minimum recall.

use super::sensitivity_specificity::best_under;

best_under! {
    /// The best precision, `tp / (tp + fp)`, at thresholds where the recall, `tp / (tp + fn)`, is at
    /// least as given.
    ///
    /// `num_thresholds` (200) is the number of thresholds, `class_id` the only class to count (all by
    /// default).
    ///
    /// Follows <https://keras.io/api/metrics/classification_metrics/#precisionatrecall-class>.
    ///
    /// ```
    /// use keras_serial::metrics::{Measure, PrecisionAtRecall};
    /// use keras_serial::tensor::Tensor;
    /// let y_true = Tensor::from_slice(&[0.0f32, 0.0, 0.0, 1.0, 1.0], [5])?;
    /// let y_pred = Tensor::from_slice(&[0.0f32, 0.3, 0.8, 0.3, 0.8], [5])?;
    /// let metric = PrecisionAtRecall::new(0.5);
    /// metric.update_state(&y_true, &y_pred, None)?;
    /// let result = metric.result()?.into_single()?.item::<f32>()?;
    /// assert!((result - 0.5).abs() < 1e-4);
    /// # Ok::<(), keras_serial::Error>(())
    /// ```
    PrecisionAtRecall, recall, alias "precision_at_recall", |tp, fp, tn, fnn| share(&tp, &fnn), share(&tp, &fp)
}
