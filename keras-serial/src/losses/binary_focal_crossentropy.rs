//! Cross-entropy that looks at what is hard.

use super::entropy;
use super::macros::loss;
use crate::config::Number;
use crate::ops::reduce::mean_impl;
use crate::ops::{Axes, add, multiply, power, sigmoid, subtract};

loss! {
    /// Binary cross-entropy times `(1 - p)^gamma`, where `p` is the probability given to the truth: what is easy counts little.
    ///
    /// `from_logits` (false) says that predictions are not yet probabilities; `label_smoothing` (0.0) moves the truth
    /// that far towards a half; `axis` (-1) is that of the mean.
    /// `gamma` (2.0) is how little what is easy counts; `apply_class_balancing` (false) weighs yes by `alpha` (0.25) and
    /// no by `1 - alpha`.
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
        /// Are the predictions not yet probabilities?
        from_logits: bool = false;
        /// How far the truth is moved towards a half.
        label_smoothing: Number = Number::Float(0.0);
        /// The axis of the mean.
        axis: Axes = Axes::from(-1);
        /// Are the classes weighted?
        apply_class_balancing: bool = false;
        /// The weight of yes.
        alpha: Number = Number::Float(0.25);
        /// How little what is easy counts.
        gamma: Number = Number::Float(2.0);
    }

    /// The loss of each sample: [`BinaryFocalCrossentropy`] with its default arguments, not reduced.
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
