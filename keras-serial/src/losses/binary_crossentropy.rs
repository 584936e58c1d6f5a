//! Binary cross-entropy.

use super::entropy;
use super::macros::loss;
use crate::config::Number;
use crate::ops::Axes;
use crate::ops::reduce::mean_impl;

loss! {
    /// The binary cross-entropy: the mean of `-y_true · log(y_pred) - (1 - y_true) · log(1 - y_pred)`.
    ///
    /// `from_logits` (false): whether predictions are logits, not probabilities; `label_smoothing` (0.0)
    /// smooths labels towards 0.5; `axis` (-1) is the axis of the mean.
    ///
    /// Follows <https://keras.io/api/losses/probabilistic_losses/#binarycrossentropy-class>.
    ///
    /// ```
    /// use keras_serial::losses::{ComputeLoss, BinaryCrossentropy};
    /// use keras_serial::tensor::Tensor;
    /// let y_true = Tensor::from_slice(&[0.0f32, 1.0, 1.0, 1.0, 0.0, 1.0], [2, 3])?;
    /// let y_pred = Tensor::from_slice(&[0.1f32, 0.6, 0.3, 0.7, 0.2, 0.1], [2, 3])?;
    /// let loss = BinaryCrossentropy::new().evaluate(&y_true, &y_pred, None)?.item::<f32>()?;
    /// assert!((loss - 0.78376).abs() < 1e-4);
    /// # Ok::<(), keras_serial::Error>(())
    /// ```
    class BinaryCrossentropy("binary_crossentropy") {
        /// Whether predictions are logits, not probabilities.
        from_logits: bool = false;
        /// How far labels are smoothed towards 0.5.
        label_smoothing: Number = Number::Float(0.0);
        /// The axis of the mean.
        axis: Axes = Axes::from(-1);
    }

    /// Computes [`BinaryCrossentropy`] per sample, with default arguments and without reduction.
    function binary_crossentropy("bce", "BCE");

    |loss, y_true, y_pred| {
        let y_true = entropy::smooth(y_true, loss.label_smoothing.get(), 0.5)?;
        let entropy = entropy::binary_entropy(&y_true, y_pred, loss.from_logits)?;
        mean_impl(&entropy, &loss.axis, false)
    }
}
