//! Cross-entropy of yes and no.

use super::entropy;
use super::macros::loss;
use crate::config::Number;
use crate::ops::Axes;
use crate::ops::reduce::mean_impl;

loss! {
    /// The mean of `-y_true · log(y_pred) - (1 - y_true) · log(1 - y_pred)`.
    ///
    /// `from_logits` (false) says that predictions are not yet probabilities; `label_smoothing` (0.0) moves the truth
    /// that far towards a half; `axis` (-1) is that of the mean.
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
        /// Are the predictions not yet probabilities?
        from_logits: bool = false;
        /// How far the truth is moved towards a half.
        label_smoothing: Number = Number::Float(0.0);
        /// The axis of the mean.
        axis: Axes = Axes::from(-1);
    }

    /// The loss of each sample: [`BinaryCrossentropy`] with its default arguments, not reduced.
    function binary_crossentropy("bce", "BCE");

    |loss, y_true, y_pred| {
        let y_true = entropy::smooth(y_true, loss.label_smoothing.get(), 0.5)?;
        let entropy = entropy::binary_entropy(&y_true, y_pred, loss.from_logits)?;
        mean_impl(&entropy, &loss.axis, false)
    }
}
