//! A loss between cross-entropy and absolute error.

use super::entropy::classes;
use super::{ComputeLoss, Loss, LossBase, Parameterized, squeeze_or_expand_to_same_rank};
use crate::config::Number;
use crate::error::{Error, ErrorKind, Result};
use crate::ops::one_hot::one_hot;
use crate::ops::reduce::sum_impl;
use crate::ops::{Axes, divide, multiply, power, subtract};
use crate::tensor::Tensor;
use crate::{KerasSerializable, register};

/// The generalized cross-entropy `(1 - y_pred[y_true]^q) / q`, for integer class labels; robust against
/// wrong labels.
///
/// `q` (0.5) is between 0, the cross-entropy, and 1, the absolute error.
///
/// Follows <https://keras.io/api/losses/probabilistic_losses/#categoricalgeneralizedcrossentropy-class>.
///
/// ```
/// use keras_serial::losses::{CategoricalGeneralizedCrossEntropy, ComputeLoss};
/// use keras_serial::tensor::Tensor;
/// let y_true = Tensor::from_slice(&[1i32, 2], [2])?;
/// let y_pred = Tensor::from_slice(&[0.1f32, 0.6, 0.3, 0.7, 0.2, 0.1], [2, 3])?;
/// let loss = CategoricalGeneralizedCrossEntropy::new().evaluate(&y_true, &y_pred, None)?;
/// assert!((loss.item::<f32>()? - 0.909175).abs() < 1e-4);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.losses")]
#[derive(KerasSerializable, Clone, Debug)]
#[keras(new, default, setters, validate = Self::check)]
pub struct CategoricalGeneralizedCrossEntropy {
    #[keras(default = LossBase::named("categorical_generalized_cross_entropy"))]
    base: LossBase,
    #[keras(default = Number::Float(0.5))]
    q: Number,
}

impl CategoricalGeneralizedCrossEntropy {
    fn check(&self) -> Result<()> {
        if self.q.get() > 0.0 && self.q.get() < 1.0 {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Config, "q must be in the interval (0, 1)").received(format!("q={}", self.q)))
    }
}

impl ComputeLoss for CategoricalGeneralizedCrossEntropy {
    fn call(&self, y_true: &Tensor, y_pred: &Tensor) -> Result<Tensor> {
        self.check()?;
        let (y_true, y_pred) = squeeze_or_expand_to_same_rank(y_true, y_pred, true)?;
        let count = y_pred.shape().last()?;
        let chosen = one_hot(&classes(&y_true, count)?, count, -1, y_pred.dtype())?;
        let p = sum_impl(&multiply(&y_pred, &chosen)?, &Axes::from(-1), false)?;
        divide(subtract(1.0, power(&p, self.q.get())?)?, self.q.get())
    }
}

/// Computes [`CategoricalGeneralizedCrossEntropy`] per sample, with default arguments and without reduction.
///
/// # Errors
/// When the shapes do not fit.
#[register(builtin = "keras.losses")]
pub fn categorical_generalized_cross_entropy(y_true: &Tensor, y_pred: &Tensor) -> Result<Tensor> {
    CategoricalGeneralizedCrossEntropy::new().call(y_true, y_pred)
}

inventory::submit! {
    Parameterized {
        function: "categorical_generalized_cross_entropy",
        make: |arguments| Ok(Loss::new(CategoricalGeneralizedCrossEntropy::from_config(arguments)?)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Config;

    #[test]
    fn q_lies_between_0_and_1() {
        let config = Config::from([("q".to_owned(), 1.5.into())]);
        let error = CategoricalGeneralizedCrossEntropy::from_config(&config).unwrap_err();
        assert!(error.to_string().contains("q must be in the interval (0, 1)"), "{error}");
    }
}
