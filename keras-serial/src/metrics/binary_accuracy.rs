//! The accuracy of binary predictions.

use super::macros::mean_metric;
use crate::config::Number;
use crate::losses::squeeze_or_expand_to_same_rank;
use crate::ops::dtypes::cast;
use crate::ops::{equal, greater};
use crate::tensor::DType;

mean_metric! {
    /// The binary accuracy: how often a prediction is above a threshold exactly if the label is 1.
    ///
    /// `threshold` (0.5): predictions above it count as 1.
    ///
    /// Follows <https://keras.io/api/metrics/accuracy_metrics/#binaryaccuracy-class>.
    ///
    /// ```
    /// use keras_serial::metrics::{BinaryAccuracy, Measure};
    /// use keras_serial::tensor::Tensor;
    /// let y_true = Tensor::from_slice(&[1.0f32, 1.0, 0.0, 0.0], [4, 1])?;
    /// let y_pred = Tensor::from_slice(&[0.98f32, 1.0, 0.0, 0.6], [4, 1])?;
    /// let metric = BinaryAccuracy::new();
    /// metric.update_state(&y_true, &y_pred, None)?;
    /// let result = metric.result()?.into_single()?.item::<f32>()?;
    /// assert!((result - 0.75).abs() < 1e-4);
    /// # Ok::<(), keras_serial::Error>(())
    /// ```
    class BinaryAccuracy("binary_accuracy"; "binary_accuracy") direction Up {
        /// The threshold above which a prediction counts as 1.
        threshold: Number = Number::Float(0.5);
    }

    /// Computes [`BinaryAccuracy`] per sample, with default arguments.
    function binary_accuracy;

    |metric, y_true, y_pred| {
        let (y_true, y_pred) = squeeze_or_expand_to_same_rank(y_true, y_pred, true)?;
        let predicted = cast(&greater(&y_pred, metric.threshold.get())?, y_true.dtype())?;
        cast(&equal(&y_true, &predicted)?, DType::Float32)
    }
}
