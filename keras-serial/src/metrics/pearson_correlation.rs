//! Pearson's correlation.

use super::macros::mean_metric;
use crate::losses::{as_numbers, squeeze_or_expand_to_same_rank};
use crate::ops::reduce::{mean_impl, var_impl};
use crate::ops::{Axes, divide, multiply, sqrt, subtract};
use crate::tensor::Tensor;

mean_metric! {
    /// Pearson's correlation of targets and predictions: `mean((y_true - mean) / std · (y_pred - mean) /
    /// std)`.
    ///
    /// `axis` (-1) is that of the samples.
    ///
    /// Follows <https://keras.io/api/metrics/regression_metrics/#pearsoncorrelation-class>.
    ///
    /// ```
    /// use keras_serial::metrics::{Measure, PearsonCorrelation};
    /// use keras_serial::tensor::Tensor;
    /// let y_true = Tensor::from_slice(&[0.0f32, 1.0, 2.0, 3.0, 4.0, 5.0], [2, 3])?;
    /// let y_pred = Tensor::from_slice(&[1.0f32, 2.0, 1.0, 2.0, 4.0, 8.0], [2, 3])?;
    /// let metric = PearsonCorrelation::new();
    /// metric.update_state(&y_true, &y_pred, None)?;
    /// let result = metric.result()?.into_single()?.item::<f32>()?;
    /// assert!((result - 0.49099).abs() < 1e-4);
    /// # Ok::<(), keras_serial::Error>(())
    /// ```
    class PearsonCorrelation("pearson_correlation"; "pearson_correlation") direction Up {
        /// The axis of the samples.
        axis: Axes = Axes::from(-1);
    }

    /// Computes [`PearsonCorrelation`] per sample, with default arguments.
    function pearson_correlation;

    |metric, y_true, y_pred| {
        let (y_true, y_pred) = as_numbers(y_true, y_pred)?;
        let (y_true, y_pred) = squeeze_or_expand_to_same_rank(&y_true, &y_pred, true)?;
        let normal = |x: &Tensor| {
            let x = subtract(x, mean_impl(x, &metric.axis, true)?)?;
            divide(&x, sqrt(&var_impl(&x, &metric.axis, true)?)?)
        };
        mean_impl(&multiply(normal(&y_true)?, normal(&y_pred)?)?, &metric.axis, false)
    }
}
