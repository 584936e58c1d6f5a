//! Categorical cross-entropy with a focus on hard samples.

use super::entropy;
use super::macros::loss;
use crate::config::Number;
use crate::json::Value;
use crate::ops::numeric::EPSILON;
use crate::ops::reduce::{softmax_impl, sum_impl};
use crate::ops::{Axes, clip, divide, log, multiply, negative, power, subtract};

loss! {
    /// The focal cross-entropy `-sum(alpha · (1 - y_pred)^gamma · y_true · log(y_pred))`, in which easy
    /// samples count little.
    ///
    /// `from_logits` (false): whether predictions are logits, not probabilities; `label_smoothing` (0.0)
    /// smooths labels towards equal classes; `axis` (-1) is that of the classes. `gamma` (2.0) is the
    /// focusing exponent, `alpha` (0.25) the weight of all classes.
    ///
    /// Follows <https://keras.io/api/losses/probabilistic_losses/#categoricalfocalcrossentropy-class>.
    ///
    /// ```
    /// use keras_serial::losses::{ComputeLoss, CategoricalFocalCrossentropy};
    /// use keras_serial::tensor::Tensor;
    /// let y_true = Tensor::from_slice(&[0.0f32, 1.0, 0.0, 0.0, 0.0, 1.0], [2, 3])?;
    /// let y_pred = Tensor::from_slice(&[0.1f32, 0.6, 0.3, 0.7, 0.2, 0.1], [2, 3])?;
    /// let loss = CategoricalFocalCrossentropy::new().evaluate(&y_true, &y_pred, None)?.item::<f32>()?;
    /// assert!((loss - 0.243353).abs() < 1e-4);
    /// # Ok::<(), keras_serial::Error>(())
    /// ```
    class CategoricalFocalCrossentropy("categorical_focal_crossentropy") {
        /// Whether predictions are logits, not probabilities.
        from_logits: bool = false;
        /// How far labels are smoothed towards equal classes.
        label_smoothing: Number = Number::Float(0.0);
        /// The axis of the classes.
        axis: Axes = Axes::from(-1);
        /// The weight of all classes, or of each.
        alpha: Value = Value::Float(0.25);
        /// The focusing exponent.
        gamma: Number = Number::Float(2.0);
    }

    /// Computes [`CategoricalFocalCrossentropy`] per sample, with default arguments and without reduction.
    function categorical_focal_crossentropy();

    |loss, y_true, y_pred| {
        let y_true = entropy::smooth_classes(y_true, loss.label_smoothing.get())?;
        let y_pred = if loss.from_logits { softmax_impl(y_pred, &loss.axis)? } else { y_pred.clone() };
        let output = divide(&y_pred, &sum_impl(&y_pred, &loss.axis, true)?)?;
        let output = clip(&output, EPSILON, 1.0 - EPSILON)?;
        let entropy = multiply(negative(&y_true)?, log(&output)?)?;
        let weight = multiply(power(&subtract(1.0, &output)?, loss.gamma.get())?, entropy::class_weights(&loss.alpha, y_pred.dtype())?)?;
        sum_impl(&multiply(&weight, &entropy)?, &loss.axis, false)
    }
}
