//! Weighted sums and means over samples.

use super::State;
use crate::error::Result;
use crate::losses::{Reduction, apply_mask, squeeze_or_expand_to_same_rank};
use crate::ops::dtypes::cast;
use crate::ops::numeric::divide_no_nan;
use crate::ops::reduce::{mean_impl, sum_impl};
use crate::ops::shape::broadcast_to;
use crate::ops::{Axes, multiply};
use crate::tensor::{DType, Shape, Tensor};
use crate::variable::Variable;

/// A function that reduces the values of one sample to one value.
pub(super) type Fold = fn(&Tensor, &Axes, bool) -> Result<Tensor>;

/// Reduces values and weights to one per sample.
pub(super) fn samplewise(
    values: &Tensor,
    weights: Option<&Tensor>,
    fold: Fold,
    dtype: DType,
) -> Result<(Tensor, Option<Tensor>)> {
    let axes =
        |range: std::ops::Range<usize>| Axes::from(range.map(|axis| axis as isize).collect::<Vec<_>>().as_slice());
    let mask = values.mask();
    let mut values = cast(values, dtype)?.with_mask(None);
    let mut weights = match weights {
        None => None,
        Some(weights) => apply_mask(Some(&cast(weights, dtype)?), mask.as_ref(), dtype, Reduction::Sum)?,
    };
    if let Some(given) = &weights {
        let (same, given) = squeeze_or_expand_to_same_rank(&values, given, true)?;
        values = same;
        let rank = given.rank();
        if values.rank() > rank {
            values = fold(&values, &axes(rank..values.rank()), false)?;
        }
        let mut given = broadcast_to(&given, values.shape())?;
        values = multiply(&values, &given)?;
        if rank > 1 {
            given = fold(&given, &axes(1..rank), false)?;
        }
        weights = Some(given);
    }
    if values.rank() > 1 {
        values = fold(&values, &axes(1..values.rank()), false)?;
    }
    Ok((values, weights))
}

/// The state of a mean: `total` and `count`.
#[derive(Debug, Default)]
pub(super) struct MeanState(State);

impl MeanState {
    pub(super) fn variables(&self, metric: &str, dtype: DType) -> Result<[Variable; 2]> {
        let variable = |name| self.0.variable(metric, name, &Shape::scalar(), dtype);
        Ok([variable("total")?, variable("count")?])
    }

    pub(super) fn update(&self, metric: &str, dtype: DType, values: &Tensor, weights: Option<&Tensor>) -> Result<()> {
        let (values, weights) = samplewise(values, weights, mean_impl, dtype)?;
        let [total, count] = self.variables(metric, dtype)?;
        State::add(&total, &sum_impl(&values, &Axes::all(), false)?)?;
        let samples = match weights {
            Some(weights) => sum_impl(&weights, &Axes::all(), false)?,
            None => Tensor::scalar(values.shape().known()?.first().copied().unwrap_or(1) as f64)?,
        };
        State::add(&count, &cast(&samples, dtype)?)
    }

    pub(super) fn result(&self, metric: &str, dtype: DType) -> Result<Tensor> {
        let [total, count] = self.variables(metric, dtype)?;
        divide_no_nan(&total.read(), &count.read())
    }
}
