//! The top-k accuracy, for integer class labels.

use super::among_top_k;
use super::macros::mean_metric;
use crate::ops::dtypes::cast;
use crate::ops::reduce::any_impl;
use crate::ops::shape::{Span, reshape_to, slice_axis};
use crate::ops::{Axes, equal};
use crate::tensor::{DType, Shape};

mean_metric! {
    /// The top-k accuracy: how often the class is among the `k` highest predictions, for integer class
    /// labels.
    ///
    /// `k` (5) is the number of predictions considered; with `from_sorted_ids` (false) predictions are
    /// class indices, the best first.
    ///
    /// Follows <https://keras.io/api/metrics/accuracy_metrics/#sparsetopkcategoricalaccuracy-class>.
    ///
    /// ```
    /// use keras_serial::metrics::{Measure, SparseTopKCategoricalAccuracy};
    /// use keras_serial::tensor::Tensor;
    /// let y_true = Tensor::from_slice(&[1.0f32, 2.0], [2])?;
    /// let y_pred = Tensor::from_slice(&[0.1f32, 0.6, 0.3, 0.7, 0.2, 0.1], [2, 3])?;
    /// let metric = SparseTopKCategoricalAccuracy::new().k(1);
    /// metric.update_state(&y_true, &y_pred, None)?;
    /// let result = metric.result()?.into_single()?.item::<f32>()?;
    /// assert!((result - 0.5).abs() < 1e-4);
    /// # Ok::<(), keras_serial::Error>(())
    /// ```
    class SparseTopKCategoricalAccuracy("sparse_top_k_categorical_accuracy"; "sparse_top_k_categorical_accuracy") direction Up {
        /// The number of highest predictions that are considered.
        k: usize = 5;
        /// Whether predictions are class indices, the best first.
        from_sorted_ids: bool = false, omit(is_false);
    }

    /// Computes [`SparseTopKCategoricalAccuracy`] per sample, with default arguments.
    function sparse_top_k_categorical_accuracy;

    |metric, y_true, y_pred| {
        if !metric.from_sorted_ids {
            return among_top_k(&cast(y_true, DType::Int32)?, y_pred, metric.k);
        }
        let ids = reshape_to(y_pred, &Shape::from([None, Some(y_pred.shape().last()?)]))?;
        let first = slice_axis(&ids, 1, Span { start: None, stop: Some(metric.k as isize), step: 1 })?;
        let classes = reshape_to(&cast(y_true, y_pred.dtype())?, &Shape::from([None, Some(1)]))?;
        let matches = any_impl(&equal(&classes, &first)?, &Axes::from(1), false)?;
        reshape_to(&cast(&matches, DType::Float32)?, y_true.shape())
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "what `skip_if` calls")]
fn is_false(from_sorted_ids: &bool) -> bool {
    !*from_sorted_ids
}
