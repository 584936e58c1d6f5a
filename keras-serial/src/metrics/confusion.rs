//! Counts true and false positives and negatives at thresholds (`keras.src.metrics.metrics_utils`).

use crate::config::{ConfigField, Number, wrong_type};
use crate::error::{Error, ErrorKind, Result};
use crate::json::Value;
use crate::losses::squeeze_or_expand_to_same_rank;
use crate::ops::dtypes::cast;
use crate::ops::numeric::{cumsum, segment_sum, top_k_mask};
use crate::ops::reduce::sum_impl;
use crate::ops::shape::{Span, broadcast_to, concat, expand_at, flip_axes, reshape_to, slice_axis};
use crate::ops::{Axes, ceil, clip, greater, logical_and, logical_not, multiply, subtract, where_};
use crate::tensor::{DType, Shape, Tensor};

/// One threshold, or several.
#[derive(Clone, Debug, PartialEq)]
pub enum Thresholds {
    /// One threshold: the result is a number.
    One(Number),
    /// Several thresholds: the result is a vector.
    Many(Vec<Number>),
}

impl Thresholds {
    fn numbers(&self) -> Vec<f64> {
        match self {
            Self::One(number) => vec![number.get()],
            Self::Many(numbers) => numbers.iter().map(|number| number.get()).collect(),
        }
    }

    /// Checks that thresholds are probabilities.
    pub(super) fn check(thresholds: Option<&Self>) -> Result<()> {
        let numbers = thresholds.map(Self::numbers).unwrap_or_default();
        let invalid: Vec<f64> = numbers.iter().copied().filter(|number| !(0.0..=1.0).contains(number)).collect();
        if !invalid.is_empty() {
            return Err(
                Error::new(ErrorKind::Config, "Threshold values must be in [0, 1]").received(format!("{invalid:?}"))
            );
        }
        match thresholds {
            Some(Self::Many(numbers)) if numbers.is_empty() => {
                Err(Error::new(ErrorKind::Config, "there are no thresholds").expected("at least one"))
            }
            _ => Ok(()),
        }
    }
}

impl From<f64> for Thresholds {
    fn from(threshold: f64) -> Self {
        Self::One(threshold.into())
    }
}

impl From<Vec<f64>> for Thresholds {
    fn from(thresholds: Vec<f64>) -> Self {
        Self::Many(thresholds.into_iter().map(Number::from).collect())
    }
}

impl<const N: usize> From<[f64; N]> for Thresholds {
    fn from(thresholds: [f64; N]) -> Self {
        thresholds.to_vec().into()
    }
}

impl ConfigField for Thresholds {
    fn field_type() -> crate::config::FieldType {
        crate::config::FieldType::Either(vec![
            crate::config::FieldType::Number,
            crate::config::FieldType::list(crate::config::FieldType::Number),
        ])
    }

    fn to_value(&self) -> Result<Value> {
        match self {
            Self::One(number) => number.to_value(),
            Self::Many(numbers) => numbers.to_value(),
        }
    }

    fn from_value(value: &Value) -> Result<Self> {
        match value {
            Value::List(_) => Vec::from_value(value).map(Self::Many),
            Value::Int(_) | Value::Float(_) => Number::from_value(value).map(Self::One),
            _ => Err(wrong_type("a number or a list of numbers", value)),
        }
    }
}

/// Keras's value for predictions that are not among the top k.
const NEVER: f64 = -1e10;

/// The thresholds at which a metric counts.
#[derive(Clone, Debug)]
pub(super) struct Grid {
    values: Vec<f64>,
    /// Whether they are evenly spaced from 0 to 1, so that each prediction's bucket can be computed
    /// directly.
    even: bool,
}

impl Grid {
    /// Creates the given thresholds; without any 0.5, or one that all of the top k pass.
    pub(super) fn of(thresholds: Option<&Thresholds>, top_k: Option<usize>) -> Self {
        let default = if top_k.is_none() { 0.5 } else { NEVER };
        let values = thresholds.map_or_else(|| vec![default], Thresholds::numbers);
        let even = is_even(&values);
        Self { values, even }
    }

    /// Creates this many thresholds from 0 to 1; the first and last are moved outwards by `margin`.
    pub(super) fn spread(count: usize, margin: f64) -> Self {
        if count == 1 {
            return Self { values: vec![0.5], even: false };
        }
        let inner = (1..count.saturating_sub(1)).map(|i| i as f64 / (count - 1) as f64);
        Self { values: framed(inner, margin), even: true }
    }

    /// Creates these thresholds with 0 and 1 around them, moved outwards by `margin`.
    pub(super) fn around(thresholds: &[f64], margin: f64) -> Self {
        let even = is_even(&framed(thresholds.iter().copied(), 0.0));
        Self { values: framed(thresholds.iter().copied(), margin), even }
    }

    pub(super) fn len(&self) -> usize {
        self.values.len()
    }
}

fn framed(inner: impl Iterator<Item = f64>, margin: f64) -> Vec<f64> {
    std::iter::once(0.0 - margin).chain(inner).chain([1.0 + margin]).collect()
}

fn is_even(thresholds: &[f64]) -> bool {
    let count = thresholds.len();
    count >= 3
        && thresholds.iter().enumerate().all(|(i, threshold)| {
            let even = f64::from(i as f32 / (count - 1) as f32);
            (threshold - even).abs() <= 1e-7 + 1e-5 * even
        })
}

/// What to count of a batch.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Options<'a> {
    pub top_k: Option<usize>,
    pub class_id: Option<usize>,
    pub sample_weight: Option<&'a Tensor>,
    pub label_weights: Option<&'a Tensor>,
    /// Whether each label is counted separately.
    pub multi_label: bool,
}

/// The four counts at each threshold: of shape `(thresholds,)`, or `(thresholds, labels)`.
pub(super) struct Counts {
    pub true_positives: Tensor,
    pub false_positives: Tensor,
    pub true_negatives: Tensor,
    pub false_negatives: Tensor,
}

impl Counts {
    /// Counts a batch.
    pub(super) fn of(y_true: &Tensor, y_pred: &Tensor, grid: &Grid, options: Options<'_>) -> Result<Self> {
        let batch = Batch::of(y_true, y_pred, options)?;
        if !options.multi_label {
            return if grid.even { batch.placed(grid) } else { batch.compared(grid) };
        }
        // Counts each label separately: one column after the other.
        let labels = batch.truth.shape().dim(1)?;
        let columns = (0..labels).map(|label| {
            let column = batch.column(label)?;
            if grid.even { column.placed(grid) } else { column.compared(grid) }
        });
        Self::side_by_side(&columns.collect::<Result<Vec<_>>>()?)
    }

    fn side_by_side(columns: &[Self]) -> Result<Self> {
        let join = |count: fn(&Self) -> &Tensor| {
            let columns = columns.iter().map(|column| expand_at(count(column), 1)).collect::<Result<Vec<_>>>()?;
            concat(&columns, 1)
        };
        Ok(Self {
            true_positives: join(|c| &c.true_positives)?,
            false_positives: join(|c| &c.false_positives)?,
            true_negatives: join(|c| &c.true_negatives)?,
            false_negatives: join(|c| &c.false_negatives)?,
        })
    }
}

/// Targets, predictions and weights of one shape: flattened, or `(samples, labels)`.
struct Batch {
    truth: Tensor,
    prediction: Tensor,
    weight: Tensor,
}

impl Batch {
    fn of(y_true: &Tensor, y_pred: &Tensor, options: Options<'_>) -> Result<Self> {
        let (y_true, y_pred) = (cast(y_true, DType::Float32)?, cast(y_pred, DType::Float32)?);
        let (mut y_pred, mut y_true) = squeeze_or_expand_to_same_rank(&y_pred, &y_true, true)?;
        if y_true.shape() != y_pred.shape() {
            return Err(Error::new(ErrorKind::Shape, "truth and predictions have different shapes")
                .expected(format!("y_true.shape={}", y_pred.shape()))
                .received(format!("y_true.shape={}", y_true.shape())));
        }
        let weight = match options.sample_weight {
            None => None,
            Some(weight) => {
                let weight = expand_at(&cast(weight, DType::Float32)?, -1)?;
                Some(squeeze_or_expand_to_same_rank(&y_true, &weight, false)?.1)
            }
        };
        if let Some(k) = options.top_k {
            y_pred = where_(&top_k_mask(&y_pred, k)?, &y_pred, NEVER)?;
        }
        if let Some(class) = options.class_id {
            if y_pred.rank() < 2 {
                return Err(Error::new(
                    ErrorKind::Shape,
                    "When class_id is provided, y_pred must be a 2D array with shape (num_samples, num_classes)",
                )
                .received(format!("y_pred.shape={}", y_pred.shape())));
            }
            let classes = y_pred.shape().last()?;
            if class >= classes {
                return Err(Error::new(ErrorKind::InvalidArgument, "class_id is no class")
                    .expected(format!("a class_id from 0 to {}", classes.saturating_sub(1)))
                    .received(format!("class_id={class}")));
            }
            let of_class = |x: &Tensor| slice_axis(x, -1, Span::range(class, class + 1));
            (y_true, y_pred) = (of_class(&y_true)?, of_class(&y_pred)?);
        }
        if options.multi_label && y_pred.rank() != 2 {
            return Err(Error::new(ErrorKind::Shape, "`y_pred` must have rank 2 when `multi_label=True`")
                .received(format!("y_pred.shape={}", y_pred.shape())));
        }
        let mut weights = crate::ops::ones_like(&y_pred)?;
        if let Some(weight) = &weight {
            weights = broadcast_to(weight, y_pred.shape())?;
        }
        if let Some(label_weights) = options.label_weights {
            weights = multiply(&weights, label_weights)?;
        }
        let batch =
            Self { truth: cast(&cast(&y_true, DType::Bool)?, DType::Float32)?, prediction: y_pred, weight: weights };
        if options.multi_label { Ok(batch) } else { batch.each(|x| reshape_to(x, &Shape::from([None]))) }
    }

    fn each(&self, f: impl Fn(&Tensor) -> Result<Tensor>) -> Result<Self> {
        Ok(Self { truth: f(&self.truth)?, prediction: f(&self.prediction)?, weight: f(&self.weight)? })
    }

    fn column(&self, label: usize) -> Result<Self> {
        self.each(|x| crate::ops::shape::index_axis(x, 1, label as isize))
    }

    /// Returns the weights of positive and of negative labels.
    fn labels(&self) -> Result<(Tensor, Tensor)> {
        Ok((multiply(&self.truth, &self.weight)?, multiply(subtract(1.0, &self.truth)?, &self.weight)?))
    }

    /// Counts by comparing every prediction with every threshold.
    fn compared(&self, grid: &Grid) -> Result<Counts> {
        let thresholds = Tensor::from_vec(grid.values.iter().map(|t| *t as f32).collect(), [grid.len(), 1])?;
        let predicted = greater(expand_at(&self.prediction, 0)?, &thresholds)?;
        let actual = cast(&expand_at(&self.truth, 0)?, DType::Bool)?;
        let weight = expand_at(&self.weight, 0)?;
        let count = |actual: &Tensor, predicted: &Tensor| {
            sum_impl(&where_(&logical_and(actual, predicted)?, &weight, 0.0)?, &Axes::from(1), false)
        };
        let (not_actual, not_predicted) = (logical_not(&actual)?, logical_not(&predicted)?);
        Ok(Counts {
            true_positives: count(&actual, &predicted)?,
            false_positives: count(&not_actual, &predicted)?,
            true_negatives: count(&not_actual, &not_predicted)?,
            false_negatives: count(&actual, &not_predicted)?,
        })
    }

    /// Counts each prediction at the highest threshold that it passes, then accumulates from the highest
    /// down.
    fn placed(&self, grid: &Grid) -> Result<Counts> {
        let with_margin = grid.values.first().is_some_and(|t| *t < 0.0) || grid.values.last().is_some_and(|t| *t > 1.0);
        let scaled = multiply(clip(&self.prediction, 0.0, 1.0)?, (grid.len() - 1) as f64)?;
        let mut places = subtract(ceil(&scaled)?, 1.0)?;
        if with_margin {
            places = crate::ops::relu(&places)?;
        }
        let places = cast(&places, DType::Int64)?.to_vec::<i64>()?;
        let (positive, negative) = self.labels()?;
        let from_above = |x: &Tensor| {
            let sums = flip_axes(&segment_sum(x, &places, grid.len())?, &[0])?;
            flip_axes(&cumsum(&sums, 0)?, &[0])
        };
        let total = |x: &Tensor| sum_impl(x, &Axes::all(), false);
        let (true_positives, false_positives) = (from_above(&positive)?, from_above(&negative)?);
        Ok(Counts {
            true_negatives: subtract(total(&negative)?, &false_positives)?,
            false_negatives: subtract(total(&positive)?, &true_positives)?,
            true_positives,
            false_positives,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_of_counting_agree() {
        let y_true = Tensor::from_slice(&[0.0f32, 1.0, 1.0, 0.0, 1.0], [5]).unwrap();
        let y_pred = Tensor::from_slice(&[0.0f32, 0.3, 0.5, 0.76, 1.0], [5]).unwrap();
        let weight = Tensor::from_slice(&[1.0f32, 2.0, 1.0, 0.5, 3.0], [5]).unwrap();
        let options = Options { sample_weight: Some(&weight), ..Options::default() };
        let even = Grid::spread(5, 1e-7);
        let slow = Grid { even: false, ..even.clone() };
        let (fast, slow) = (
            Counts::of(&y_true, &y_pred, &even, options).unwrap(),
            Counts::of(&y_true, &y_pred, &slow, options).unwrap(),
        );
        for (fast, slow) in [
            (fast.true_positives, slow.true_positives),
            (fast.false_negatives, slow.false_negatives),
            (fast.true_negatives, slow.true_negatives),
            (fast.false_positives, slow.false_positives),
        ] {
            assert_eq!(fast.to_vec::<f32>().unwrap(), slow.to_vec::<f32>().unwrap());
        }
    }
}
