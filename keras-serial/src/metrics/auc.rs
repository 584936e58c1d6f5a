//! The area under a curve over thresholds.

use super::confusion::{Counts, Grid, Options};
use super::sensitivity_specificity::{add_counts, share, variables};
use super::{Direction, Measure, MetricBase, State};
use crate::config::{Config, ConfigField};
use crate::error::{Error, ErrorKind, Result};
use crate::json::{Dict, Value};
use crate::ops::numeric::{EPSILON, divide_no_nan};
use crate::ops::reduce::{mean_impl, sum_impl};
use crate::ops::shape::{Span, slice_axis};
use crate::ops::{
    Axes, add, divide, equal, greater, log, logical_and, maximum, minimum, multiply, sigmoid, subtract, where_,
};
use crate::tensor::{Nested, Shape, Tensor};
use crate::variable::Variable;
use crate::{KerasEnum, KerasSerializable, register};

/// The curve under which the area is computed.
#[derive(KerasEnum, Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum AucCurve {
    /// The true positive rate over the false positive rate.
    #[default]
    #[keras(rename = "ROC", alias = "roc")]
    Roc,
    /// Precision over recall.
    #[keras(rename = "PR", alias = "pr")]
    Pr,
    /// The precision gain over the recall gain.
    #[keras(rename = "PRGAIN", alias = "prgain")]
    PrGain,
}

/// How the area between two thresholds is computed.
#[derive(KerasEnum, Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum AucSummation {
    /// By the mean of both; for precision and recall by interpolation.
    #[default]
    #[keras(alias = "Interpolation")]
    Interpolation,
    /// By the larger of both.
    #[keras(alias = "Majoring")]
    Majoring,
    /// By the smaller of both.
    #[keras(alias = "Minoring")]
    Minoring,
}

/// The area under a curve (ROC, precision-recall, or their gains), summed over thresholds.
///
/// `num_thresholds` (200) are evenly spaced from 0 to 1, or `thresholds` are given. With `multi_label`
/// each label has its own area, and the result is their mean, weighted by `label_weights`; `num_labels`
/// can set their number. Without it, `label_weights` weight the predictions. With `from_logits`,
/// predictions are logits.
///
/// Follows <https://keras.io/api/metrics/classification_metrics/#auc-class>.
///
/// ```
/// use keras_serial::metrics::{Auc, Measure};
/// use keras_serial::tensor::Tensor;
/// let metric = Auc::new().num_thresholds(3);
/// let y_true = Tensor::from_slice(&[0.0f32, 0.0, 1.0, 1.0], [4])?;
/// let y_pred = Tensor::from_slice(&[0.0f32, 0.5, 0.3, 0.9], [4])?;
/// metric.update_state(&y_true, &y_pred, None)?;
/// assert!((metric.result()?.into_single()?.item::<f32>()? - 0.75).abs() < 1e-5);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.metrics", name = "AUC", alias("auc"))]
#[derive(KerasSerializable, Debug)]
#[keras(new, default, setters, class_name = "AUC", get_config = Self::adjust, validate = Self::check)]
pub struct Auc {
    base: MetricBase,
    /// The number of thresholds, evenly spaced from 0 to 1.
    #[keras(default = 200)]
    num_thresholds: usize,
    /// The curve.
    #[keras(default)]
    curve: AucCurve,
    /// How the area between two thresholds is computed.
    #[keras(default)]
    summation_method: AucSummation,
    /// Whether each label has its own area.
    #[keras(default = false)]
    multi_label: bool,
    /// The number of labels.
    #[keras(default)]
    num_labels: Option<usize>,
    /// The weight of each label.
    #[keras(default, with = label_weights)]
    label_weights: Option<Vec<f64>>,
    /// Whether predictions are logits, not probabilities.
    #[keras(default = false)]
    from_logits: bool,
    /// Thresholds to use instead of evenly spaced ones.
    #[keras(default, skip_if = Option::is_none)]
    thresholds: Option<Vec<f64>>,
    #[keras(skip)]
    state: State,
}

/// Keras writes the weights as a tensor, and accepts lists.
mod label_weights {
    use super::*;

    pub(super) fn to_value(weights: &Option<Vec<f64>>) -> Result<Value> {
        let Some(weights) = weights else { return Ok(Value::Null) };
        // In Keras's precision.
        let weights = weights.iter().map(|weight| Value::Float(f64::from(*weight as f32))).collect();
        let config =
            Dict::from([("value".to_owned(), Value::List(weights)), ("dtype".to_owned(), Value::from("float32"))]);
        Ok(Value::Dict(Dict::from([
            ("class_name".to_owned(), Value::from("__tensor__")),
            ("config".to_owned(), Value::Dict(config)),
        ])))
    }

    pub(super) fn from_value(value: &Value) -> Result<Option<Vec<f64>>> {
        let list = value.get("config").and_then(|config| config.get("value"));
        ConfigField::from_value(list.unwrap_or(value))
    }
}

impl Auc {
    /// Given thresholds are written in order, and their number includes the two added around them.
    fn adjust(&self, config: &mut Config) -> Result<()> {
        if let Some(thresholds) = self.sorted_thresholds() {
            config.insert("num_thresholds".to_owned(), (thresholds.len() + 2).to_value()?);
            config.insert("thresholds".to_owned(), thresholds.to_value()?);
        }
        Ok(())
    }

    fn sorted_thresholds(&self) -> Option<Vec<f64>> {
        let mut sorted = self.thresholds.clone()?;
        sorted.sort_by(f64::total_cmp);
        Some(sorted)
    }

    fn check(&self) -> Result<()> {
        if self.thresholds.is_none() && self.num_thresholds < 2 {
            return Err(Error::new(ErrorKind::Config, "Argument `num_thresholds` must be an integer > 1")
                .received(format!("num_thresholds={}", self.num_thresholds)));
        }
        if !self.multi_label && self.num_labels.is_some_and(|labels| labels > 0) {
            return Err(Error::new(ErrorKind::Config, "`num_labels` is needed only when `multi_label` is True"));
        }
        Ok(())
    }

    fn grid(&self) -> Grid {
        match self.sorted_thresholds() {
            None => Grid::spread(self.num_thresholds, EPSILON),
            Some(thresholds) => Grid::around(&thresholds, EPSILON),
        }
    }

    fn counts(&self, labels: Option<usize>) -> Result<[Variable; 4]> {
        let thresholds = self.grid().len();
        let shape = match labels {
            Some(labels) => Shape::from([thresholds, labels]),
            None => Shape::from([thresholds]),
        };
        variables(&self.state, self.name(), &shape)
    }

    fn weights(&self) -> Result<Option<Tensor>> {
        let tensor = |weights: &Vec<f64>| {
            Tensor::from_vec(weights.iter().map(|weight| *weight as f32).collect(), [weights.len()])
        };
        self.label_weights.as_ref().map(tensor).transpose()
    }

    /// Computes the sum over thresholds, and the mean over labels.
    fn total(&self, terms: &Tensor) -> Result<Tensor> {
        let areas = sum_impl(terms, &Axes::from(0), false)?;
        match self.weights()? {
            _ if !self.multi_label => Ok(areas),
            None => mean_impl(&areas, &Axes::all(), false),
            Some(weights) => {
                let weighted = sum_impl(&multiply(&areas, &weights)?, &Axes::all(), false)?;
                divide_no_nan(&weighted, &sum_impl(&weights, &Axes::all(), false)?)
            }
        }
    }

    /// Computes the area under the precision-recall curve by interpolation (Davis and Goadrich).
    fn interpolated(&self, tp: &Tensor, fp: &Tensor, fnn: &Tensor) -> Result<Tensor> {
        let predicted = add(tp, fp)?;
        let (tp_before, tp_after) = neighbours(tp)?;
        let (before, after) = neighbours(&predicted)?;
        let gained = subtract(&tp_before, &tp_after)?;
        let slope = divide_no_nan(&gained, &maximum(subtract(&before, &after)?, 0.0)?)?;
        let intercept = subtract(&tp_after, multiply(&slope, &after)?)?;
        let both = logical_and(greater(&before, 0.0)?, greater(&after, 0.0)?)?;
        let ratio = where_(&both, &divide_no_nan(&before, &maximum(&after, 0.0)?)?, 1.0)?;
        let area = multiply(&slope, add(&gained, multiply(&intercept, log(&ratio)?)?)?)?;
        let (_, fn_after) = neighbours(fnn)?;
        self.total(&divide_no_nan(&area, &maximum(add(&tp_after, &fn_after)?, 0.0)?)?)
    }
}

/// Returns all but the last, and all but the first threshold's values.
fn neighbours(x: &Tensor) -> Result<(Tensor, Tensor)> {
    let count = x.shape().dim(0)?;
    Ok((slice_axis(x, 0, Span::range(0, count.saturating_sub(1)))?, slice_axis(x, 0, Span::range(1, count))?))
}

impl Measure for Auc {
    fn direction(&self) -> Option<Direction> {
        Some(Direction::Up)
    }

    fn update_state(&self, y_true: &Tensor, y_pred: &Tensor, sample_weight: Option<&Tensor>) -> Result<()> {
        self.check()?;
        let y_pred = if self.from_logits { sigmoid(y_pred)? } else { y_pred.clone() };
        let label_weights = if self.multi_label { None } else { self.weights()? };
        let options = Options {
            sample_weight,
            label_weights: label_weights.as_ref(),
            multi_label: self.multi_label,
            ..Options::default()
        };
        let batch = Counts::of(y_true, &y_pred, &self.grid(), options)?;
        let labels = if self.multi_label { Some(y_pred.shape().last()?) } else { None };
        add_counts(&self.counts(labels)?, &batch)
    }

    fn result(&self) -> Result<Nested<Tensor>> {
        let variables = self.variables()?;
        let [tp, fp, tn, fnn] = variables.as_slice() else {
            return Err(Error::new(ErrorKind::NotBuilt, format!("the metric `{}` has seen no batch yet", self.name())));
        };
        let (tp, fp, tn, fnn) = (tp.read(), fp.read(), tn.read(), fnn.read());
        if self.curve == AucCurve::Pr && self.summation_method == AucSummation::Interpolation {
            return self.interpolated(&tp, &fp, &fnn).map(Into::into);
        }
        let (x, y) = match self.curve {
            AucCurve::Roc => (share(&fp, &tn)?, share(&tp, &fnn)?),
            AucCurve::Pr => (share(&tp, &fnn)?, share(&tp, &fp)?),
            AucCurve::PrGain => {
                let odds = divide_no_nan(&add(&tp, &fnn)?, &add(&tn, &fp)?)?;
                let gain = |wrong: &Tensor, without: f64| {
                    let gain = subtract(1.0, multiply(&odds, divide_no_nan(wrong, &tp)?)?)?;
                    where_(&equal(&tp, 0.0)?, without, &gain)
                };
                (maximum(gain(&fnn, 0.0)?, 0.0)?, gain(&fp, 1.0)?)
            }
        };
        let ((x_before, x_after), (y_before, y_after)) = (neighbours(&x)?, neighbours(&y)?);
        let heights = match self.summation_method {
            AucSummation::Interpolation => divide(add(&y_before, &y_after)?, 2.0)?,
            AucSummation::Minoring => minimum(&y_before, &y_after)?,
            AucSummation::Majoring => maximum(&y_before, &y_after)?,
        };
        self.total(&multiply(subtract(&x_before, &x_after)?, &heights)?).map(Into::into)
    }

    fn variables(&self) -> Result<Vec<Variable>> {
        let known = self.num_labels.filter(|labels| *labels > 0);
        if !self.multi_label || (known.is_some() && self.state.variables().is_empty()) {
            self.counts(known)?;
        }
        Ok(self.state.variables())
    }
}
