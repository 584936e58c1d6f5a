//! The categorical hinge loss, `max(neg - pos + 1, 0)`.

use super::macros::loss;
use crate::ops::reduce::{max_impl, sum_impl};
use crate::ops::{Axes, add, multiply, relu, subtract};

loss! {
    /// The categorical hinge loss: `max(neg - pos + 1, 0)`, where `pos = sum(y_true · y_pred)` and `neg
    /// = max((1 - y_true) · y_pred)`.
    ///
    /// Follows <https://keras.io/api/losses/hinge_losses/#categoricalhinge-class>.
    ///
    /// ```
    /// use keras_serial::losses::{ComputeLoss, CategoricalHinge};
    /// use keras_serial::tensor::Tensor;
    /// let y_true = Tensor::from_slice(&[0.0f32, 1.0, 0.0, 0.0, 0.0, 1.0], [2, 3])?;
    /// let y_pred = Tensor::from_slice(&[0.1f32, 0.6, 0.3, 0.7, 0.2, 0.1], [2, 3])?;
    /// let loss = CategoricalHinge::new().evaluate(&y_true, &y_pred, None)?.item::<f32>()?;
    /// assert!((loss - 1.15).abs() < 1e-4);
    /// # Ok::<(), keras_serial::Error>(())
    /// ```
    class CategoricalHinge("categorical_hinge") {}

    /// Computes [`CategoricalHinge`] per sample, with default arguments and without reduction.
    function categorical_hinge();

    |_loss, y_true, y_pred| {
        let own = sum_impl(&multiply(y_true, y_pred)?, &Axes::from(-1), false)?;
        let others = max_impl(&multiply(subtract(1.0, y_true)?, y_pred)?, &Axes::from(-1), false)?;
        relu(&add(subtract(&others, &own)?, 1.0)?)
    }
}
