//! The best specificity at a minimum sensitivity.

use super::sensitivity_specificity::best_under;

best_under! {
    /// The best specificity, `tn / (tn + fp)`, at thresholds where the sensitivity, `tp / (tp + fn)`, is
    /// at least as given.
    ///
    /// `num_thresholds` (200) is the number of thresholds, `class_id` the only class to count (all by
    /// default).
    ///
    /// Follows <https://keras.io/api/metrics/classification_metrics/#specificityatsensitivity-class>.
    ///
    /// ```
    /// use keras_serial::metrics::{Measure, SpecificityAtSensitivity};
    /// use keras_serial::tensor::Tensor;
    /// let y_true = Tensor::from_slice(&[0.0f32, 0.0, 0.0, 1.0, 1.0], [5])?;
    /// let y_pred = Tensor::from_slice(&[0.0f32, 0.3, 0.8, 0.3, 0.8], [5])?;
    /// let metric = SpecificityAtSensitivity::new(0.5);
    /// metric.update_state(&y_true, &y_pred, None)?;
    /// let result = metric.result()?.into_single()?.item::<f32>()?;
    /// assert!((result - 0.666667).abs() < 1e-4);
    /// # Ok::<(), keras_serial::Error>(())
    /// ```
    SpecificityAtSensitivity, sensitivity, alias "specificity_at_sensitivity", |tp, fp, tn, fnn| share(&tp, &fnn), share(&tn, &fp)
}
