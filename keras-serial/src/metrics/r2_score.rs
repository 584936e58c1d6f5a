//! The coefficient of determination, R².

use super::{Direction, Measure, MetricBase, State};
use crate::config::{Config, ConfigField};
use crate::error::{Error, ErrorKind, Result};
use crate::losses::squeeze_or_expand_to_same_rank;
use crate::ops::dtypes::cast;
use crate::ops::reduce::{mean_impl, sum_impl};
use crate::ops::shape::{broadcast_to, expand_at};
use crate::ops::{Axes, abs, divide, equal, multiply, square, subtract, where_};
use crate::tensor::{DType, Nested, Shape, Tensor};
use crate::variable::Variable;
use crate::{KerasEnum, KerasSerializable, register};

/// How the scores of outputs are averaged.
#[derive(KerasEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClassAggregation {
    /// Their mean.
    UniformAverage,
    /// Their mean, weighted by the variance of each.
    VarianceWeightedAverage,
}

/// The coefficient of determination, the ratio of the targets' variance that predictions explain: `1 -
/// Σ(y_true - y_pred)² / Σ(y_true - mean)²`.
///
/// `class_aggregation` (their mean) sets how the scores of outputs are averaged; with none each output
/// has its own. With `num_regressors` (0) the score is adjusted for that many regressors.
///
/// Follows <https://keras.io/api/metrics/regression_metrics/#r2score-class>.
///
/// ```
/// use keras_serial::metrics::{Measure, R2Score};
/// use keras_serial::tensor::Tensor;
/// let metric = R2Score::new();
/// let y_true = Tensor::from_slice(&[1.0f32, 4.0, 3.0], [3, 1])?;
/// let y_pred = Tensor::from_slice(&[2.0f32, 4.0, 4.0], [3, 1])?;
/// metric.update_state(&y_true, &y_pred, None)?;
/// assert!((metric.result()?.into_single()?.item::<f32>()? - 0.57142854).abs() < 1e-5);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.metrics", alias("r2_score"))]
#[derive(KerasSerializable, Debug)]
#[keras(new, default, setters, from_config = Self::complete)]
pub struct R2Score {
    #[keras(default = MetricBase::named("r2_score"))]
    base: MetricBase,
    /// How the scores of outputs are averaged.
    #[keras(default = Some(ClassAggregation::UniformAverage))]
    class_aggregation: Option<ClassAggregation>,
    /// The number of regressors for which the score is adjusted.
    #[keras(default = 0)]
    num_regressors: usize,
    #[keras(skip)]
    state: State,
}

impl R2Score {
    fn complete(config: &mut Config) -> Result<()> {
        if let Some(number) = config.get("num_regressors").filter(|number| number.as_i64().is_some_and(|n| n < 0)) {
            return Err(Error::new(ErrorKind::Config, "Invalid value for argument `num_regressors`")
                .expected("a value >= 0")
                .received(format!("num_regressors={}", number.to_value()?.short())));
        }
        Ok(())
    }

    /// Returns one score per output.
    #[must_use]
    pub fn for_each_output(mut self) -> Self {
        self.class_aggregation = None;
        self
    }

    fn num_samples(&self) -> Result<Variable> {
        self.state.variable(self.name(), "num_samples", &Shape::scalar(), DType::Float32)
    }
}

impl Measure for R2Score {
    fn direction(&self) -> Option<Direction> {
        Some(Direction::Up)
    }

    fn update_state(&self, y_true: &Tensor, y_pred: &Tensor, sample_weight: Option<&Tensor>) -> Result<()> {
        let (y_true, y_pred) = (cast(y_true, self.base.dtype())?, cast(y_pred, self.base.dtype())?);
        let (y_true, y_pred) = squeeze_or_expand_to_same_rank(&y_true, &y_pred, true)?;
        if y_true.rank() != 2 || y_true.shape() != y_pred.shape() {
            return Err(Error::new(ErrorKind::Shape, "R2Score expects 2D inputs with shape (batch_size, output_dim)")
                .received(format!("y_pred.shape={} and y_true.shape={}", y_pred.shape(), y_true.shape())));
        }
        let weight = match sample_weight {
            None => crate::ops::ones_like(&y_true)?,
            Some(weight) => {
                let weight = cast(weight, self.base.dtype())?;
                let weight = if weight.rank() == 1 { expand_at(&weight, 1)? } else { weight };
                broadcast_to(&weight, y_true.shape())?
            }
        };
        let count = cast(&Tensor::scalar(y_true.shape().num_elements().unwrap_or_default() as f64)?, DType::Float32)?;
        let samples = self.num_samples()?;
        let weighted = multiply(&y_true, &weight)?;
        let errors = multiply(square(&subtract(&y_true, &y_pred)?)?, &weight)?;
        let outputs = Shape::from([y_true.shape().last()?]);
        let sums = [
            ("squared_sum", multiply(&y_true, &weighted)?),
            ("sum", weighted),
            ("residual", errors),
            ("count", weight),
        ];
        for (name, values) in sums {
            let variable = self.state.variable(self.name(), name, &outputs, DType::Float32)?;
            State::add(&variable, &cast(&sum_impl(&values, &Axes::from(0), false)?, DType::Float32)?)?;
        }
        State::add(&samples, &count)
    }

    fn result(&self) -> Result<Nested<Tensor>> {
        let variables = self.state.variables();
        let [samples, squared_sum, sum, residual, count] = variables.as_slice() else {
            return Err(Error::new(ErrorKind::NotBuilt, format!("the metric `{}` has seen no batch yet", self.name())));
        };
        let (sum, samples) = (sum.read(), f64::from(samples.read().item::<f32>()?));
        let mean = divide(&sum, count.read())?;
        let total = subtract(squared_sum.read(), multiply(&sum, &mean)?)?;
        let raw = subtract(1.0, divide(residual.read(), &total)?)?;
        let raw = where_(&equal(abs(&raw)?, f64::INFINITY)?, 0.0, &raw)?;
        let sum_of = |x: &Tensor| sum_impl(x, &Axes::all(), false);
        let score = match self.class_aggregation {
            None => raw,
            Some(ClassAggregation::UniformAverage) => mean_impl(&raw, &Axes::all(), false)?,
            Some(ClassAggregation::VarianceWeightedAverage) => {
                divide(sum_of(&multiply(&total, &raw)?)?, sum_of(&total)?)?
            }
        };
        let regressors = self.num_regressors as f64;
        // With too few samples Keras does not adjust the score.
        if self.num_regressors == 0 || regressors >= samples - 1.0 {
            return Ok(score.into());
        }
        let unexplained = multiply(subtract(1.0, &score)?, (samples - 1.0) / (samples - regressors - 1.0))?;
        subtract(1.0, &unexplained).map(Into::into)
    }

    fn variables(&self) -> Result<Vec<Variable>> {
        self.num_samples()?;
        Ok(self.state.variables())
    }
}
