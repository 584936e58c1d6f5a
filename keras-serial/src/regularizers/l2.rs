//! The L2 penalty, `l2 · Σx²`.

use super::Regularize;
use crate::error::{Error, ErrorKind, Result};
use crate::ops::{Axes, multiply, reduce::sum_impl, square};
use crate::tensor::Tensor;
use crate::{KerasSerializable, register};

/// The L2 penalty, the weighted sum of squares: `l2 · Σx²`.
///
/// `l2` is 0.01 by default. Follows <https://keras.io/api/layers/regularizers/#l2-class>.
///
/// ```
/// use keras_serial::regularizers::{L2, Regularize};
/// use keras_serial::tensor::Tensor;
/// let x = Tensor::from_slice(&[1.0f32, -2.0, 3.0], [3])?;
/// assert_eq!(L2::new(0.5).penalty(&x)?.item::<f32>()?, 7.0);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.regularizers", alias("l2"))]
#[derive(KerasSerializable, Clone, Debug)]
#[keras(validate = Self::check)]
pub struct L2 {
    #[keras(default = 0.01)]
    l2: f64,
}

impl L2 {
    /// Creates the penalty with this factor.
    pub fn new(l2: f64) -> Self {
        Self { l2 }
    }

    fn check(&self) -> Result<()> {
        non_negative("l2", self.l2)
    }
}

impl Regularize for L2 {
    fn penalty(&self, x: &Tensor) -> Result<Tensor> {
        multiply(sum_impl(&square(x)?, &Axes::all(), false)?, self.l2)
    }
}

/// Checks that a factor is a non-negative number.
pub(super) fn non_negative(name: &str, value: f64) -> Result<()> {
    if value >= 0.0 && value.is_finite() {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Config, format!("Invalid value for argument {name}"))
        .expected("a non-negative float")
        .received(format!("{name}={value}")))
}
