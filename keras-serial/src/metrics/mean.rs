//! The mean of values.

use super::reduce::MeanState;
use super::{Measure, MetricBase};
use crate::error::{Error, ErrorKind, Result};
use crate::tensor::{Nested, Tensor};
use crate::variable::Variable;
use crate::{KerasSerializable, register};

/// The weighted mean of values.
///
/// Follows <https://keras.io/api/metrics/reduction_metrics/#mean-class>.
///
/// ```
/// use keras_serial::metrics::{Mean, Measure};
/// use keras_serial::tensor::Tensor;
/// let metric = Mean::new();
/// metric.update_values(&Tensor::from_slice(&[1.0f32, 3.0, 5.0, 7.0], [4])?, None)?;
/// assert_eq!(metric.result()?.into_single()?.item::<f32>()?, 4.0);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.metrics", alias("mean"))]
#[derive(KerasSerializable, Debug)]
#[keras(new, default, setters)]
pub struct Mean {
    #[keras(default = MetricBase::named("mean"))]
    base: MetricBase,
    #[keras(skip)]
    state: MeanState,
}

/// Returns the error of metrics that take values and compare nothing.
pub(super) fn takes_values(metric: &str) -> Error {
    Error::new(ErrorKind::InvalidArgument, format!("the metric `{metric}` takes values, and not truth and predictions"))
        .hint("use `update_values`, or a metric that compares")
}

impl Measure for Mean {
    fn update_state(&self, _: &Tensor, _: &Tensor, _: Option<&Tensor>) -> Result<()> {
        Err(takes_values(self.name()))
    }

    fn update_values(&self, values: &Tensor, sample_weight: Option<&Tensor>) -> Result<()> {
        self.state.update(self.name(), self.base.dtype(), values, sample_weight)
    }

    fn result(&self) -> Result<Nested<Tensor>> {
        self.state.result(self.name(), self.base.dtype()).map(Into::into)
    }

    fn variables(&self) -> Result<Vec<Variable>> {
        self.state.variables(self.name(), self.base.dtype()).map(Vec::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // m = keras.metrics.Mean(); m.update_state([[1., 3.], [5., 7.]], sample_weight=[1., 0.]); m.result(), m.count
    #[test]
    fn weights_count() {
        let metric = Mean::new();
        let values = Tensor::from_slice(&[1.0f32, 3.0, 5.0, 7.0], [2, 2]).unwrap();
        let weights = Tensor::from_slice(&[1.0f32, 0.0], [2]).unwrap();
        metric.update_values(&values, Some(&weights)).unwrap();
        assert_eq!(metric.result().unwrap().into_single().unwrap().item::<f32>().unwrap(), 2.0);
        let names: Vec<String> = metric.variables().unwrap().iter().map(|v| v.path().to_owned()).collect();
        assert_eq!(names, ["mean/total", "mean/count"]);
        metric.reset_state().unwrap();
        assert_eq!(metric.result().unwrap().into_single().unwrap().item::<f32>().unwrap(), 0.0);
        assert!(metric.update_state(&values, &values, None).is_err());
    }
}
