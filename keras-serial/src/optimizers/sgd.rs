//! Stochastic gradient descent, with momentum.

use super::kernel::{self, Kernel, Real, Slope};
use super::{Optimize, OptimizerBase};
use crate::config::Number;
use crate::error::{Error, ErrorKind, Result};
use crate::tensor::Tensor;
use crate::variable::Variable;
use crate::{KerasSerializable, register};

/// Stochastic gradient descent, with optional momentum.
///
/// Without momentum: `w ← w - learning_rate · g`. With it: `m ← momentum · m - learning_rate · g`, then
/// `w ← w + m`, or with Nesterov momentum `w ← w + momentum · m - learning_rate · g`.
///
/// # Arguments
/// - `learning_rate`: 0.01 by default.
/// - `momentum`: a float from 0 to 1, 0 by default.
/// - `nesterov`: false by default.
/// - those of [`OptimizerBase`].
///
/// Follows <https://keras.io/api/optimizers/sgd>.
///
/// ```
/// use keras_serial::optimizers::{Optimizer, OptimizerExt, SGD};
/// use keras_serial::prelude::*;
/// let dense = LayerRef::from(Dense::new(1).use_bias(false).kernel_initializer("ones"));
/// dense.build(&[1, 2].into())?;
/// let gradient = Tensor::from_slice(&[1.0f32, -2.0], [2, 1])?;
/// let optimizer = Optimizer::from(SGD::new().learning_rate(0.5));
/// optimizer.apply(&[Some(gradient)], &dense.weights())?;
/// assert_eq!(dense.weights()[0].read().to_vec::<f32>()?, [0.5, 2.0]);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.optimizers", alias("sgd"))]
#[derive(KerasSerializable, Debug)]
#[keras(new, default, setters, validate = Self::check)]
pub struct SGD {
    #[keras(default = OptimizerBase::with_learning_rate(0.01))]
    base: OptimizerBase,
    #[keras(default = 0.0.into())]
    momentum: Number,
    #[keras(default = false)]
    nesterov: bool,
}

impl SGD {
    fn check(&self) -> Result<()> {
        match self.momentum {
            Number::Float(momentum) if (0.0..=1.0).contains(&momentum) => Ok(()),
            other => Err(Error::new(ErrorKind::Config, "`momentum` must be a float between [0, 1]")
                .received(format!("momentum={other}"))),
        }
    }
}

impl Optimize for SGD {
    fn create_slots(&self, variables: &[Variable]) -> Result<()> {
        self.check()?;
        if self.momentum.get() == 0.0 { Ok(()) } else { self.base.add_slots(variables, &["momentum"]) }
    }

    fn never_fails(&self) -> bool {
        true
    }

    fn update_step(&self, gradient: &Tensor, variable: &Variable, learning_rate: f64) -> Result<()> {
        let step = Step { learning_rate, momentum: self.momentum.get(), nesterov: self.nesterov };
        match self.base.find_slot(variable, "momentum") {
            Some(momentum) => kernel::run::<2>(&step, gradient, [variable, &momentum]),
            None => kernel::run::<1>(&step, gradient, [variable]),
        }
    }
}

struct Step {
    learning_rate: f64,
    momentum: f64,
    nesterov: bool,
}

impl Kernel<1> for Step {
    fn step<R: Real>(&self, Slope { sum: g, .. }: Slope<R>, [w]: [R; 1]) -> [R; 1] {
        [w - g * R::of(self.learning_rate)]
    }
}

impl Kernel<2> for Step {
    fn step<R: Real>(&self, Slope { sum: g, .. }: Slope<R>, [w, m]: [R; 2]) -> [R; 2] {
        let (momentum, down) = (R::of(self.momentum), g * R::of(self.learning_rate));
        let m = m * momentum - down;
        [if self.nesterov { w + (m * momentum - down) } else { w + m }, m]
    }
}
