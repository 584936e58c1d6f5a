//! The Adagrad optimizer.

use super::kernel::{self, Kernel, Real, Slope};
use super::{Optimize, OptimizerBase};
use crate::config::Number;
use crate::error::Result;
use crate::initializers::{Constant, Initializer};
use crate::tensor::Tensor;
use crate::variable::Variable;
use crate::{KerasSerializable, register};

/// The Adagrad optimizer: divides gradients by the root of the sum of their squares so far: `a ← a +
/// g²`, `w ← w - learning_rate · g / √(a + epsilon)`.
///
/// # Arguments
/// - `learning_rate`: 0.001 by default.
/// - `initial_accumulator_value`: the initial value of the sum, 0.1 by default.
/// - `epsilon`: 1e-7 by default.
/// - those of [`OptimizerBase`].
///
/// Follows <https://keras.io/api/optimizers/adagrad>.
///
/// ```
/// use keras_serial::optimizers::{Adagrad, Optimizer, OptimizerExt};
/// use keras_serial::prelude::*;
/// let dense = LayerRef::from(Dense::new(1).use_bias(false).kernel_initializer("ones"));
/// dense.build(&[1, 1].into())?;
/// let optimizer = Optimizer::from(Adagrad::new().learning_rate(0.5).initial_accumulator_value(9.0));
/// optimizer.apply(&[Some(Tensor::from_slice(&[4.0f32], [1, 1])?)], &dense.weights())?;
/// assert!((dense.weights()[0].read().item::<f32>()? - 0.6).abs() < 1e-6);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.optimizers", alias("adagrad"))]
#[derive(KerasSerializable, Debug)]
#[keras(new, default, setters)]
pub struct Adagrad {
    base: OptimizerBase,
    #[keras(default = 0.1.into())]
    initial_accumulator_value: Number,
    #[keras(default = 1e-7.into())]
    epsilon: Number,
}

impl Optimize for Adagrad {
    fn create_slots(&self, variables: &[Variable]) -> Result<()> {
        let first = Initializer::new(Constant::new(self.initial_accumulator_value.get()));
        variables.iter().try_for_each(|variable| self.base.add_slot(variable, "accumulator", &first).map(drop))
    }

    fn never_fails(&self) -> bool {
        true
    }

    fn update_step(&self, gradient: &Tensor, variable: &Variable, learning_rate: f64) -> Result<()> {
        let sum = self.base.slot(variable, "accumulator")?;
        kernel::run(&Step { learning_rate, epsilon: self.epsilon.get() }, gradient, [variable, &sum])
    }
}

struct Step {
    learning_rate: f64,
    epsilon: f64,
}

impl Kernel<2> for Step {
    fn step<R: Real>(&self, Slope { sum: g, part: square }: Slope<R>, [w, a]: [R; 2]) -> [R; 2] {
        let a = a + square;
        [w - R::of(self.learning_rate) * g / (a + R::of(self.epsilon)).sqrt(), a]
    }
}
