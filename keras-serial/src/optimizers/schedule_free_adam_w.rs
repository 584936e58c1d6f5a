//! The schedule-free AdamW optimizer.

use super::kernel::{self, Kernel, Real, Scalar, Slope};
use super::{Optimize, OptimizerBase};
use crate::config::Number;
use crate::error::Result;
use crate::ops::zeros_like;
use crate::tensor::Tensor;
use crate::variable::Variable;
use crate::{KerasSerializable, register};

/// The schedule-free AdamW optimizer, which averages weights instead of using a learning-rate schedule:
/// gradient steps update `z`, the mean of all `z` so far is `x`, and the weights are between them: `z ←
/// z - learning_rate · g / (√(v / (1 - beta_2ᵗ)) + epsilon)`, `x ← (1 - 1/t) x + z/t`, `w ← (1 - beta_1)
/// z + beta_1 · x`.
///
/// All three start at the weights if the optimizer is built by its owner. `fit` builds it within its
/// first step, and then `z` starts at zero: Keras on TensorFlow loses that assignment while it traces
/// the step.
/// # Arguments
/// - `learning_rate`: 0.0025 by default.
/// - `beta_1`, `beta_2`: 0.9 and 0.999 by default.
/// - `epsilon`: 1e-8 by default.
/// - `warmup_steps`: the number of steps in which the learning rate rises to its full value, 0 by
///   default.
/// - those of [`OptimizerBase`].
///
/// Follows <https://keras.io/api/optimizers/>.
///
/// ```
/// use keras_serial::optimizers::{Optimizer, OptimizerExt, ScheduleFreeAdamW};
/// use keras_serial::prelude::*;
/// let dense = LayerRef::from(Dense::new(1).use_bias(false).kernel_initializer("ones"));
/// dense.build(&[1, 1].into())?;
/// let optimizer = Optimizer::from(ScheduleFreeAdamW::new().learning_rate(0.5));
/// optimizer.apply(&[Some(Tensor::from_slice(&[3.0f32], [1, 1])?)], &dense.weights())?;
/// assert!((dense.weights()[0].read().item::<f32>()? - 0.5).abs() < 1e-4);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.optimizers", alias("schedulefreeadamw"))]
#[derive(KerasSerializable, Debug)]
#[keras(new, default, setters)]
pub struct ScheduleFreeAdamW {
    #[keras(default = OptimizerBase::with_learning_rate(0.0025))]
    base: OptimizerBase,
    #[keras(default = 0.9.into())]
    beta_1: Number,
    #[keras(default = 0.999.into())]
    beta_2: Number,
    #[keras(default = 1e-8.into())]
    epsilon: Number,
    #[keras(default = 0.into())]
    warmup_steps: Number,
}

impl Optimize for ScheduleFreeAdamW {
    fn create_slots(&self, variables: &[Variable]) -> Result<()> {
        self.base.add_slots(variables, &["momentum", "velocity"])?;
        // All three sequences start at the weights.
        variables.iter().try_for_each(|variable| self.base.slot(variable, "momentum")?.assign(&variable.read()))
    }

    fn built_by_training(&self) -> Result<()> {
        let trainable = self.base.state().trainable.clone().unwrap_or_default();
        trainable.iter().try_for_each(|variable| {
            let z = self.base.slot(variable, "momentum")?;
            z.assign(&zeros_like(&z.read())?)
        })
    }

    fn never_fails(&self) -> bool {
        true
    }

    fn update_step(&self, gradient: &Tensor, variable: &Variable, learning_rate: f64) -> Result<()> {
        let (z, v) = (self.base.slot(variable, "momentum")?, self.base.slot(variable, "velocity")?);
        let (dtype, count) = (variable.dtype(), self.iterations()? as f64 + 1.0);
        let warmup = self.warmup_steps.get();
        let scalar = |number| Scalar::of(number, dtype);
        let beta_2 = scalar(self.beta_2.get());
        let warm = (scalar(count) / scalar(warmup)).get().min(1.0);
        let step = Step {
            learning_rate: if warmup > 0.0 { (scalar(learning_rate) * scalar(warm)).get() } else { learning_rate },
            beta_1: scalar(self.beta_1.get()).get(),
            beta_2: beta_2.get(),
            epsilon: self.epsilon.get(),
            correction: beta_2.powf(scalar(count)).complement().get(),
            share: (scalar(1.0) / scalar(count)).get(),
        };
        kernel::run(&step, gradient, [variable, &z, &v])
    }
}

struct Step {
    learning_rate: f64,
    beta_1: f64,
    beta_2: f64,
    epsilon: f64,
    correction: f64,
    share: f64,
}

impl Kernel<3> for Step {
    fn step<R: Real>(&self, Slope { sum: g, part: square }: Slope<R>, [w, z, v]: [R; 3]) -> [R; 3] {
        let (beta_1, rest) = (R::of(self.beta_1), R::of(1.0 - self.beta_1));
        let v = v + (square - v) * R::of(1.0 - self.beta_2);
        let root = (v / R::of(self.correction)).sqrt() + R::of(self.epsilon);
        let z = z - R::of(self.learning_rate) * g / root;
        // Uses the new `z`, as Keras does on TensorFlow; on JAX it uses the old one.
        let x = (w - rest * z) / beta_1;
        let x = R::of(1.0 - self.share) * x + R::of(self.share) * z;
        [rest * z + beta_1 * x, z, v]
    }
}

#[cfg(test)]
mod tests {
    use crate::prelude::*;

    /// Keras 3.15.1 on TensorFlow: `Sequential([Input((1,)), Dense(1, use_bias=False,
    /// kernel_initializer="ones")])`, `compile(ScheduleFreeAdamW(.5), "mse", run_eagerly=…)`,
    /// `fit([[1], [2]], [[3], [5]], epochs=3)`.
    #[test]
    fn begins_as_in_keras() -> Result<()> {
        let losses = |eagerly: bool| -> Result<Vec<f64>> {
            let model = Sequential::new([
                Input::new([1]).layer(),
                Dense::new(1).use_bias(false).kernel_initializer("ones").into(),
            ])?;
            let optimizer = super::ScheduleFreeAdamW::new().learning_rate(0.5);
            model.compile(Compile::new(optimizer, "mse").run_eagerly(eagerly))?;
            let x = Tensor::from_slice(&[1.0f32, 2.0], [2, 1])?;
            let y = Tensor::from_slice(&[3.0f32, 5.0], [2, 1])?;
            let history = model.fit((&x, &y), Fit::new().epochs(3).shuffle(false).verbose(0))?;
            Ok(history.get("loss").unwrap_or_default().to_vec())
        };
        for (eagerly, expected) in [(false, [6.5, 11.125, 8.370_01]), (true, [6.5, 3.125, 2.123_58])] {
            let losses = losses(eagerly)?;
            assert!(
                losses.iter().zip(expected).all(|(a, e)| (a - e).abs() < 1e-4),
                "{losses:?}, expected {expected:?}"
            );
        }
        Ok(())
    }
}
