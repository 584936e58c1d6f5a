//! Binary cross-entropy as a metric.

use super::macros::mean_metric;
use crate::config::Number;
use crate::losses::{self, as_numbers};

mean_metric! {
    /// The binary cross-entropy: the mean of `-y_true · log(y_pred) - (1 - y_true) · log(1 - y_pred)`.
    ///
    /// `from_logits` (false): whether predictions are logits, not probabilities; `label_smoothing` (0)
    /// smooths labels towards 0.5.
    ///
    /// Follows <https://keras.io/api/metrics/probabilistic_metrics/#binarycrossentropy-class>.
    ///
    /// ```
    /// use keras_serial::metrics::{BinaryCrossentropy, Measure};
    /// use keras_serial::tensor::Tensor;
    /// let y_true = Tensor::from_slice(&[0.0f32, 1.0, 1.0, 1.0, 0.0, 1.0], [2, 3])?;
    /// let y_pred = Tensor::from_slice(&[0.1f32, 0.6, 0.3, 0.7, 0.2, 0.1], [2, 3])?;
    /// let metric = BinaryCrossentropy::new();
    /// metric.update_state(&y_true, &y_pred, None)?;
    /// let result = metric.result()?.into_single()?.item::<f32>()?;
    /// assert!((result - 0.78376).abs() < 1e-4);
    /// # Ok::<(), keras_serial::Error>(())
    /// ```
    class BinaryCrossentropy("binary_crossentropy"; "binary_crossentropy", "bce", "BCE") direction Down {
        /// Whether predictions are logits, not probabilities.
        from_logits: bool = false;
        /// How far labels are smoothed towards 0.5.
        label_smoothing: Number = Number::Int(0);
    }

    |metric, y_true, y_pred| {
        let (y_true, y_pred) = as_numbers(y_true, y_pred)?;
        let loss = losses::BinaryCrossentropy::new();
        loss.from_logits(metric.from_logits).label_smoothing(metric.label_smoothing).compute(&y_true, &y_pred)
    }
}
