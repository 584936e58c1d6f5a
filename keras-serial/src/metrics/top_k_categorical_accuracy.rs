//! The top-k accuracy, for one-hot labels.

use super::among_top_k;
use super::macros::mean_metric;
use crate::ops::reduce::arg_extreme;

mean_metric! {
    /// The top-k accuracy: how often the class is among the `k` highest predictions, for one-hot labels.
    ///
    /// `k` (5) is the number of predictions considered.
    ///
    /// Follows <https://keras.io/api/metrics/accuracy_metrics/#topkcategoricalaccuracy-class>.
    ///
    /// ```
    /// use keras_serial::metrics::{Measure, TopKCategoricalAccuracy};
    /// use keras_serial::tensor::Tensor;
    /// let y_true = Tensor::from_slice(&[0.0f32, 1.0, 0.0, 0.0, 0.0, 1.0], [2, 3])?;
    /// let y_pred = Tensor::from_slice(&[0.1f32, 0.6, 0.3, 0.7, 0.2, 0.1], [2, 3])?;
    /// let metric = TopKCategoricalAccuracy::new().k(1);
    /// metric.update_state(&y_true, &y_pred, None)?;
    /// let result = metric.result()?.into_single()?.item::<f32>()?;
    /// assert!((result - 0.5).abs() < 1e-4);
    /// # Ok::<(), keras_serial::Error>(())
    /// ```
    class TopKCategoricalAccuracy("top_k_categorical_accuracy"; "top_k_categorical_accuracy") direction Up {
        /// The number of highest predictions that are considered.
        k: usize = 5;
    }

    /// Computes [`TopKCategoricalAccuracy`] per sample, with default arguments.
    function top_k_categorical_accuracy;

    |metric, y_true, y_pred| {
        among_top_k(&arg_extreme(y_true, Some(-1), false, true)?, y_pred, metric.k)
    }
}
