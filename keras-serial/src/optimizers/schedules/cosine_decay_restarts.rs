//! A cosine decay with restarts.

use super::{Schedule, positive, single};
use crate::config::Number;
use crate::error::Result;
use crate::{KerasSerializable, register};

/// A cosine decay with restarts: from `initial_learning_rate` down to `alpha` times it, repeatedly; each
/// period is `t_mul` times as long as the one before and starts `m_mul` times as high.
///
/// # Arguments
/// - `initial_learning_rate`, `first_decay_steps`.
/// - `t_mul`, `m_mul`: 2 and 1 by default.
/// - `alpha`: 0 by default.
/// - `name`: `SGDRDecay` by default.
///
/// Follows <https://keras.io/api/optimizers/learning_rate_schedules/>.
///
/// ```
/// use keras_serial::optimizers::schedules::{CosineDecayRestarts, Schedule};
/// let decay = CosineDecayRestarts::new(0.5, 4).m_mul(0.5);
/// assert_eq!(decay.learning_rate(0)?, 0.5);
/// assert_eq!(decay.learning_rate(4)?, 0.25);
/// assert!((decay.learning_rate(8)? - 0.125).abs() < 1e-7);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.optimizers.schedules")]
#[derive(KerasSerializable, Clone, Debug)]
#[keras(new, setters, validate = Self::check)]
pub struct CosineDecayRestarts {
    initial_learning_rate: Number,
    first_decay_steps: Number,
    #[keras(default = 2.0.into())]
    t_mul: Number,
    #[keras(default = 1.0.into())]
    m_mul: Number,
    #[keras(default = 0.0.into())]
    alpha: Number,
    #[keras(default = "SGDRDecay".into())]
    name: String,
}

impl CosineDecayRestarts {
    fn check(&self) -> Result<()> {
        positive("first_decay_steps", self.first_decay_steps)
    }
}

impl Schedule for CosineDecayRestarts {
    fn learning_rate(&self, step: i64) -> Result<f64> {
        self.check()?;
        let (t_mul, alpha) = (single(self.t_mul), single(self.alpha));
        let completed = step as f32 / single(self.first_decay_steps);
        let (restarts, completed) = if t_mul == 1.0 {
            (completed.floor(), completed - completed.floor())
        } else {
            let restarts = ((1.0 - completed * (1.0 - t_mul)).ln() / t_mul.ln()).floor();
            let before = (1.0 - t_mul.powf(restarts)) / (1.0 - t_mul);
            (restarts, (completed - before) / t_mul.powf(restarts))
        };
        let height = 0.5 * single(self.m_mul).powf(restarts);
        let cosine = height * (1.0 + (std::f32::consts::PI * completed).cos());
        Ok(f64::from(single(self.initial_learning_rate) * ((1.0 - alpha) * cosine + alpha)))
    }
}
