//! Cross-entropy for integer class labels, as a metric.

use super::macros::mean_metric;
use crate::losses::{self, as_numbers};

mean_metric! {
    /// The cross-entropy `-log(y_pred[y_true])`, for integer class labels.
    ///
    /// `from_logits` (false): whether predictions are logits, not probabilities; `ignore_class` (none)
    /// is a label whose samples have loss 0; `axis` (-1) is that of the classes, the last one.
    ///
    /// Follows <https://keras.io/api/metrics/probabilistic_metrics/#sparsecategoricalcrossentropy-class>.
    ///
    /// ```
    /// use keras_serial::metrics::{Measure, SparseCategoricalCrossentropy};
    /// use keras_serial::tensor::Tensor;
    /// let y_true = Tensor::from_slice(&[1.0f32, 2.0], [2])?;
    /// let y_pred = Tensor::from_slice(&[0.1f32, 0.6, 0.3, 0.7, 0.2, 0.1], [2, 3])?;
    /// let metric = SparseCategoricalCrossentropy::new();
    /// metric.update_state(&y_true, &y_pred, None)?;
    /// let result = metric.result()?.into_single()?.item::<f32>()?;
    /// assert!((result - 1.406705).abs() < 1e-4);
    /// # Ok::<(), keras_serial::Error>(())
    /// ```
    class SparseCategoricalCrossentropy("sparse_categorical_crossentropy"; "sparse_categorical_crossentropy") direction Down {
        /// Whether predictions are logits, not probabilities.
        from_logits: bool = false;
        /// A label whose samples are ignored.
        ignore_class: Option<i64> = None;
        /// The axis of the classes.
        axis: isize = -1;
    }

    |metric, y_true, y_pred| {
        let (y_true, y_pred) = as_numbers(y_true, y_pred)?;
        let mut loss = losses::SparseCategoricalCrossentropy::new().from_logits(metric.from_logits).axis(metric.axis);
        if let Some(class) = metric.ignore_class {
            loss = loss.ignore_class(class);
        }
        loss.compute(&y_true, &y_pred)
    }
}
