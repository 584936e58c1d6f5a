//! The Adamax optimizer: Adam with the infinity norm.

use super::kernel::{self, Kernel, Real, Scalar, Slope};
use super::{Optimize, OptimizerBase};
use crate::config::Number;
use crate::error::Result;
use crate::tensor::Tensor;
use crate::variable::Variable;
use crate::{KerasSerializable, register};

/// The Adamax optimizer: [`Adam`](super::Adam) with the largest gradients instead of mean squares: `m ←
/// m + (1 - beta_1)(g - m)`, `u ← max(beta_2 · u, |g|)`, `w ← w - learning_rate · m / ((1 - beta_1ᵗ)(u +
/// epsilon))`.
///
/// # Arguments
/// - `learning_rate`: 0.001 by default.
/// - `beta_1`, `beta_2`: 0.9 and 0.999 by default.
/// - `epsilon`: 1e-7 by default.
/// - those of [`OptimizerBase`].
///
/// Follows <https://keras.io/api/optimizers/adamax>.
///
/// ```
/// use keras_serial::optimizers::{Adamax, Optimizer, OptimizerExt};
/// use keras_serial::prelude::*;
/// let dense = LayerRef::from(Dense::new(1).use_bias(false).kernel_initializer("ones"));
/// dense.build(&[1, 1].into())?;
/// let optimizer = Optimizer::from(Adamax::new().learning_rate(0.25));
/// optimizer.apply(&[Some(Tensor::from_slice(&[3.0f32], [1, 1])?)], &dense.weights())?;
/// assert!((dense.weights()[0].read().item::<f32>()? - 0.75).abs() < 1e-5);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.optimizers", alias("adamax"))]
#[derive(KerasSerializable, Debug)]
#[keras(new, default, setters)]
pub struct Adamax {
    base: OptimizerBase,
    #[keras(default = 0.9.into())]
    beta_1: Number,
    #[keras(default = 0.999.into())]
    beta_2: Number,
    #[keras(default = 1e-7.into())]
    epsilon: Number,
}

impl Optimize for Adamax {
    fn create_slots(&self, variables: &[Variable]) -> Result<()> {
        self.base.add_slots(variables, &["momentum", "norm"])
    }

    fn never_fails(&self) -> bool {
        true
    }

    fn update_step(&self, gradient: &Tensor, variable: &Variable, learning_rate: f64) -> Result<()> {
        let (m, u) = (self.base.slot(variable, "momentum")?, self.base.slot(variable, "norm")?);
        let count = self.iterations()? + 1;
        let scalar = |number| Scalar::of(number, variable.dtype());
        let missing = |beta| scalar(beta).powf(scalar(count as f64)).complement();
        let step = Step {
            learning_rate,
            beta_1: self.beta_1.get(),
            beta_2: self.beta_2.get(),
            epsilon: self.epsilon.get(),
            correction: missing(self.beta_1.get()).get(),
        };
        kernel::run(&step, gradient, [variable, &m, &u])
    }
}

struct Step {
    learning_rate: f64,
    beta_1: f64,
    beta_2: f64,
    epsilon: f64,
    correction: f64,
}

impl Kernel<3> for Step {
    fn part<R: Real>(&self, g: R) -> R {
        g.abs()
    }

    fn step<R: Real>(&self, Slope { sum: g, part: magnitude }: Slope<R>, [w, m, u]: [R; 3]) -> [R; 3] {
        let m = m + (g - m) * R::of(1.0 - self.beta_1);
        let u = (R::of(self.beta_2) * u).max(magnitude);
        let w = w - R::of(self.learning_rate) * m / (R::of(self.correction) * (u + R::of(self.epsilon)));
        [w, m, u]
    }
}
