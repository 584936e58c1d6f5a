//! The LAMB optimizer.

use super::kernel::{self, Kernel, Real, Scalar, Slope, number};
use super::{Optimize, OptimizerBase};
use crate::config::Number;
use crate::error::Result;
use crate::ops::{Axes, add, divide, multiply, reduce::sum_impl, sqrt, square, subtract};
use crate::tensor::Tensor;
use crate::variable::Variable;
use crate::{KerasSerializable, register};

/// The LAMB optimizer: Adam's step `u = m / (1 - beta_1ᵗ) / (√(v / (1 - beta_2ᵗ)) + epsilon)`, scaled to
/// the norm of the weights: `w ← w - learning_rate · ‖w‖ / ‖u‖ · u`.
///
/// # Arguments
/// - `learning_rate`: 0.001 by default.
/// - `beta_1`, `beta_2`: 0.9 and 0.999 by default.
/// - `epsilon`: 1e-7 by default.
/// - those of [`OptimizerBase`].
///
/// Follows <https://keras.io/api/optimizers/lamb>.
///
/// ```
/// use keras_serial::optimizers::{Lamb, Optimizer, OptimizerExt};
/// use keras_serial::prelude::*;
/// let dense = LayerRef::from(Dense::new(1).use_bias(false).kernel_initializer("ones"));
/// dense.build(&[1, 1].into())?;
/// let optimizer = Optimizer::from(Lamb::new().learning_rate(0.25));
/// optimizer.apply(&[Some(Tensor::from_slice(&[3.0f32], [1, 1])?)], &dense.weights())?;
/// assert!((dense.weights()[0].read().item::<f32>()? - 0.75).abs() < 1e-6);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.optimizers")]
#[derive(KerasSerializable, Debug)]
#[keras(new, default, setters)]
pub struct Lamb {
    base: OptimizerBase,
    #[keras(default = 0.9.into())]
    beta_1: Number,
    #[keras(default = 0.999.into())]
    beta_2: Number,
    #[keras(default = 1e-7.into())]
    epsilon: Number,
}

impl Optimize for Lamb {
    fn create_slots(&self, variables: &[Variable]) -> Result<()> {
        self.base.add_slots(variables, &["momentum", "velocity"])
    }

    fn update_step(&self, gradient: &Tensor, variable: &Variable, learning_rate: f64) -> Result<()> {
        let (m, v) = (self.base.slot(variable, "momentum")?, self.base.slot(variable, "velocity")?);
        let count = self.iterations()? as f64 + 1.0;
        let scalar = |number| Scalar::of(number, variable.dtype());
        let correction = |beta: Number| scalar(beta.get()).powf(scalar(count)).complement().get();
        let (of_mean, of_square) = (correction(self.beta_1), correction(self.beta_2));
        kernel::run(&Means { beta_1: self.beta_1.get(), beta_2: self.beta_2.get() }, gradient, [&m, &v])?;
        let root = add(sqrt(&divide(v.read(), of_square)?)?, self.epsilon.get())?;
        let step = divide(divide(m.read(), of_mean)?, root)?;
        let weights = variable.read();
        let (long, short) = (norm(&weights)?, norm(&step)?);
        let ratio = if long > 0.0 && short > 0.0 { long / short } else { 1.0 };
        variable.assign(&subtract(weights, multiply(step, ratio * learning_rate)?)?)
    }
}

fn norm(x: &Tensor) -> Result<f64> {
    number(&sqrt(&sum_impl(&square(x)?, &Axes::all(), false)?)?)
}

struct Means {
    beta_1: f64,
    beta_2: f64,
}

impl Kernel<2> for Means {
    fn step<R: Real>(&self, Slope { sum: g, part: square }: Slope<R>, [m, v]: [R; 2]) -> [R; 2] {
        [m + (g - m) * R::of(1.0 - self.beta_1), v + (square - v) * R::of(1.0 - self.beta_2)]
    }
}
