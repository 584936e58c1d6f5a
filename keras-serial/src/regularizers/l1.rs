//! The L1 penalty, `l1 · Σ|x|`.

use super::Regularize;
use crate::error::Result;
use crate::ops::{Axes, abs, multiply, reduce::sum_impl};
use crate::tensor::Tensor;
use crate::{KerasSerializable, register};

/// The L1 penalty, the weighted sum of absolute values: `l1 · Σ|x|`.
///
/// `l1` is 0.01 by default. Follows <https://keras.io/api/layers/regularizers/#l1-class>.
///
/// ```
/// use keras_serial::regularizers::{L1, Regularize};
/// use keras_serial::tensor::Tensor;
/// let x = Tensor::from_slice(&[1.0f32, -2.0, 3.0], [3])?;
/// assert_eq!(L1::new(0.5).penalty(&x)?.item::<f32>()?, 3.0);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.regularizers", alias("l1"))]
#[derive(KerasSerializable, Clone, Debug)]
#[keras(validate = Self::check)]
pub struct L1 {
    /// The factor, in single precision as in Keras.
    #[keras(default = 0.01)]
    l1: f32,
}

impl L1 {
    /// Creates the penalty with this factor.
    pub fn new(l1: f32) -> Self {
        Self { l1 }
    }

    fn check(&self) -> Result<()> {
        super::l2::non_negative("l1", f64::from(self.l1))
    }
}

impl Regularize for L1 {
    fn penalty(&self, x: &Tensor) -> Result<Tensor> {
        multiply(sum_impl(&abs(x)?, &Axes::all(), false)?, self.l1)
    }
}
