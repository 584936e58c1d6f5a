//! The L1 and L2 penalty, `l1 · Σ|x| + l2 · Σx²`.

use super::{L1, L2, Regularize};
use crate::error::Result;
use crate::ops::add;
use crate::tensor::Tensor;
use crate::{KerasSerializable, register};

/// The L1 and L2 penalty: `l1 · Σ|x| + l2 · Σx²`.
///
/// `l1` and `l2` are 0 by default. Follows <https://keras.io/api/layers/regularizers/#l1l2-class>.
///
/// ```
/// use keras_serial::regularizers::{L1L2, Regularize};
/// use keras_serial::tensor::Tensor;
/// let x = Tensor::from_slice(&[1.0f32, -2.0, 3.0], [3])?;
/// assert_eq!(L1L2::new(0.5, 0.5).penalty(&x)?.item::<f32>()?, 10.0);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.regularizers", alias("l1_l2"))]
#[derive(KerasSerializable, Clone, Debug)]
#[keras(validate = Self::check)]
pub struct L1L2 {
    #[keras(default)]
    l1: f64,
    #[keras(default)]
    l2: f64,
}

impl L1L2 {
    /// Creates the penalty with these factors.
    pub fn new(l1: f64, l2: f64) -> Self {
        Self { l1, l2 }
    }

    fn check(&self) -> Result<()> {
        super::l2::non_negative("l1", self.l1)?;
        super::l2::non_negative("l2", self.l2)
    }
}

impl Regularize for L1L2 {
    fn penalty(&self, x: &Tensor) -> Result<Tensor> {
        add(L1::new(self.l1 as f32).penalty(x)?, L2::new(self.l2).penalty(x)?)
    }
}
