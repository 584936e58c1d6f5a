//! The F-beta score: precision and recall in one number.

use super::{Direction, Measure, MetricBase, State};
use crate::config::{Config, ConfigField, Number};
use crate::error::{Error, ErrorKind, Result};
use crate::json::Value;
use crate::ops::dtypes::cast;
use crate::ops::numeric::EPSILON;
use crate::ops::reduce::{max_impl, mean_impl, sum_impl};
use crate::ops::shape::expand_at;
use crate::ops::{Axes, abs, add, divide, greater, greater_equal, logical_and, multiply, subtract};
use crate::tensor::{Nested, Shape, Tensor};
use crate::variable::Variable;
use crate::{KerasEnum, KerasSerializable, register};

/// How the scores of classes are averaged.
#[derive(KerasEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Average {
    /// All classes are counted together.
    Micro,
    /// The mean of the scores.
    Macro,
    /// The mean of the scores, weighted by how often each class occurs.
    Weighted,
}

/// The F-beta score, in which recall has `beta²` times the weight of precision: `(1 + beta²) · precision
/// · recall / (beta² · precision + recall)`.
///
/// `average` (none) sets how the scores of classes are averaged; by default each class has its own.
/// `beta` is 1.0. Predictions above `threshold` are positive; without one (the default) the highest of
/// each sample is.
///
/// Follows <https://keras.io/api/metrics/classification_metrics/#fbetascore-class>.
///
/// ```
/// use keras_serial::metrics::{FBetaScore, Measure};
/// use keras_serial::tensor::Tensor;
/// let metric = FBetaScore::new().beta(2.0).threshold(0.5);
/// let y_true = Tensor::from_slice(&[1.0f32, 1.0, 1.0, 1.0, 0.0, 0.0, 1.0, 1.0, 0.0], [3, 3])?;
/// let y_pred = Tensor::from_slice(&[0.2f32, 0.6, 0.7, 0.2, 0.6, 0.6, 0.6, 0.8, 0.0], [3, 3])?;
/// metric.update_state(&y_true, &y_pred, None)?;
/// let result = metric.result()?.into_single()?.to_vec::<f32>()?;
/// let expected = [0.384615, 0.909091, 0.833333];
/// assert!(result.iter().zip(expected).all(|(r, e): (&f32, f32)| (r - e).abs() < 1e-4));
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.metrics", alias("f_beta_score"))]
#[derive(KerasSerializable, Debug)]
#[keras(new, default, setters, from_config = Self::complete, validate = Self::check)]
pub struct FBetaScore {
    #[keras(default = MetricBase::named("fbeta_score"))]
    base: MetricBase,
    /// How the scores of classes are averaged; not at all by default.
    #[keras(default)]
    average: Option<Average>,
    /// How much more weight recall has than precision.
    #[keras(default = Number::Float(1.0))]
    beta: Number,
    /// The threshold above which a prediction is positive.
    #[keras(default)]
    threshold: Option<Number>,
    #[keras(skip)]
    state: State,
}

impl FBetaScore {
    fn complete(config: &mut Config) -> Result<()> {
        // As in Keras, only Python floats are accepted.
        for argument in ["beta", "threshold"] {
            if let Some(value @ Value::Int(_)) = config.get(argument) {
                return Err(Error::new(
                    ErrorKind::Config,
                    format!("Invalid `{argument}` argument value. It should be a Python float"),
                )
                .received(format!("{argument}={}", value.to_value()?.short())));
            }
        }
        Ok(())
    }

    fn check(&self) -> Result<()> {
        if self.beta.get() <= 0.0 || self.beta.get().is_nan() {
            return Err(Error::new(ErrorKind::Config, "Invalid `beta` argument value. It should be > 0")
                .received(format!("beta={}", self.beta)));
        }
        match self.threshold {
            Some(threshold) if threshold.get() <= 0.0 || threshold.get() > 1.0 => Err(Error::new(
                ErrorKind::Config,
                "Invalid `threshold` argument value. It should verify 0 < threshold <= 1",
            )
            .received(format!("threshold={threshold}"))),
            _ => Ok(()),
        }
    }

    /// Creates the score with a `beta` of 1, for [`super::F1Score`].
    pub(super) fn f1() -> Self {
        Self { base: MetricBase::named("f1_score"), ..Self::new() }
    }

    pub(super) fn parts(&self) -> (Option<Average>, Option<Number>) {
        (self.average, self.threshold)
    }

    pub(super) fn checked(self) -> Result<Self> {
        self.check().map(|()| self)
    }

    fn counts(&self, classes: usize) -> Result<[Variable; 4]> {
        let shape = if self.average == Some(Average::Micro) { Shape::scalar() } else { Shape::from([classes]) };
        let variable = |name| self.state.variable(self.name(), name, &shape, self.base.dtype());
        Ok([
            variable("true_positives")?,
            variable("false_positives")?,
            variable("false_negatives")?,
            variable("intermediate_weights")?,
        ])
    }
}

impl Measure for FBetaScore {
    fn direction(&self) -> Option<Direction> {
        Some(Direction::Up)
    }

    fn update_state(&self, y_true: &Tensor, y_pred: &Tensor, sample_weight: Option<&Tensor>) -> Result<()> {
        self.check()?;
        if y_true.rank() != 2 || y_pred.shape() != y_true.shape() {
            return Err(Error::new(
                ErrorKind::Shape,
                "FBetaScore expects 2D inputs with shape (batch_size, output_dim)",
            )
            .received(format!("y_pred.shape={} and y_true.shape={}", y_pred.shape(), y_true.shape())));
        }
        let (y_true, y_pred) = (cast(y_true, self.base.dtype())?, cast(y_pred, self.base.dtype())?);
        let predicted = match self.threshold {
            Some(threshold) => greater(&y_pred, threshold.get())?,
            None => {
                let highest = max_impl(&y_pred, &Axes::from(-1), true)?;
                // A row of zeros has no positive prediction.
                logical_and(greater_equal(&y_pred, &highest)?, greater(abs(&y_pred)?, 1e-9)?)?
            }
        };
        let predicted = cast(&predicted, self.base.dtype())?;
        let weight = sample_weight.map(|weight| expand_at(&cast(weight, self.base.dtype())?, 1)).transpose()?;
        let axes = if self.average == Some(Average::Micro) { Axes::all() } else { Axes::from(0) };
        let sum = |x: &Tensor| match &weight {
            Some(weight) => sum_impl(&multiply(x, weight)?, &axes, false),
            None => sum_impl(x, &axes, false),
        };
        let (not_true, not_predicted) = (subtract(1.0, &y_true)?, subtract(1.0, &predicted)?);
        let [tp, fp, fnn, weights] = self.counts(y_pred.shape().last()?)?;
        State::add(&tp, &sum(&multiply(&predicted, &y_true)?)?)?;
        State::add(&fp, &sum(&multiply(&predicted, &not_true)?)?)?;
        State::add(&fnn, &sum(&multiply(&not_predicted, &y_true)?)?)?;
        State::add(&weights, &sum(&y_true)?)
    }

    fn result(&self) -> Result<Nested<Tensor>> {
        let variables = self.state.variables();
        let [tp, fp, fnn, weights] = variables.as_slice() else {
            return Err(Error::new(ErrorKind::NotBuilt, format!("the metric `{}` has seen no batch yet", self.name())));
        };
        let (tp, weights) = (tp.read(), weights.read());
        let share = |rest: Tensor| divide(&tp, add(add(&tp, &rest)?, EPSILON)?);
        let (precision, recall) = (share(fp.read())?, share(fnn.read())?);
        let beta = self.beta.get().powi(2);
        let below = add(add(multiply(&precision, beta)?, &recall)?, EPSILON)?;
        let scores = multiply(divide(multiply(&precision, &recall)?, &below)?, 1.0 + beta)?;
        let sum = |x: &Tensor| sum_impl(x, &Axes::all(), false);
        let score = match self.average {
            None => scores,
            Some(Average::Weighted) => {
                let weights = divide(&weights, add(sum(&weights)?, EPSILON)?)?;
                sum(&multiply(&scores, &weights)?)?
            }
            Some(_) => mean_impl(&scores, &Axes::all(), false)?,
        };
        Ok(score.into())
    }

    fn variables(&self) -> Result<Vec<Variable>> {
        Ok(self.state.variables())
    }
}
