//! Cross-entropy for one-hot labels, as a metric.

use super::macros::mean_metric;
use crate::config::Number;
use crate::losses::{self, as_numbers};
use crate::ops::Axes;

mean_metric! {
    /// The cross-entropy `-sum(y_true · log(y_pred))`, for one-hot labels and rows of probabilities.
    ///
    /// `from_logits` (false): whether predictions are logits, not probabilities; `label_smoothing` (0)
    /// smooths labels towards equal classes; `axis` (-1) is that of the classes.
    ///
    /// Follows <https://keras.io/api/metrics/probabilistic_metrics/#categoricalcrossentropy-class>.
    ///
    /// ```
    /// use keras_serial::metrics::{CategoricalCrossentropy, Measure};
    /// use keras_serial::tensor::Tensor;
    /// let y_true = Tensor::from_slice(&[0.0f32, 1.0, 0.0, 0.0, 0.0, 1.0], [2, 3])?;
    /// let y_pred = Tensor::from_slice(&[0.1f32, 0.6, 0.3, 0.7, 0.2, 0.1], [2, 3])?;
    /// let metric = CategoricalCrossentropy::new();
    /// metric.update_state(&y_true, &y_pred, None)?;
    /// let result = metric.result()?.into_single()?.item::<f32>()?;
    /// assert!((result - 1.406705).abs() < 1e-4);
    /// # Ok::<(), keras_serial::Error>(())
    /// ```
    class CategoricalCrossentropy("categorical_crossentropy"; "categorical_crossentropy") direction Down {
        /// Whether predictions are logits, not probabilities.
        from_logits: bool = false;
        /// How far labels are smoothed towards equal classes.
        label_smoothing: Number = Number::Int(0);
        /// The axis of the classes.
        axis: Axes = Axes::from(-1);
    }

    |metric, y_true, y_pred| {
        let (y_true, y_pred) = as_numbers(y_true, y_pred)?;
        let loss = losses::CategoricalCrossentropy::new().from_logits(metric.from_logits);
        loss.label_smoothing(metric.label_smoothing).axis(metric.axis.clone()).compute(&y_true, &y_pred)
    }
}
