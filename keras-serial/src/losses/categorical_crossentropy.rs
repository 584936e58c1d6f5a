//! Cross-entropy for one-hot labels.

use super::entropy;
use super::macros::loss;
use crate::config::Number;
use crate::ops::reduce::sum_impl;
use crate::ops::{Axes, multiply, negative};

loss! {
    /// The cross-entropy `-sum(y_true · log(y_pred))`, for one-hot labels and rows of probabilities.
    ///
    /// `from_logits` (false): whether predictions are logits, not probabilities; `label_smoothing` (0.0)
    /// smooths labels towards equal classes; `axis` (-1) is that of the classes.
    ///
    /// Follows <https://keras.io/api/losses/probabilistic_losses/#categoricalcrossentropy-class>.
    ///
    /// ```
    /// use keras_serial::losses::{ComputeLoss, CategoricalCrossentropy};
    /// use keras_serial::tensor::Tensor;
    /// let y_true = Tensor::from_slice(&[0.0f32, 1.0, 0.0, 0.0, 0.0, 1.0], [2, 3])?;
    /// let y_pred = Tensor::from_slice(&[0.1f32, 0.6, 0.3, 0.7, 0.2, 0.1], [2, 3])?;
    /// let loss = CategoricalCrossentropy::new().evaluate(&y_true, &y_pred, None)?.item::<f32>()?;
    /// assert!((loss - 1.406705).abs() < 1e-4);
    /// # Ok::<(), keras_serial::Error>(())
    /// ```
    class CategoricalCrossentropy("categorical_crossentropy") {
        /// Whether predictions are logits, not probabilities.
        from_logits: bool = false;
        /// How far labels are smoothed towards equal classes.
        label_smoothing: Number = Number::Float(0.0);
        /// The axis of the classes.
        axis: Axes = Axes::from(-1);
    }

    /// Computes [`CategoricalCrossentropy`] per sample, with default arguments and without reduction.
    function categorical_crossentropy();

    |loss, y_true, y_pred| {
        let y_true = entropy::smooth_classes(y_true, loss.label_smoothing.get())?;
        entropy::same_shape(&y_true, y_pred)?;
        let logarithms = entropy::log_probabilities(y_pred, loss.from_logits, &loss.axis)?;
        negative(&sum_impl(&multiply(&y_true, &logarithms)?, &loss.axis, false)?)
    }
}
