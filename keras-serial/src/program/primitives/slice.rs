//! Parts of a tensor at regular positions.

use burn_backend::ops::{BoolTensorOps, FloatTensorOps, IntTensorOps};

use super::{family, shaped};
use crate::error::Result;
use crate::program::primitive::{Primitive, Spec, exactly};
use crate::tensor::Tensor;
use crate::tensor::engine::Engine;

/// Positions of one axis: `count` of them from `start` on, `step` apart; backwards if the step is negative.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Range {
    pub start: usize,
    pub count: usize,
    pub step: isize,
}

impl Range {
    /// Returns the engine's slice; its reversed slices run over `start..end` backwards.
    fn engine(self) -> burn_backend::Slice {
        let (start, count, step) = (self.start as isize, self.count as isize, self.step);
        if step > 0 {
            burn_backend::Slice::new(start, Some((start + (count - 1) * step + 1).max(start)), step)
        } else {
            burn_backend::Slice::new(start + (count - 1) * step, Some(start + 1), step)
        }
    }
}

/// A range of each axis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Slice(pub Vec<Range>);

impl Primitive for Slice {
    fn name(&self) -> &'static str {
        "slice"
    }

    fn attributes(&self) -> Vec<(&'static str, String)> {
        let of = |get: fn(&Range) -> String| {
            let items: Vec<String> = self.0.iter().map(get).collect();
            format!("[{}]", items.join(", "))
        };
        let mut attributes =
            vec![("start", of(|range| range.start.to_string())), ("count", of(|range| range.count.to_string()))];
        if self.0.iter().any(|range| range.step != 1) {
            attributes.push(("step", of(|range| range.step.to_string())));
        }
        attributes
    }

    fn infer(&self, operands: &[Spec]) -> Result<Spec> {
        let [x] = exactly(operands)?;
        Ok(shaped(x, self.0.iter().map(|range| range.count).collect::<Vec<_>>()))
    }

    fn eval(&self, operands: &[&Tensor]) -> Result<Tensor> {
        let [x] = exactly(operands)?;
        let slices: Vec<burn_backend::Slice> = self.0.iter().map(|range| range.engine()).collect();
        family(
            x,
            |raw| Engine::float_slice(raw, &slices),
            |raw| Engine::int_slice(raw, &slices),
            |raw| Engine::bool_slice(raw, &slices),
        )
    }
}
