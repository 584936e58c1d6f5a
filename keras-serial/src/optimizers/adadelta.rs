//! The Adadelta optimizer.

use super::kernel::{self, Kernel, Real, Slope};
use super::{Optimize, OptimizerBase};
use crate::config::Number;
use crate::error::Result;
use crate::tensor::Tensor;
use crate::variable::Variable;
use crate::{KerasSerializable, register};

/// The Adadelta optimizer, whose step size follows from earlier steps: with moving means `a` of `g²` and
/// `d` of `step²`, `step = -√(d + epsilon) / √(a + epsilon) · g`, `w ← w + learning_rate · step`.
///
/// # Arguments
/// - `learning_rate`: 0.001 by default.
/// - `rho`: the decay of the means, 0.95 by default.
/// - `epsilon`: 1e-7 by default.
/// - those of [`OptimizerBase`].
///
/// Follows <https://keras.io/api/optimizers/adadelta>.
///
/// ```
/// use keras_serial::optimizers::{Adadelta, Optimizer, OptimizerExt};
/// use keras_serial::prelude::*;
/// let dense = LayerRef::from(Dense::new(1).use_bias(false).kernel_initializer("ones"));
/// dense.build(&[1, 1].into())?;
/// let optimizer = Optimizer::from(Adadelta::new().learning_rate(1.0).rho(0.0).epsilon(0.25));
/// optimizer.apply(&[Some(Tensor::from_slice(&[0.0f32], [1, 1])?)], &dense.weights())?;
/// assert_eq!(dense.weights()[0].read().item::<f32>()?, 1.0);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.optimizers", alias("adadelta"))]
#[derive(KerasSerializable, Debug)]
#[keras(new, default, setters)]
pub struct Adadelta {
    base: OptimizerBase,
    #[keras(default = 0.95.into())]
    rho: Number,
    #[keras(default = 1e-7.into())]
    epsilon: Number,
}

impl Optimize for Adadelta {
    fn create_slots(&self, variables: &[Variable]) -> Result<()> {
        self.base.add_slots(variables, &["accumulated_grad", "accumulated_delta_var"])
    }

    fn never_fails(&self) -> bool {
        true
    }

    fn update_step(&self, gradient: &Tensor, variable: &Variable, learning_rate: f64) -> Result<()> {
        let squares = self.base.slot(variable, "accumulated_grad")?;
        let steps = self.base.slot(variable, "accumulated_delta_var")?;
        let step = Step { learning_rate, rho: self.rho.get(), epsilon: self.epsilon.get() };
        kernel::run(&step, gradient, [variable, &squares, &steps])
    }
}

struct Step {
    learning_rate: f64,
    rho: f64,
    epsilon: f64,
}

impl Kernel<3> for Step {
    fn step<R: Real>(&self, Slope { sum: g, part: square }: Slope<R>, [w, a, d]: [R; 3]) -> [R; 3] {
        let (rho, rest, epsilon) = (R::of(self.rho), R::of(1.0 - self.rho), R::of(self.epsilon));
        let a = rho * a + rest * square;
        let step = -((d + epsilon).sqrt() * g / (a + epsilon).sqrt());
        let d = rho * d + rest * ((d + epsilon) * square / (a + epsilon));
        [w + R::of(self.learning_rate) * step, a, d]
    }
}
