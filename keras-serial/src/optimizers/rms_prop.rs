//! The RMSprop optimizer.

use super::kernel::{self, Kernel, Real, Slope};
use super::{Optimize, OptimizerBase};
use crate::config::Number;
use crate::error::Result;
use crate::tensor::Tensor;
use crate::variable::Variable;
use crate::{KerasSerializable, register};

/// The RMSprop optimizer: divides gradients by the root of a moving mean of their squares: `v ← rho · v
/// + (1 - rho) · g²`, `w ← w - learning_rate · g / √(v + epsilon)`.
///
/// # Arguments
/// - `learning_rate`: 0.001 by default.
/// - `rho`: 0.9 by default.
/// - `momentum`: 0 by default; with more, steps accumulate: `m ← momentum · m + step`.
/// - `epsilon`: 1e-7 by default.
/// - `centered`: whether to subtract the squared mean gradient from the mean square; false by default.
/// - those of [`OptimizerBase`].
///
/// Follows <https://keras.io/api/optimizers/rmsprop>.
///
/// ```
/// use keras_serial::optimizers::{Optimizer, OptimizerExt, RMSprop};
/// use keras_serial::prelude::*;
/// let dense = LayerRef::from(Dense::new(1).use_bias(false).kernel_initializer("ones"));
/// dense.build(&[1, 1].into())?;
/// let optimizer = Optimizer::from(RMSprop::new().learning_rate(0.1).rho(0.75).epsilon(0.0));
/// optimizer.apply(&[Some(Tensor::from_slice(&[4.0f32], [1, 1])?)], &dense.weights())?;
/// assert!((dense.weights()[0].read().item::<f32>()? - 0.8).abs() < 1e-6);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.optimizers", alias("rmsprop"))]
#[derive(KerasSerializable, Debug)]
#[keras(new, default, setters)]
pub struct RMSprop {
    base: OptimizerBase,
    #[keras(default = 0.9.into())]
    rho: Number,
    #[keras(default = 0.0.into())]
    momentum: Number,
    #[keras(default = 1e-7.into())]
    epsilon: Number,
    #[keras(default = false)]
    centered: bool,
}

impl Optimize for RMSprop {
    fn create_slots(&self, variables: &[Variable]) -> Result<()> {
        self.base.add_slots(variables, &["velocity"])?;
        if self.momentum.get() > 0.0 {
            self.base.add_slots(variables, &["momentum"])?;
        }
        if self.centered { self.base.add_slots(variables, &["average_gradient"]) } else { Ok(()) }
    }

    fn never_fails(&self) -> bool {
        true
    }

    fn update_step(&self, gradient: &Tensor, variable: &Variable, learning_rate: f64) -> Result<()> {
        let step =
            Step { learning_rate, rho: self.rho.get(), momentum: self.momentum.get(), epsilon: self.epsilon.get() };
        let v = self.base.slot(variable, "velocity")?;
        let momentum = self.base.find_slot(variable, "momentum");
        let average = self.base.find_slot(variable, "average_gradient");
        match (momentum, average) {
            (None, None) => kernel::run(&step, gradient, [variable, &v]),
            (Some(m), None) => kernel::run(&WithMomentum(step), gradient, [variable, &v, &m]),
            (None, Some(a)) => kernel::run(&Centered(step), gradient, [variable, &v, &a]),
            (Some(m), Some(a)) => kernel::run(&step, gradient, [variable, &v, &m, &a]),
        }
    }
}

struct Step {
    learning_rate: f64,
    rho: f64,
    momentum: f64,
    epsilon: f64,
}

impl Step {
    fn mean<R: Real>(&self, mean: R, new: R) -> R {
        R::of(self.rho) * mean + R::of(1.0 - self.rho) * new
    }

    fn increment<R: Real>(&self, g: R, mean_square: R) -> R {
        R::of(self.learning_rate) * g / (mean_square + R::of(self.epsilon)).sqrt()
    }
}

impl Kernel<2> for Step {
    fn step<R: Real>(&self, Slope { sum: g, part: square }: Slope<R>, [w, v]: [R; 2]) -> [R; 2] {
        let v = self.mean(v, square);
        [w - self.increment(g, v), v]
    }
}

struct WithMomentum(Step);

impl Kernel<3> for WithMomentum {
    fn step<R: Real>(&self, Slope { sum: g, part: square }: Slope<R>, [w, v, m]: [R; 3]) -> [R; 3] {
        let v = self.0.mean(v, square);
        let m = R::of(self.0.momentum) * m + self.0.increment(g, v);
        [w - m, v, m]
    }
}

struct Centered(Step);

impl Kernel<3> for Centered {
    fn step<R: Real>(&self, Slope { sum: g, part: square }: Slope<R>, [w, v, a]: [R; 3]) -> [R; 3] {
        let (v, a) = (self.0.mean(v, square), self.0.mean(a, g));
        [w - self.0.increment(g, v - a * a), v, a]
    }
}

impl Kernel<4> for Step {
    fn step<R: Real>(&self, Slope { sum: g, part: square }: Slope<R>, [w, v, m, a]: [R; 4]) -> [R; 4] {
        let (v, a) = (self.mean(v, square), self.mean(a, g));
        let m = R::of(self.momentum) * m + self.increment(g, v - a * a);
        [w - m, v, m, a]
    }
}
