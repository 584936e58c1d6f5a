//! The Huber loss: squared near 0, linear further out.

use super::macros::loss;
use super::squeeze_or_expand_to_same_rank;
use crate::config::Number;
use crate::ops::reduce::mean_impl;
use crate::ops::{Axes, abs, less_equal, multiply, square, subtract, where_};

loss! {
    /// The Huber loss: the mean of `x² / 2` where `|x| ≤ delta`, else of `delta · |x| - delta² / 2`, for
    /// `x = y_true - y_pred`.
    ///
    /// `delta` (1.0) is where the square turns into a line. Keras 3.15 omits it from configurations;
    /// here it is written if it is not the default.
    ///
    /// Follows <https://keras.io/api/losses/regression_losses/#huber-class>.
    ///
    /// ```
    /// use keras_serial::losses::{ComputeLoss, Huber};
    /// use keras_serial::tensor::Tensor;
    /// let y_true = Tensor::from_slice(&[0.0f32, 1.0, 2.0, 3.0, 4.0, 5.0], [2, 3])?;
    /// let y_pred = Tensor::from_slice(&[1.0f32, 1.0, 1.0, 2.0, 4.0, 8.0], [2, 3])?;
    /// let loss = Huber::new().evaluate(&y_true, &y_pred, None)?.item::<f32>()?;
    /// assert!((loss - 0.666667).abs() < 1e-4);
    /// # Ok::<(), keras_serial::Error>(())
    /// ```
    class Huber("huber_loss") {
        /// Where the square turns into a line.
        delta: Number = Number::Float(1.0), omit(is_one);
    }

    /// Computes [`Huber`] per sample, with default arguments and without reduction.
    function huber();

    |loss, y_true, y_pred| {
        let (y_true, y_pred) = squeeze_or_expand_to_same_rank(y_true, y_pred, true)?;
        let error = subtract(&y_pred, &y_true)?;
        let size = abs(&error)?;
        let near = multiply(square(&error)?, 0.5)?;
        let far = subtract(multiply(&size, loss.delta.get())?, 0.5 * loss.delta.get().powi(2))?;
        mean_impl(&where_(&less_equal(&size, loss.delta.get())?, &near, &far)?, &Axes::from(-1), false)
    }
}

fn is_one(delta: &Number) -> bool {
    *delta == Number::Float(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::KerasSerializable;
    use crate::losses::ComputeLoss;
    use crate::tensor::Tensor;

    // keras.losses.Huber(delta=2.5)([[0., 5.]], [[0., 0.]]) is 4.6875
    #[test]
    fn another_delta_is_kept() {
        let y_true = Tensor::from_slice(&[0.0f32, 5.0], [1, 2]).unwrap();
        let y_pred = Tensor::from_slice(&[0.0f32, 0.0], [1, 2]).unwrap();
        let config = Huber::new().delta(2.5).get_config().unwrap();
        let loss = Huber::from_config(&config).unwrap();
        assert_eq!(loss.evaluate(&y_true, &y_pred, None).unwrap().item::<f32>().unwrap(), 4.6875);
        assert!(!Huber::new().get_config().unwrap().contains_key("delta"));
    }
}
