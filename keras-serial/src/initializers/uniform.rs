//! An initializer with uniformly distributed numbers.

use super::Initialize;
use crate::error::Result;
use crate::random::{self, Seed};
use crate::tensor::{DType, Shape, Tensor};
use crate::{KerasSerializable, register};

/// An initializer with uniformly distributed numbers from `minval` to `maxval` (-0.05 and 0.05 by
/// default).
///
/// The same `seed` gives the same numbers, which differ from Keras's.
/// Follows <https://keras.io/api/layers/initializers/#randomuniform-class>.
///
/// ```
/// use keras_serial::initializers::{Initialize, RandomUniform};
/// use keras_serial::tensor::DType;
/// let y = RandomUniform::new(1.0, 2.0).init(&[100].into(), DType::Float32)?.to_vec::<f32>()?;
/// assert!(y.iter().all(|y| (1.0..2.0).contains(y)));
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.initializers", alias("random_uniform", "uniform"))]
#[derive(KerasSerializable, Clone, Debug)]
pub struct RandomUniform {
    #[keras(default)]
    seed: Seed,
    #[keras(default = -0.05)]
    minval: f64,
    #[keras(default = 0.05)]
    maxval: f64,
}

impl RandomUniform {
    /// Creates the initializer with these bounds.
    pub fn new(minval: f64, maxval: f64) -> Self {
        Self { seed: Seed::default(), minval, maxval }
    }

    /// Sets the seed.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed.into();
        self
    }
}

impl Initialize for RandomUniform {
    fn init(&self, shape: &Shape, dtype: DType) -> Result<Tensor> {
        random::uniform(&mut self.seed.generator(), shape, self.minval, self.maxval, dtype)
    }

    fn is_lazy(&self, shape: &Shape, dtype: DType) -> Result<bool> {
        Ok(shape.is_known() && dtype.is_float())
    }
}
