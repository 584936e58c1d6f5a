//! The sum of values.

use super::mean::takes_values;
use super::reduce::samplewise;
use super::{Measure, MetricBase, State};
use crate::error::Result;
use crate::ops::Axes;
use crate::ops::reduce::sum_impl;
use crate::tensor::{Nested, Shape, Tensor};
use crate::variable::Variable;
use crate::{KerasSerializable, register};

/// The weighted sum of values.
///
/// Follows <https://keras.io/api/metrics/reduction_metrics/#sum-class>.
///
/// ```
/// use keras_serial::metrics::{Measure, Sum};
/// use keras_serial::tensor::Tensor;
/// let metric = Sum::new();
/// metric.update_values(&Tensor::from_slice(&[1.0f32, 3.0, 5.0, 7.0], [4])?, None)?;
/// assert_eq!(metric.result()?.into_single()?.item::<f32>()?, 16.0);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.metrics", alias("sum"))]
#[derive(KerasSerializable, Debug)]
#[keras(new, default, setters)]
pub struct Sum {
    #[keras(default = MetricBase::named("sum"))]
    base: MetricBase,
    #[keras(skip)]
    state: State,
}

impl Sum {
    fn total(&self) -> Result<Variable> {
        self.state.variable(self.name(), "total", &Shape::scalar(), self.base.dtype())
    }
}

impl Measure for Sum {
    fn update_state(&self, _: &Tensor, _: &Tensor, _: Option<&Tensor>) -> Result<()> {
        Err(takes_values(self.name()))
    }

    fn update_values(&self, values: &Tensor, sample_weight: Option<&Tensor>) -> Result<()> {
        let (values, _) = samplewise(values, sample_weight, sum_impl, self.base.dtype())?;
        State::add(&self.total()?, &sum_impl(&values, &Axes::all(), false)?)
    }

    fn result(&self) -> Result<Nested<Tensor>> {
        Ok(self.total()?.read().into())
    }

    fn variables(&self) -> Result<Vec<Variable>> {
        Ok(vec![self.total()?])
    }
}
