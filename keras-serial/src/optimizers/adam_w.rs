//! The AdamW optimizer: Adam with decoupled weight decay.

use super::adam::{self, Step};
use super::{Optimize, OptimizerBase};
use crate::config::Number;
use crate::error::{Error, ErrorKind, Result};
use crate::tensor::Tensor;
use crate::variable::Variable;
use crate::{KerasSerializable, register};

/// The AdamW optimizer: [`Adam`](super::Adam) with weight decay: each step first subtracts `weight_decay
/// · learning_rate` times the weights.
///
/// # Arguments
/// - `learning_rate`: 0.001 by default.
/// - `weight_decay`: 0.004 by default.
/// - `beta_1`, `beta_2`: 0.9 and 0.999 by default.
/// - `epsilon`: 1e-7 by default.
/// - `amsgrad`: false by default.
/// - those of [`OptimizerBase`].
///
/// Follows <https://keras.io/api/optimizers/adamw>.
///
/// ```
/// use keras_serial::optimizers::{AdamW, Optimizer, OptimizerExt};
/// use keras_serial::prelude::*;
/// let dense = LayerRef::from(Dense::new(1).use_bias(false).kernel_initializer("ones"));
/// dense.build(&[1, 1].into())?;
/// let optimizer = Optimizer::from(AdamW::new().learning_rate(0.25).weight_decay(1.0));
/// optimizer.apply(&[Some(Tensor::from_slice(&[3.0f32], [1, 1])?)], &dense.weights())?;
/// assert!((dense.weights()[0].read().item::<f32>()? - 0.5).abs() < 1e-5);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.optimizers", alias("adamw"))]
#[derive(KerasSerializable, Debug)]
#[keras(new, default, setters, validate = Self::check)]
pub struct AdamW {
    #[keras(default = OptimizerBase::with_weight_decay(0.004))]
    base: OptimizerBase,
    #[keras(default = 0.9.into())]
    beta_1: Number,
    #[keras(default = 0.999.into())]
    beta_2: Number,
    #[keras(default = 1e-7.into())]
    epsilon: Number,
    #[keras(default = false)]
    amsgrad: bool,
}

impl AdamW {
    fn check(&self) -> Result<()> {
        if self.base.weight_decay().is_some() {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Config, "Argument `weight_decay` must be a float").received("weight_decay=None"))
    }
}

impl Optimize for AdamW {
    fn create_slots(&self, variables: &[Variable]) -> Result<()> {
        adam::create_slots(&self.base, variables, self.amsgrad)
    }

    fn never_fails(&self) -> bool {
        true
    }

    fn update_step(&self, gradient: &Tensor, variable: &Variable, learning_rate: f64) -> Result<()> {
        let betas = (self.beta_1.get(), self.beta_2.get());
        let step = Step::new(betas, self.epsilon.get(), learning_rate, self.iterations()?, variable);
        adam::update(&self.base, &step, gradient, variable)
    }
}
