//! A piecewise constant learning rate.

use super::{Schedule, single};
use crate::config::Number;
use crate::error::{Error, ErrorKind, Result};
use crate::{KerasSerializable, register};

/// A piecewise constant rate: the first value up to and including the first boundary, the second up to
/// the second, …
///
/// # Arguments
/// - `boundaries`; `values`, one more than boundaries.
/// - `name`: `PiecewiseConstant` by default.
///
/// Follows <https://keras.io/api/optimizers/learning_rate_schedules/>.
///
/// ```
/// use keras_serial::optimizers::schedules::{PiecewiseConstantDecay, Schedule};
/// let decay = PiecewiseConstantDecay::new([10.into()], [0.5.into(), 0.25.into()]);
/// assert_eq!((decay.learning_rate(10)?, decay.learning_rate(11)?), (0.5, 0.25));
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.optimizers.schedules")]
#[derive(KerasSerializable, Clone, Debug)]
#[keras(new, setters, validate = Self::check)]
pub struct PiecewiseConstantDecay {
    boundaries: Vec<Number>,
    values: Vec<Number>,
    #[keras(default = "PiecewiseConstant".into())]
    name: String,
}

impl PiecewiseConstantDecay {
    fn check(&self) -> Result<()> {
        if self.boundaries.len() + 1 == self.values.len() {
            return Ok(());
        }
        let message = "The length of boundaries should be 1 less than the length of values";
        let (boundaries, values) = (self.boundaries.len(), self.values.len());
        Err(Error::new(ErrorKind::Config, message)
            .received(format!("boundaries of length {boundaries}, and values of length {values}")))
    }
}

impl Schedule for PiecewiseConstantDecay {
    fn learning_rate(&self, step: i64) -> Result<f64> {
        self.check()?;
        // Keras compares boundaries as integers.
        let passed = self.boundaries.iter().take_while(|boundary| step > boundary.get() as i64).count();
        Ok(self.values.get(passed).map_or(0.0, |value| f64::from(single(*value))))
    }
}
