//! The best recall at a minimum precision.

use super::sensitivity_specificity::best_under;

best_under! {
    /// The best recall, `tp / (tp + fn)`, at thresholds where the precision, `tp / (tp + fp)`, is at
    /// least as given.
    ///
    /// `num_thresholds` (200) is the number of thresholds, `class_id` the only class to count (all by
    /// default).
    ///
    /// Follows <https://keras.io/api/metrics/classification_metrics/#recallatprecision-class>.
    ///
    /// ```
    /// use keras_serial::metrics::{Measure, RecallAtPrecision};
    /// use keras_serial::tensor::Tensor;
    /// let y_true = Tensor::from_slice(&[0.0f32, 0.0, 0.0, 1.0, 1.0], [5])?;
    /// let y_pred = Tensor::from_slice(&[0.0f32, 0.3, 0.8, 0.3, 0.8], [5])?;
    /// let metric = RecallAtPrecision::new(0.5);
    /// metric.update_state(&y_true, &y_pred, None)?;
    /// let result = metric.result()?.into_single()?.item::<f32>()?;
    /// assert!((result - 1.0).abs() < 1e-4);
    /// # Ok::<(), keras_serial::Error>(())
    /// ```
    RecallAtPrecision, precision, alias "recall_at_precision", |tp, fp, tn, fnn| share(&tp, &fp), share(&tp, &fnn)
}
