//! A polynomial decay.

use super::{Schedule, positive, single};
use crate::config::Number;
use crate::error::Result;
use crate::{KerasSerializable, register};

/// A polynomial decay: `(initial_learning_rate - end_learning_rate) · (1 - step / decay_steps) ^ power +
/// end_learning_rate`, and `end_learning_rate` from `decay_steps` on; with `cycle`, `decay_steps` is
/// doubled, tripled, … instead.
///
/// # Arguments
/// - `initial_learning_rate`, `decay_steps`.
/// - `end_learning_rate`: 0.0001 by default.
/// - `power`: 1 by default.
/// - `cycle`: false by default.
/// - `name`: `PolynomialDecay` by default.
///
/// Follows <https://keras.io/api/optimizers/learning_rate_schedules/>.
///
/// ```
/// use keras_serial::optimizers::schedules::{PolynomialDecay, Schedule};
/// let rate = PolynomialDecay::new(0.5, 10).end_learning_rate(0.25).learning_rate(5)?;
/// assert_eq!(rate, 0.375);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.optimizers.schedules")]
#[derive(KerasSerializable, Clone, Debug)]
#[keras(new, setters, validate = Self::check)]
pub struct PolynomialDecay {
    initial_learning_rate: Number,
    decay_steps: Number,
    #[keras(default = 1e-4.into())]
    end_learning_rate: Number,
    #[keras(default = 1.0.into())]
    power: Number,
    #[keras(default = false)]
    cycle: bool,
    #[keras(default = "PolynomialDecay".into())]
    name: String,
}

impl PolynomialDecay {
    fn check(&self) -> Result<()> {
        positive("decay_steps", self.decay_steps)
    }
}

impl Schedule for PolynomialDecay {
    fn learning_rate(&self, step: i64) -> Result<f64> {
        self.check()?;
        let (mut step, mut steps) = (step as f32, single(self.decay_steps));
        if self.cycle {
            steps *= if step == 0.0 { 1.0 } else { (step / steps).ceil() };
        } else {
            step = step.min(steps);
        }
        let (first, last) = (single(self.initial_learning_rate), single(self.end_learning_rate));
        Ok(f64::from((first - last) * (1.0 - step / steps).powf(single(self.power)) + last))
    }
}
