//! A cosine decay, with an optional warmup.

use super::{Schedule, positive, single};
use crate::config::Number;
use crate::error::Result;
use crate::{KerasSerializable, register};

/// A cosine decay: `initial_learning_rate · ((1 - alpha) · (1 + cos(π · step / decay_steps)) / 2 +
/// alpha)`. With a `warmup_target`, the rate first rises to it in `warmup_steps`, and decays from there.
///
/// # Arguments
/// - `initial_learning_rate`, `decay_steps`.
/// - `alpha`: the fraction that remains at the end, 0 by default.
/// - `name`: `CosineDecay` by default.
/// - `warmup_target`: none by default.
/// - `warmup_steps`: 0 by default.
///
/// Follows <https://keras.io/api/optimizers/learning_rate_schedules/>.
///
/// ```
/// use keras_serial::optimizers::schedules::{CosineDecay, Schedule};
/// let decay = CosineDecay::new(0.0, 10).warmup_target(0.5).warmup_steps(4);
/// assert_eq!(decay.learning_rate(2)?, 0.25);
/// assert!((decay.learning_rate(9)? - 0.25).abs() < 1e-7);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.optimizers.schedules")]
#[derive(KerasSerializable, Clone, Debug)]
#[keras(new, setters, validate = Self::check)]
pub struct CosineDecay {
    initial_learning_rate: Number,
    decay_steps: Number,
    #[keras(default = 0.0.into())]
    alpha: Number,
    #[keras(default = "CosineDecay".into())]
    name: String,
    #[keras(default = None)]
    warmup_target: Option<Number>,
    #[keras(default = 0.into())]
    warmup_steps: Number,
}

impl CosineDecay {
    fn check(&self) -> Result<()> {
        positive("decay_steps", self.decay_steps)
    }

    fn decayed(&self, step: f32, from: f32) -> f32 {
        let (steps, alpha) = (single(self.decay_steps), self.alpha.get());
        let cosine = 0.5 * (1.0 + (std::f32::consts::PI * (step.min(steps) / steps)).cos());
        from * ((1.0 - alpha) as f32 * cosine + alpha as f32)
    }
}

impl Schedule for CosineDecay {
    fn learning_rate(&self, step: i64) -> Result<f64> {
        self.check()?;
        let (step, first) = (step as f32, single(self.initial_learning_rate));
        let Some(target) = self.warmup_target.map(single) else {
            return Ok(f64::from(self.decayed(step, first)));
        };
        let warmup = single(self.warmup_steps);
        Ok(f64::from(if step < warmup {
            (target - first) * (step / warmup) + first
        } else {
            self.decayed(step - warmup, target)
        }))
    }
}
