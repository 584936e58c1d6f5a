//! The accuracy of the highest prediction, for integer class labels.

use super::macros::mean_metric;
use crate::ops::dtypes::cast;
use crate::ops::equal;
use crate::ops::reduce::arg_extreme;
use crate::ops::shape::squeeze_at;
use crate::tensor::DType;

mean_metric! {
    /// The categorical accuracy: how often the highest prediction is that of the class, for integer
    /// class labels.
    ///
    /// Follows <https://keras.io/api/metrics/accuracy_metrics/#sparsecategoricalaccuracy-class>.
    ///
    /// ```
    /// use keras_serial::metrics::{Measure, SparseCategoricalAccuracy};
    /// use keras_serial::tensor::Tensor;
    /// let y_true = Tensor::from_slice(&[1.0f32, 2.0], [2])?;
    /// let y_pred = Tensor::from_slice(&[0.1f32, 0.6, 0.3, 0.7, 0.2, 0.1], [2, 3])?;
    /// let metric = SparseCategoricalAccuracy::new();
    /// metric.update_state(&y_true, &y_pred, None)?;
    /// let result = metric.result()?.into_single()?.item::<f32>()?;
    /// assert!((result - 0.5).abs() < 1e-4);
    /// # Ok::<(), keras_serial::Error>(())
    /// ```
    class SparseCategoricalAccuracy("sparse_categorical_accuracy"; "sparse_categorical_accuracy") direction Up {}

    /// Computes [`SparseCategoricalAccuracy`] per sample, with default arguments.
    function sparse_categorical_accuracy;

    |_metric, y_true, y_pred| {
        let squeezed = if y_true.rank() == y_pred.rank() && y_true.shape().get(-1)? == Some(1) { squeeze_at(y_true, -1)? } else { y_true.clone() };
        let predicted = cast(&arg_extreme(y_pred, Some(-1), false, true)?, y_pred.dtype())?;
        let matches = cast(&equal(&cast(&squeezed, y_pred.dtype())?, &predicted)?, DType::Float32)?;
        if matches.rank() > 1 && matches.shape().get(-1)? == Some(1) { squeeze_at(&matches, -1) } else { Ok(matches) }
    }
}
