//! Shared parts of intersection-over-union metrics.

use super::State;
use crate::error::{Error, ErrorKind, Result};
use crate::ops::create::arange;
use crate::ops::dtypes::cast;
use crate::ops::numeric::{EPSILON, segment_sum};
use crate::ops::reduce::{arg_extreme, sum_impl};
use crate::ops::shape::{broadcast_to, expand_at, reshape_to};
use crate::ops::take::take_axis;
use crate::ops::{Axes, add, divide, equal, greater, subtract, where_};
use crate::tensor::{DType, Shape, Tensor};
use crate::variable::Variable;

/// How a metric interprets labels and predictions.
#[derive(Clone, Copy, Debug)]
pub(super) struct Classes {
    pub count: usize,
    pub ignored: Option<i64>,
    pub sparse_y_true: bool,
    pub sparse_y_pred: bool,
    pub axis: isize,
    pub dtype: DType,
}

impl Classes {
    pub(super) fn variable(&self, state: &State, metric: &str) -> Result<Variable> {
        state.variable(metric, "total_confusion_matrix", &Shape::from([self.count, self.count]), self.dtype)
    }

    /// Computes the confusion matrix: `(classes, classes)`.
    pub(super) fn confusion(&self, y_true: &Tensor, y_pred: &Tensor, sample_weight: Option<&Tensor>) -> Result<Tensor> {
        let labels = |x: &Tensor, sparse: bool| {
            let x = if sparse { x.clone() } else { arg_extreme(x, Some(self.axis), false, true)? };
            let x = cast(&x, self.dtype)?;
            if x.rank() > 1 { reshape_to(&x, &Shape::from([None])) } else { Ok(x) }
        };
        let (y_true, y_pred) = (labels(y_true, self.sparse_y_true)?, labels(y_pred, self.sparse_y_pred)?);
        if y_true.shape() != y_pred.shape() {
            return Err(Error::new(ErrorKind::Shape, "truth and predictions have different numbers of labels")
                .expected(format!("{} labels", y_pred.shape()))
                .received(format!("{} labels", y_true.shape())));
        }
        let weight = match sample_weight {
            None => crate::ops::ones_like(&y_true)?,
            Some(weight) => {
                let weight = cast(weight, self.dtype)?;
                let weight = if weight.rank() > 1 { reshape_to(&weight, &Shape::from([None]))? } else { weight };
                broadcast_to(&weight, y_true.shape())?
            }
        };
        let (rows, columns) = (integers(&y_true)?, integers(&y_pred)?);
        let known = 0..self.count as i64;
        // Labels that are no class, or are ignored, have no cell.
        let cells: Vec<i64> = rows
            .into_iter()
            .zip(columns)
            .map(|(row, column)| match (known.contains(&row) && known.contains(&column), self.ignored) {
                (true, ignored) if ignored != Some(row) => row * known.end + column,
                _ => -1,
            })
            .collect();
        // In double precision, which represents whole weights exactly.
        let sums = segment_sum(&cast(&weight, DType::Float64)?, &cells, self.count * self.count)?;
        cast(&reshape_to(&sums, &Shape::from([self.count, self.count]))?, self.dtype)
    }
}

fn integers(labels: &Tensor) -> Result<Vec<i64>> {
    cast(labels, DType::Int64)?.to_vec::<i64>()
}

/// Computes the mean intersection over union of the target classes that occur.
pub(super) fn intersection_over_union(confusion: &Tensor, targets: &[usize]) -> Result<Tensor> {
    let classes = confusion.shape().dim(0)?;
    let diagonal =
        equal(expand_at(&arange(classes, DType::Int32)?, 0)?, expand_at(&arange(classes, DType::Int32)?, 1)?)?;
    let shared = sum_impl(&where_(&diagonal, confusion, 0)?, &Axes::from(0), false)?;
    let covered = add(sum_impl(confusion, &Axes::from(0), false)?, sum_impl(confusion, &Axes::from(1), false)?)?;
    let covered = subtract(&covered, &shared)?;
    let targets = Tensor::from_vec(targets.iter().map(|class| *class as i64).collect(), [targets.len()])?;
    let of_targets = |x: &Tensor| cast(&take_axis(x, &targets, 0)?, DType::Float32);
    let (shared, covered) = (of_targets(&shared)?, of_targets(&covered)?);
    let occurs = greater(&covered, 1e-9)?;
    let ratio = where_(&occurs, &divide(&shared, add(&covered, EPSILON)?)?, 0.0)?;
    let count = sum_impl(&cast(&occurs, DType::Float32)?, &Axes::all(), false)?;
    divide(sum_impl(&ratio, &Axes::all(), false)?, add(&count, EPSILON)?)
}

/// Checks that there are targets and that all are classes.
pub(super) fn check_targets(targets: &[usize], classes: usize) -> Result<()> {
    match targets.iter().max() {
        None => Err(Error::new(ErrorKind::Config, "`target_class_ids` is empty").expected("at least one class")),
        Some(target) if *target >= classes => Err(Error::new(
            ErrorKind::Config,
            format!("Target class id {target} is out of range, which is [0, {classes})"),
        )),
        Some(_) => Ok(()),
    }
}

/// Implements the state and constructors that all intersection-over-union metrics share.
macro_rules! intersection_metric {
    ($class:ident, |$metric:ident| $classes:expr, $targets:expr) => {
        impl $class {
            fn classes(&self) -> $crate::metrics::iou_base::Classes {
                let $metric = self;
                $classes
            }
        }

        impl $crate::metrics::Measure for $class {
            fn direction(&self) -> Option<$crate::metrics::Direction> {
                Some($crate::metrics::Direction::Up)
            }

            fn update_state(
                &self,
                y_true: &$crate::tensor::Tensor,
                y_pred: &$crate::tensor::Tensor,
                sample_weight: Option<&$crate::tensor::Tensor>,
            ) -> $crate::error::Result<()> {
                let (y_true, y_pred) = self.prepare(y_true, y_pred)?;
                let batch = self.classes().confusion(&y_true, &y_pred, sample_weight)?;
                $crate::metrics::State::add(
                    &self.classes().variable(&self.state, $crate::metrics::Measure::name(self))?,
                    &batch,
                )
            }

            fn result(&self) -> $crate::error::Result<$crate::tensor::Nested<$crate::tensor::Tensor>> {
                let $metric = self;
                let confusion = self.classes().variable(&self.state, $crate::metrics::Measure::name(self))?.read();
                $crate::metrics::iou_base::intersection_over_union(&confusion, &$targets).map(Into::into)
            }

            fn variables(&self) -> $crate::error::Result<Vec<$crate::variable::Variable>> {
                Ok(vec![self.classes().variable(&self.state, $crate::metrics::Measure::name(self))?])
            }
        }
    };
}
pub(super) use intersection_metric;
