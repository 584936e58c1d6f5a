//! Binary cross-entropy with a focus on hard samples.

use super::entropy;
use super::macros::loss;
use crate::config::Number;
use crate::ops::reduce::mean_impl;
use crate::ops::{Axes, add, multiply, power, sigmoid, subtract};

loss! {
    /// Binary cross-entropy times `(1 - p)^gamma`, where `p` is the probability of the true label, so
    /// that easy samples count little.
    ///
    /// `from_logits` (false): whether predictions are logits, not probabilities; `label_smoothing` (0.0)
    /// smooths labels towards 0.5; `axis` (-1) is the axis of the mean. `gamma` (2.0) is the focusing
    /// exponent; `apply_class_balancing` (false) weights positive labels by `alpha` (0.25) and negative
    /// ones by `1 - alpha`.
    ///
    /// Follows <https://keras.io/api/losses/probabilistic_losses/#binaryfocalcrossentropy-class>.
    ///
    /// ```
    /// use keras_serial::losses::{ComputeLoss, BinaryFocalCrossentropy};
    /// use keras_serial::tensor::Tensor;
    /// let y_true = Tensor::from_slice(&[0.0f32, 1.0, 1.0, 1.0, 0.0, 1.0], [2, 3])?;
    /// let y_pred = Tensor::from_slice(&[0.1f32, 0.6, 0.3, 0.7, 0.2, 0.1], [2, 3])?;
    /// let loss = BinaryFocalCrossentropy::new().evaluate(&y_true, &y_pred, None)?.item::<f32>()?;
    /// assert!((loss - 0.429809).abs() < 1e-4);
    /// # Ok::<(), keras_serial::Error>(())
    /// ```
    class BinaryFocalCrossentropy("binary_focal_crossentropy") {
        /// Whether predictions are logits, not probabilities.
        from_logits: bool = false;
        /// How far labels are smoothed towards 0.5.
        label_smoothing: Number = Number::Float(0.0);
        /// The axis of the mean.
        axis: Axes = Axes::from(-1);
        /// Whether classes are weighted by `alpha`.
        apply_class_balancing: bool = false;
        /// The weight of positive labels.
        alpha: Number = Number::Float(0.25);
        /// The focusing exponent.
        gamma: Number = Number::Float(2.0);
    }

    /// Computes [`BinaryFocalCrossentropy`] per sample, with default arguments and without reduction.
    function binary_focal_crossentropy();

    |loss, y_true, y_pred| {
        let y_true = entropy::smooth(y_true, loss.label_smoothing.get(), 0.5)?;
        let y_pred = if loss.from_logits { sigmoid(y_pred)? } else { y_pred.clone() };
        let entropy = entropy::binary_entropy(&y_true, &y_pred, false)?;
        let (no, not_pred) = (subtract(1.0, &y_true)?, subtract(1.0, &y_pred)?);
        let p = add(multiply(&y_true, &y_pred)?, multiply(&no, &not_pred)?)?;
        let mut focal = multiply(power(&subtract(1.0, &p)?, loss.gamma.get())?, &entropy)?;
        if loss.apply_class_balancing {
            let weight = add(multiply(&y_true, loss.alpha.get())?, multiply(&no, 1.0 - loss.alpha.get())?)?;
            focal = multiply(&weight, &focal)?;
        }
        mean_impl(&focal, &loss.axis, false)
    }
}
