//! The argument `learning_rate`: a number or a schedule.

use super::schedules::{LearningRateSchedule, Schedule};
use crate::config::ConfigField;
use crate::error::{Error, ErrorKind, Result};
use crate::json::Value;

/// A learning rate: a number, or a schedule that depends on the step.
#[derive(Clone, Debug)]
pub enum LearningRate {
    /// A number, in single precision as Keras keeps it.
    Constant(f32),
    /// A schedule.
    Schedule(LearningRateSchedule),
}

impl From<f64> for LearningRate {
    fn from(rate: f64) -> Self {
        Self::Constant(rate as f32)
    }
}

impl From<f32> for LearningRate {
    fn from(rate: f32) -> Self {
        Self::Constant(rate)
    }
}

impl<T: Schedule> From<T> for LearningRate {
    fn from(schedule: T) -> Self {
        Self::Schedule(schedule.into())
    }
}

impl From<LearningRateSchedule> for LearningRate {
    fn from(schedule: LearningRateSchedule) -> Self {
        Self::Schedule(schedule)
    }
}

/// What an optimizer takes as its learning rate: a number or a schedule.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no learning rate",
    label = "`learning_rate` takes a number like `0.001`, or a schedule like `ExponentialDecay`",
    note = "a schedule of your own derives `KerasSerializable` and implements `Schedule`"
)]
pub trait IntoLearningRate {
    /// Converts to a learning rate.
    fn into_learning_rate(self) -> LearningRate;
}

impl<T: Schedule> IntoLearningRate for T {
    fn into_learning_rate(self) -> LearningRate {
        self.into()
    }
}

macro_rules! learning_rates {
    ($($type:ty),*) => {$(
        impl IntoLearningRate for $type {
            fn into_learning_rate(self) -> LearningRate {
                self.into()
            }
        }
    )*};
}

// One by one, so that the message above is shown for any other type.
learning_rates!(LearningRate, LearningRateSchedule, f32, f64);

impl crate::config::PlainField for LearningRate {}

impl ConfigField for LearningRate {
    fn field_type() -> crate::config::FieldType {
        crate::config::FieldType::Either(vec![
            crate::config::FieldType::Number,
            crate::config::FieldType::Object { kind: crate::config::Kind::LearningRateSchedule, by_name: false },
        ])
    }

    fn to_value(&self) -> Result<Value> {
        match self {
            Self::Constant(rate) => rate.to_value(),
            Self::Schedule(schedule) => schedule.to_value(),
        }
    }

    fn validate(&self) -> Result<()> {
        match self {
            Self::Constant(_) => Ok(()),
            Self::Schedule(schedule) => schedule.validate(),
        }
    }

    fn from_value(value: &Value) -> Result<Self> {
        match value {
            Value::Float(rate) => Ok(Self::Constant(*rate as f32)),
            Value::Dict(form) if form.get("class_name").and_then(Value::as_str) == Some("function") => {
                Err(Error::new(ErrorKind::Unsupported, "a function as `learning_rate` is not supported")
                    .received(value.short())
                    .hint("write it as a schedule: implement `Schedule` for a type and register it"))
            }
            Value::Dict(_) => LearningRateSchedule::from_value(value).map(Self::Schedule),
            other => Err(Error::new(
                ErrorKind::Config,
                "Argument `learning_rate` should be float, or an instance of LearningRateSchedule",
            )
            .received(format!("learning_rate={}", other.short()))),
        }
    }
}
