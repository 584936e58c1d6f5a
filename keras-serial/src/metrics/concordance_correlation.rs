//! Lin's concordance correlation.

use super::macros::mean_metric;
use crate::losses::{as_numbers, squeeze_or_expand_to_same_rank};
use crate::ops::numeric::EPSILON;
use crate::ops::reduce::{mean_impl, var_impl};
use crate::ops::{Axes, add, divide, multiply, square, subtract};
use crate::tensor::Tensor;

mean_metric! {
    /// Lin's concordance correlation of targets and predictions, as Keras computes it: the mean of `2 ·
    /// (y_true - mean(y_pred)) · (y_pred - mean(y_pred))` over the sum of both variances and the squared
    /// difference of the means.
    ///
    /// `axis` (-1) is that of the samples.
    ///
    /// Follows <https://keras.io/api/metrics/regression_metrics/#concordancecorrelation-class>.
    ///
    /// ```
    /// use keras_serial::metrics::{ConcordanceCorrelation, Measure};
    /// use keras_serial::tensor::Tensor;
    /// let y_true = Tensor::from_slice(&[0.0f32, 1.0, 2.0, 3.0, 4.0, 5.0], [2, 3])?;
    /// let y_pred = Tensor::from_slice(&[1.0f32, 1.0, 1.0, 2.0, 4.0, 8.0], [2, 3])?;
    /// let metric = ConcordanceCorrelation::new();
    /// metric.update_state(&y_true, &y_pred, None)?;
    /// let result = metric.result()?.into_single()?.item::<f32>()?;
    /// assert!((result - 0.272727).abs() < 1e-4);
    /// # Ok::<(), keras_serial::Error>(())
    /// ```
    class ConcordanceCorrelation("concordance_correlation"; "concordance_correlation") direction Up {
        /// The axis of the samples.
        axis: Axes = Axes::from(-1);
    }

    /// Computes [`ConcordanceCorrelation`] per sample, with default arguments.
    function concordance_correlation;

    |metric, y_true, y_pred| {
        let (y_true, y_pred) = as_numbers(y_true, y_pred)?;
        let (y_true, y_pred) = squeeze_or_expand_to_same_rank(&y_true, &y_pred, true)?;
        let mean = |x: &Tensor| mean_impl(x, &metric.axis, true);
        let (true_mean, pred_mean) = (mean(&y_true)?, mean(&y_pred)?);
        let variances = add(var_impl(&y_true, &metric.axis, true)?, var_impl(&y_pred, &metric.axis, true)?)?;
        // Keras subtracts the predictions' mean from both.
        let covariance = multiply(subtract(&y_true, &pred_mean)?, subtract(&y_pred, &pred_mean)?)?;
        let norm = add(&variances, square(&subtract(&true_mean, &pred_mean)?)?)?;
        mean_impl(&divide(multiply(&covariance, 2.0)?, add(&norm, EPSILON)?)?, &metric.axis, false)
    }
}
