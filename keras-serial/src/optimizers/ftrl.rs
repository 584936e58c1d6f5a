//! The FTRL optimizer: follow the regularized leader.

use super::kernel::{self, Kernel, Real, Slope};
use super::{Optimize, OptimizerBase};
use crate::config::Number;
use crate::error::{Error, ErrorKind, Result};
use crate::initializers::{Constant, Initializer, Zeros};
use crate::tensor::Tensor;
use crate::variable::Variable;
use crate::{KerasSerializable, register};

/// The FTRL optimizer ("follow the regularized leader"), which gives sparse weights. With `p` the power,
/// `n` the sum of squared gradients and `n' = n + g²`: `z ← z + g + 2 l2_shrinkage · w - (n'⁻ᵖ - n⁻ᵖ) /
/// learning_rate · w`, `w ← (clip(z, -l1, l1) - z) / (n'⁻ᵖ / learning_rate + 2 (l2 + beta / (2
/// learning_rate)))`.
///
/// # Arguments
/// - `learning_rate`: 0.001 by default.
/// - `learning_rate_power`: at most 0, -0.5 by default.
/// - `initial_accumulator_value`: the initial value of the sum, 0.1 by default.
/// - `l1_regularization_strength`, `l2_regularization_strength`,
///   `l2_shrinkage_regularization_strength`, `beta`: 0 by default.
/// - those of [`OptimizerBase`].
///
/// Follows <https://keras.io/api/optimizers/ftrl>.
///
/// ```
/// use keras_serial::optimizers::{Ftrl, Optimizer, OptimizerExt};
/// use keras_serial::prelude::*;
/// let dense = LayerRef::from(Dense::new(1).use_bias(false).kernel_initializer("zeros"));
/// dense.build(&[1, 1].into())?;
/// let optimizer = Optimizer::from(Ftrl::new().learning_rate(0.5).initial_accumulator_value(9.0));
/// optimizer.apply(&[Some(Tensor::from_slice(&[4.0f32], [1, 1])?)], &dense.weights())?;
/// assert!((dense.weights()[0].read().item::<f32>()? + 0.4).abs() < 1e-6);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.optimizers", alias("ftrl"))]
#[derive(KerasSerializable, Debug)]
#[keras(new, default, setters, validate = Self::check)]
pub struct Ftrl {
    base: OptimizerBase,
    #[keras(default = (-0.5).into())]
    learning_rate_power: Number,
    #[keras(default = 0.1.into())]
    initial_accumulator_value: Number,
    #[keras(default = 0.0.into())]
    l1_regularization_strength: Number,
    #[keras(default = 0.0.into())]
    l2_regularization_strength: Number,
    #[keras(default = 0.0.into())]
    l2_shrinkage_regularization_strength: Number,
    #[keras(default = 0.0.into())]
    beta: Number,
}

impl Ftrl {
    fn check(&self) -> Result<()> {
        let wrong = |name: &str, sign: &str, value: Number| {
            Err(Error::new(ErrorKind::Config, format!("`{name}` needs to be {sign} or zero"))
                .received(format!("{name}={value}")))
        };
        if self.learning_rate_power.get() > 0.0 {
            return wrong("learning_rate_power", "negative", self.learning_rate_power);
        }
        let positive = [
            ("initial_accumulator_value", self.initial_accumulator_value),
            ("l1_regularization_strength", self.l1_regularization_strength),
            ("l2_regularization_strength", self.l2_regularization_strength),
            ("l2_shrinkage_regularization_strength", self.l2_shrinkage_regularization_strength),
        ];
        match positive.iter().find(|(_, value)| value.get() < 0.0) {
            Some((name, value)) => wrong(name, "positive", *value),
            None => Ok(()),
        }
    }
}

impl Optimize for Ftrl {
    fn create_slots(&self, variables: &[Variable]) -> Result<()> {
        self.check()?;
        let first = Initializer::new(Constant::new(self.initial_accumulator_value.get()));
        let zeros = Initializer::new(Zeros);
        for variable in variables {
            self.base.add_slot(variable, "accumulator", &first)?;
            self.base.add_slot(variable, "linear", &zeros)?;
        }
        Ok(())
    }

    fn never_fails(&self) -> bool {
        true
    }

    fn update_step(&self, gradient: &Tensor, variable: &Variable, learning_rate: f64) -> Result<()> {
        let (n, z) = (self.base.slot(variable, "accumulator")?, self.base.slot(variable, "linear")?);
        let step = Step {
            learning_rate,
            power: -self.learning_rate_power.get(),
            l1: self.l1_regularization_strength.get(),
            l2: self.l2_regularization_strength.get() + self.beta.get() / (2.0 * learning_rate),
            shrinkage: self.l2_shrinkage_regularization_strength.get(),
        };
        kernel::run(&step, gradient, [variable, &n, &z])
    }
}

struct Step {
    learning_rate: f64,
    power: f64,
    l1: f64,
    l2: f64,
    shrinkage: f64,
}

impl Kernel<3> for Step {
    fn step<R: Real>(&self, Slope { sum: g, part: square }: Slope<R>, [w, n, z]: [R; 3]) -> [R; 3] {
        // The default power is a square root, which is much faster.
        let power = |n: R| if self.power == 0.5 { n.sqrt() } else { n.powf(R::of(self.power)) };
        let rate = R::of(self.learning_rate);
        let sum = n + square;
        let root = power(sum);
        let z = z + (g + R::of(2.0 * self.shrinkage) * w - (root - power(n)) / rate * w);
        let l1 = R::of(self.l1);
        let w = (z.max(-l1).min(l1) - z) / (root / rate + R::of(2.0 * self.l2));
        [w, sum, z]
    }
}
