//! The Kullback-Leibler divergence, `sum(y_true · log(y_true / y_pred))`.

use super::macros::loss;
use crate::ops::numeric::EPSILON;
use crate::ops::reduce::sum_impl;
use crate::ops::{Axes, clip, divide, log, multiply};

loss! {
    /// The Kullback-Leibler divergence: `sum(y_true · log(y_true / y_pred))`.
    ///
    /// Follows <https://keras.io/api/losses/probabilistic_losses/#kldivergence-class>.
    ///
    /// ```
    /// use keras_serial::losses::{ComputeLoss, KLDivergence};
    /// use keras_serial::tensor::Tensor;
    /// let y_true = Tensor::from_slice(&[0.0f32, 1.0, 0.0, 0.0, 0.0, 1.0], [2, 3])?;
    /// let y_pred = Tensor::from_slice(&[0.1f32, 0.6, 0.3, 0.7, 0.2, 0.1], [2, 3])?;
    /// let loss = KLDivergence::new().evaluate(&y_true, &y_pred, None)?.item::<f32>()?;
    /// assert!((loss - 1.406702).abs() < 1e-4);
    /// # Ok::<(), keras_serial::Error>(())
    /// ```
    class KLDivergence("kl_divergence") {}

    /// Computes [`KLDivergence`] per sample, with default arguments and without reduction.
    function kl_divergence("kld", "KLD");

    |_loss, y_true, y_pred| {
        let (y_true, y_pred) = (clip(y_true, EPSILON, 1.0)?, clip(y_pred, EPSILON, 1.0)?);
        sum_impl(&multiply(&y_true, log(&divide(&y_true, &y_pred)?)?)?, &Axes::from(-1), false)
    }
}
