//! The accuracy of the highest prediction, for one-hot labels.

use super::macros::mean_metric;
use crate::ops::dtypes::cast;
use crate::ops::equal;
use crate::ops::reduce::arg_extreme;
use crate::ops::shape::{reshape_to, squeeze_at};
use crate::tensor::DType;

mean_metric! {
    /// The categorical accuracy: how often the highest prediction is that of the class, for one-hot
    /// labels.
    ///
    /// Follows <https://keras.io/api/metrics/accuracy_metrics/#categoricalaccuracy-class>.
    ///
    /// ```
    /// use keras_serial::metrics::{CategoricalAccuracy, Measure};
    /// use keras_serial::tensor::Tensor;
    /// let y_true = Tensor::from_slice(&[0.0f32, 1.0, 0.0, 0.0, 0.0, 1.0], [2, 3])?;
    /// let y_pred = Tensor::from_slice(&[0.1f32, 0.6, 0.3, 0.7, 0.2, 0.1], [2, 3])?;
    /// let metric = CategoricalAccuracy::new();
    /// metric.update_state(&y_true, &y_pred, None)?;
    /// let result = metric.result()?.into_single()?.item::<f32>()?;
    /// assert!((result - 0.5).abs() < 1e-4);
    /// # Ok::<(), keras_serial::Error>(())
    /// ```
    class CategoricalAccuracy("categorical_accuracy"; "categorical_accuracy") direction Up {}

    /// Computes [`CategoricalAccuracy`] per sample, with default arguments.
    function categorical_accuracy;

    |_metric, y_true, y_pred| {
        let classes = arg_extreme(y_true, Some(-1), false, true)?;
        let predicted = arg_extreme(y_pred, Some(-1), false, true)?;
        let squeezed = if classes.rank() == y_pred.rank() { squeeze_at(&classes, -1)? } else { classes.clone() };
        let matches = cast(&equal(&squeezed, &predicted)?, DType::Float32)?;
        reshape_to(&matches, if classes.rank() == y_pred.rank() { classes.shape() } else { matches.shape() })
    }
}
