//! The accuracy: how often predictions equal labels.

use super::macros::mean_metric;
use crate::losses::squeeze_or_expand_to_same_rank;
use crate::ops::dtypes::cast;
use crate::ops::equal;
use crate::tensor::DType;

mean_metric! {
    /// The accuracy: how often predictions equal labels.
    ///
    /// Follows <https://keras.io/api/metrics/accuracy_metrics/#accuracy-class>.
    ///
    /// ```
    /// use keras_serial::metrics::{Accuracy, Measure};
    /// use keras_serial::tensor::Tensor;
    /// let y_true = Tensor::from_slice(&[1.0f32, 2.0, 3.0, 4.0], [4, 1])?;
    /// let y_pred = Tensor::from_slice(&[0.0f32, 2.0, 3.0, 4.0], [4, 1])?;
    /// let metric = Accuracy::new();
    /// metric.update_state(&y_true, &y_pred, None)?;
    /// let result = metric.result()?.into_single()?.item::<f32>()?;
    /// assert!((result - 0.75).abs() < 1e-4);
    /// # Ok::<(), keras_serial::Error>(())
    /// ```
    class Accuracy("accuracy"; "accuracy") direction Up {}

    |_metric, y_true, y_pred| {
        let (y_true, y_pred) = squeeze_or_expand_to_same_rank(&cast(y_true, y_pred.dtype())?, y_pred, true)?;
        cast(&equal(&y_true, &y_pred)?, DType::Float32)
    }
}
