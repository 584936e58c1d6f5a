//! The root of the mean squared error.

use super::reduce::MeanState;
use super::{Direction, Measure, MetricBase};
use crate::error::Result;
use crate::losses::squeeze_or_expand_to_same_rank;
use crate::ops::dtypes::cast;
use crate::ops::{sqrt, square, subtract};
use crate::tensor::{Nested, Tensor};
use crate::variable::Variable;
use crate::{KerasSerializable, register};

/// The root of the mean squared error over all batches: `sqrt(mean((y_true - y_pred)²))`.
///
/// Follows <https://keras.io/api/metrics/regression_metrics/#rootmeansquarederror-class>.
///
/// ```
/// use keras_serial::metrics::{Measure, RootMeanSquaredError};
/// use keras_serial::tensor::Tensor;
/// let metric = RootMeanSquaredError::new();
/// let y_true = Tensor::from_slice(&[0.0f32, 1.0, 0.0, 0.0], [2, 2])?;
/// let y_pred = Tensor::from_slice(&[1.0f32, 1.0, 0.0, 0.0], [2, 2])?;
/// metric.update_state(&y_true, &y_pred, None)?;
/// assert_eq!(metric.result()?.into_single()?.item::<f32>()?, 0.5);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.metrics", alias("root_mean_squared_error"))]
#[derive(KerasSerializable, Debug)]
#[keras(new, default, setters)]
pub struct RootMeanSquaredError {
    #[keras(default = MetricBase::named("root_mean_squared_error"))]
    base: MetricBase,
    #[keras(skip)]
    state: MeanState,
}

impl Measure for RootMeanSquaredError {
    fn direction(&self) -> Option<Direction> {
        Some(Direction::Down)
    }

    fn update_state(&self, y_true: &Tensor, y_pred: &Tensor, sample_weight: Option<&Tensor>) -> Result<()> {
        let (y_true, y_pred) = (cast(y_true, self.base.dtype())?, cast(y_pred, self.base.dtype())?);
        let (y_true, y_pred) = squeeze_or_expand_to_same_rank(&y_true, &y_pred, true)?;
        self.state.update(self.name(), self.base.dtype(), &square(&subtract(&y_pred, &y_true)?)?, sample_weight)
    }

    fn result(&self) -> Result<Nested<Tensor>> {
        sqrt(&self.state.result(self.name(), self.base.dtype())?).map(Into::into)
    }

    fn variables(&self) -> Result<Vec<Variable>> {
        self.state.variables(self.name(), self.base.dtype()).map(Vec::from)
    }
}
