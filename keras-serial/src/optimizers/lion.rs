//! The Lion optimizer.

use super::kernel::{self, Kernel, Real, Scalar, Slope};
use super::{Optimize, OptimizerBase};
use crate::config::Number;
use crate::error::{Error, ErrorKind, Result};
use crate::tensor::Tensor;
use crate::variable::Variable;
use crate::{KerasSerializable, register};

/// The Lion optimizer: steps of constant size in the direction of a mean of gradients: `w ← w -
/// learning_rate · sign(beta_1 · m + (1 - beta_1) g)`, `m ← beta_2 · m + (1 - beta_2) g`.
///
/// # Arguments
/// - `learning_rate`: 0.001 by default.
/// - `beta_1`: more than 0 and at most 1, 0.9 by default.
/// - `beta_2`: 0.99 by default.
/// - those of [`OptimizerBase`].
///
/// Follows <https://keras.io/api/optimizers/lion>.
///
/// ```
/// use keras_serial::optimizers::{Lion, Optimizer, OptimizerExt};
/// use keras_serial::prelude::*;
/// let dense = LayerRef::from(Dense::new(1).use_bias(false).kernel_initializer("ones"));
/// dense.build(&[1, 2].into())?;
/// let optimizer = Optimizer::from(Lion::new().learning_rate(0.25));
/// let gradient = Tensor::from_slice(&[3.0f32, -0.5], [2, 1])?;
/// optimizer.apply(&[Some(gradient)], &dense.weights())?;
/// assert_eq!(dense.weights()[0].read().to_vec::<f32>()?, [0.75, 1.25]);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.optimizers", alias("lion"))]
#[derive(KerasSerializable, Debug)]
#[keras(new, default, setters, validate = Self::check)]
pub struct Lion {
    base: OptimizerBase,
    #[keras(default = 0.9.into())]
    beta_1: Number,
    #[keras(default = 0.99.into())]
    beta_2: Number,
}

impl Lion {
    fn check(&self) -> Result<()> {
        let beta_1 = self.beta_1;
        if beta_1.get() > 0.0 && beta_1.get() <= 1.0 {
            return Ok(());
        }
        let message = "Argument `beta_1` must be in the [0, 1] range. Otherwise, the optimizer degenerates to SignSGD";
        Err(Error::new(ErrorKind::Config, message).received(format!("beta_1={beta_1}")))
    }
}

impl Optimize for Lion {
    fn create_slots(&self, variables: &[Variable]) -> Result<()> {
        self.check()?;
        self.base.add_slots(variables, &["momentum"])
    }

    fn never_fails(&self) -> bool {
        true
    }

    fn update_step(&self, gradient: &Tensor, variable: &Variable, learning_rate: f64) -> Result<()> {
        let m = self.base.slot(variable, "momentum")?;
        let beta = |beta: Number| Scalar::of(beta.get(), variable.dtype()).get();
        let step = Step { learning_rate, beta_1: beta(self.beta_1), beta_2: beta(self.beta_2) };
        kernel::run(&step, gradient, [variable, &m])
    }
}

struct Step {
    learning_rate: f64,
    beta_1: f64,
    beta_2: f64,
}

impl Kernel<2> for Step {
    fn step<R: Real>(&self, Slope { sum: g, .. }: Slope<R>, [w, m]: [R; 2]) -> [R; 2] {
        let mean = |beta: f64| m * R::of(beta) + g * R::of(1.0 - beta);
        [w - R::of(self.learning_rate) * mean(self.beta_1).sign(), mean(self.beta_2)]
    }
}
