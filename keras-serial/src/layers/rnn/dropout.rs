//! Dropout of recurrent cells: the same elements are dropped in all steps of a sequence.

use once_cell::unsync::OnceCell;

use rand_chacha::ChaCha12Rng;

use crate::config::ConfigField;
use crate::error::Result;
use crate::json::Value;
use crate::ops;
use crate::ops::shape::{Span, concat, slice_axis};
use crate::program;
use crate::random::{self, Seed, SeedGenerator};
use crate::tensor::{CallContext, DType, Shape, Tensor};

/// A dropout rate, clamped to 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Rate(pub f64);

impl From<f64> for Rate {
    fn from(rate: f64) -> Self {
        Self(rate.clamp(0.0, 1.0))
    }
}

impl ConfigField for Rate {
    fn field_type() -> crate::config::FieldType {
        crate::config::FieldType::Number
    }

    fn to_value(&self) -> Result<Value> {
        self.0.to_value()
    }

    fn from_value(value: &Value) -> Result<Self> {
        f64::from_value(value).map(Self::from)
    }
}

/// The dropout masks of one sequence, drawn with the first input.
pub(super) struct Factors<'a> {
    source: Option<(&'a SeedGenerator, &'a Seed, f64)>,
    count: usize,
    rank: usize,
    drawn: OnceCell<Vec<Tensor>>,
}

impl<'a> Factors<'a> {
    /// Masks for steps of this rank; `count` is the number of gates if each has its own mask, else 1.
    pub(super) fn new(
        generator: &'a SeedGenerator,
        seed: &'a Seed,
        rate: Rate,
        (count, rank): (usize, usize),
        cx: &CallContext,
    ) -> Self {
        let source = (cx.is_training() && rate.0 > 0.0).then_some((generator, seed, rate.0));
        Self { source, count, rank, drawn: OnceCell::new() }
    }

    /// Returns true if anything is dropped.
    pub(super) fn drops(&self) -> bool {
        self.source.is_some()
    }

    /// Returns the masks for steps like those of `x`; none if nothing is dropped.
    pub(super) fn of(&self, x: &Tensor) -> Result<&[Tensor]> {
        let Some((generator, seed, rate)) = self.source else { return Ok(&[]) };
        program::infer_or_compute(&[x], &[][..], || {
            let drawn = self.drawn.get_or_try_init(|| {
                let dims = x.shape().dims();
                let shape: Shape = dims.iter().skip(dims.len().saturating_sub(self.rank)).copied().collect();
                generator.draw(seed, |rng| (0..self.count).map(|_| draw(rng, &shape, rate, x.dtype())).collect())
            })?;
            Ok(drawn.as_slice())
        })
    }
}

fn draw(generator: &mut ChaCha12Rng, shape: &Shape, rate: f64, dtype: DType) -> Result<Tensor> {
    let kept = ops::greater_equal(&random::uniform(generator, shape, 0.0, 1.0, DType::Float32)?, rate)?;
    let scale = if rate < 1.0 { 1.0 / (1.0 - rate) } else { 0.0 };
    ops::multiply(&ops::cast_to(&kept, dtype)?, scale)
}

/// Returns columns of a matrix, or a range of the last axis of a kernel.
pub(super) fn columns(kernel: &Tensor, start: usize, stop: usize) -> Result<Tensor> {
    slice_axis(kernel, -1, Span::range(start, stop))
}

/// Computes `product(x, kernel)` with dropout: each mask applies to one equal part of the kernel's outputs (a
/// gate).
pub(super) fn dropped_product(
    x: &Tensor,
    kernel: &Tensor,
    factors: &[Tensor],
    axis: isize,
    product: impl Fn(&Tensor, &Tensor) -> Result<Tensor>,
) -> Result<Tensor> {
    match factors {
        [] => product(x, kernel),
        [factor] => product(&ops::multiply(x, factor)?, kernel),
        factors => {
            let width = kernel.shape().last()? / factors.len();
            let parts = factors.iter().enumerate().map(|(gate, factor)| {
                product(&ops::multiply(x, factor)?, &columns(kernel, gate * width, (gate + 1) * width)?)
            });
            concat(&parts.collect::<Result<Vec<_>>>()?, axis)
        }
    }
}

/// Returns how many dropout masks a cell draws: one for all gates, or one for each.
pub(super) fn dropout_masks(implementation: usize, recurrent_dropout: Rate, gates: usize) -> usize {
    if implementation == 1 || recurrent_dropout.0 != 0.0 { gates } else { 1 }
}

/// Returns the rate, or 0 for a rate of 1: cells with gates then drop nothing.
pub(super) fn below_one(rate: Rate) -> Rate {
    if rate.0 < 1.0 { rate } else { Rate(0.0) }
}
