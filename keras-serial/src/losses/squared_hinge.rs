//! The squared hinge loss, `mean(max(1 - y_true · y_pred, 0)²)`.

use super::entropy;
use super::macros::loss;
use crate::ops::reduce::mean_impl;
use crate::ops::{Axes, multiply, relu, square, subtract};

loss! {
    /// The squared hinge loss: the mean of `max(1 - y_true · y_pred, 0)²`, for labels of -1 and 1;
    /// labels of 0 and 1 are converted.
    ///
    /// Follows <https://keras.io/api/losses/hinge_losses/#squaredhinge-class>.
    ///
    /// ```
    /// use keras_serial::losses::{ComputeLoss, SquaredHinge};
    /// use keras_serial::tensor::Tensor;
    /// let y_true = Tensor::from_slice(&[0.0f32, 1.0, 1.0, 1.0, 0.0, 1.0], [2, 3])?;
    /// let y_pred = Tensor::from_slice(&[0.1f32, 0.6, 0.3, 0.7, 0.2, 0.1], [2, 3])?;
    /// let loss = SquaredHinge::new().evaluate(&y_true, &y_pred, None)?.item::<f32>()?;
    /// assert!((loss - 0.7).abs() < 1e-4);
    /// # Ok::<(), keras_serial::Error>(())
    /// ```
    class SquaredHinge("squared_hinge") {}

    /// Computes [`SquaredHinge`] per sample, with default arguments and without reduction.
    function squared_hinge();

    |_loss, y_true, y_pred| {
        let y_true = entropy::to_plus_minus_one(y_true)?;
        mean_impl(&square(&relu(&subtract(1.0, multiply(&y_true, y_pred)?)?)?)?, &Axes::from(-1), false)
    }
}
