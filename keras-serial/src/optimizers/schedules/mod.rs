//! Learning-rate schedules (`keras.optimizers.schedules`).

mod cosine_decay;
mod cosine_decay_restarts;
mod exponential_decay;
mod inverse_time_decay;
mod piecewise_constant_decay;
mod polynomial_decay;

pub use cosine_decay::CosineDecay;
pub use cosine_decay_restarts::CosineDecayRestarts;
pub use exponential_decay::ExponentialDecay;
pub use inverse_time_decay::InverseTimeDecay;
pub use piecewise_constant_decay::PiecewiseConstantDecay;
pub use polynomial_decay::PolynomialDecay;

use crate::config::{KerasSerializable, Number};
use crate::error::{Error, ErrorKind, Result};
use crate::registry::{StandIn, handle};

/// A learning-rate schedule: a learning rate that depends on the step.
///
/// ```
/// use keras_serial::prelude::*;
/// use keras_serial::optimizers::{Adam, schedules::Schedule};
///
/// /// Falls with the root of the step.
/// #[register(package = "Mine")]
/// #[derive(KerasSerializable)]
/// struct InverseRoot {
///     initial: f64,
/// }
///
/// impl Schedule for InverseRoot {
///     fn learning_rate(&self, step: i64) -> Result<f64> {
///         Ok(self.initial / (step as f64 + 1.0).sqrt())
///     }
/// }
///
/// let optimizer = Optimizer::from(Adam::new().learning_rate(InverseRoot { initial: 0.5 }));
/// assert_eq!(optimizer.learning_rate()?, 0.5);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is neither a learning rate nor a schedule of learning rates",
    label = "a number like `0.001`, or a schedule like `ExponentialDecay`, is expected",
    note = "a schedule of your own derives `KerasSerializable` and implements `Schedule`"
)]
pub trait Schedule: KerasSerializable {
    /// Returns the learning rate of a step, counted from 0.
    ///
    /// # Errors
    /// When the schedule can't compute it.
    fn learning_rate(&self, step: i64) -> Result<f64>;
}

handle! {
    /// A shared handle to a schedule.
    pub struct LearningRateSchedule(dyn Schedule);
    kind: LearningRateSchedule, cast: SCHEDULE, expected: "a learning-rate schedule", modules: ["keras.optimizers.schedules"]
}

impl crate::config::PlainField for LearningRateSchedule {}

impl Schedule for StandIn {
    fn learning_rate(&self, _: i64) -> Result<f64> {
        Err(self.error())
    }
}

/// Rounds to single precision, in which Keras computes schedules.
fn single(number: Number) -> f32 {
    number.get() as f32
}

/// Checks that a number of steps is greater than 0.
fn positive(name: &str, steps: Number) -> Result<()> {
    if steps.get() > 0.0 {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Config, format!("Argument `{name}` must be > 0")).received(format!("{name}={steps}")))
}
