//! Losses and metrics of `tests/fixtures/found`.

use keras_serial::metrics::State;
use keras_serial::prelude::*;
use keras_serial::variable::Variable;

/// Errors below the truth count more.
#[register(package = "Measures")]
#[derive(KerasSerializable)]
pub struct Quantile {
    base: LossBase,
    quantile: f64,
}

impl ComputeLoss for Quantile {
    fn call(&self, y_true: &Tensor, y_pred: &Tensor) -> Result<Tensor> {
        let error = ops::subtract(y_true, y_pred)?;
        let (low, high) = (ops::multiply(&error, self.quantile - 1.0)?, ops::multiply(&error, self.quantile)?);
        ops::mean(&ops::maximum(&low, &high)?, Axes::from(-1), false)
    }
}

/// The mean of the distances.
#[register(package = "Measures")]
#[derive(KerasSerializable)]
pub struct Gap {
    base: LossBase,
}

impl ComputeLoss for Gap {
    fn call(&self, y_true: &Tensor, y_pred: &Tensor) -> Result<Tensor> {
        ops::mean(&ops::abs(&ops::subtract(y_true, y_pred)?)?, Axes::from(-1), false)
    }
}

/// The largest error so far, times a factor.
#[register(package = "Measures")]
#[derive(KerasSerializable)]
pub struct LargestError {
    base: MetricBase,
    #[keras(default = 1.0)]
    factor: f64,
    #[keras(skip)]
    state: State,
}

impl LargestError {
    fn largest(&self) -> Result<Variable> {
        self.state.variable(self.name(), "largest", &Shape::scalar(), DType::Float32)
    }
}

impl Measure for LargestError {
    fn update_state(&self, y_true: &Tensor, y_pred: &Tensor, _: Option<&Tensor>) -> Result<()> {
        let errors = ops::abs(&ops::subtract(y_true, y_pred)?)?;
        let largest = ops::max(&errors, Axes::all(), false)?;
        self.largest()?.assign(&ops::maximum(self.largest()?.read(), &largest)?)
    }

    fn result(&self) -> Result<Nested<Tensor>> {
        ops::multiply(self.largest()?.read(), self.factor).map(Into::into)
    }

    fn variables(&self) -> Result<Vec<Variable>> {
        Ok(vec![self.largest()?])
    }
}

/// The sum of the errors.
#[register(package = "Measures")]
#[derive(KerasSerializable)]
pub struct Bias {
    base: MetricBase,
    #[keras(skip)]
    state: State,
}

impl Bias {
    fn total(&self) -> Result<Variable> {
        self.state.variable(self.name(), "total", &Shape::scalar(), DType::Float32)
    }
}

impl Measure for Bias {
    fn update_state(&self, y_true: &Tensor, y_pred: &Tensor, _: Option<&Tensor>) -> Result<()> {
        State::add(&self.total()?, &ops::sum(&ops::subtract(y_true, y_pred)?, Axes::all(), false)?)
    }

    fn result(&self) -> Result<Nested<Tensor>> {
        Ok(self.total()?.read().into())
    }

    fn variables(&self) -> Result<Vec<Variable>> {
        Ok(vec![self.total()?])
    }
}
