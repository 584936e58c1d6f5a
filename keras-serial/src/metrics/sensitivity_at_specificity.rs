//! The best sensitivity at a minimum specificity.

use super::sensitivity_specificity::best_under;

best_under! {
    /// The best sensitivity, `tp / (tp + fn)`, at thresholds where the specificity, `tn / (tn + fp)`, is
    /// at least as given.
    ///
    /// `num_thresholds` (200) is the number of thresholds, `class_id` the only class to count (all by
    /// default).
    ///
    /// Follows <https://keras.io/api/metrics/classification_metrics/#sensitivityatspecificity-class>.
    ///
    /// ```
    /// use keras_serial::metrics::{Measure, SensitivityAtSpecificity};
    /// use keras_serial::tensor::Tensor;
    /// let y_true = Tensor::from_slice(&[0.0f32, 0.0, 0.0, 1.0, 1.0], [5])?;
    /// let y_pred = Tensor::from_slice(&[0.0f32, 0.3, 0.8, 0.3, 0.8], [5])?;
    /// let metric = SensitivityAtSpecificity::new(0.5);
    /// metric.update_state(&y_true, &y_pred, None)?;
    /// let result = metric.result()?.into_single()?.item::<f32>()?;
    /// assert!((result - 0.5).abs() < 1e-4);
    /// # Ok::<(), keras_serial::Error>(())
    /// ```
    SensitivityAtSpecificity, specificity, alias "sensitivity_at_specificity", |tp, fp, tn, fnn| share(&tn, &fp), share(&tp, &fnn)
}
