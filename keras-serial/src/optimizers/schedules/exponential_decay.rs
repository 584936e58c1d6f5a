//! An exponential decay.

use super::{Schedule, positive, single};
use crate::config::Number;
use crate::error::Result;
use crate::{KerasSerializable, register};

/// An exponential decay: `initial_learning_rate · decay_rate ^ (step / decay_steps)`; with `staircase`,
/// the quotient is rounded down.
///
/// # Arguments
/// - `initial_learning_rate`, `decay_steps`, `decay_rate`.
/// - `staircase`: false by default.
/// - `name`: `ExponentialDecay` by default.
///
/// Follows <https://keras.io/api/optimizers/learning_rate_schedules/>.
///
/// ```
/// use keras_serial::optimizers::schedules::{ExponentialDecay, Schedule};
/// let rate = ExponentialDecay::new(0.5, 10, 0.5).learning_rate(20)?;
/// assert_eq!(rate, 0.125);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.optimizers.schedules")]
#[derive(KerasSerializable, Clone, Debug)]
#[keras(new, setters, validate = Self::check)]
pub struct ExponentialDecay {
    initial_learning_rate: Number,
    decay_steps: Number,
    decay_rate: Number,
    #[keras(default = false)]
    staircase: bool,
    #[keras(default = "ExponentialDecay".into())]
    name: String,
}

impl ExponentialDecay {
    fn check(&self) -> Result<()> {
        positive("decay_steps", self.decay_steps)
    }
}

impl Schedule for ExponentialDecay {
    fn learning_rate(&self, step: i64) -> Result<f64> {
        self.check()?;
        let share = step as f32 / single(self.decay_steps);
        let share = if self.staircase { share.floor() } else { share };
        Ok(f64::from(single(self.initial_learning_rate) * single(self.decay_rate).powf(share)))
    }
}
