//! Parts of a tensor at regular positions.

use burn_backend::ops::{BoolTensorOps, FloatTensorOps, IntTensorOps};

use super::{family, shaped};
use crate::error::Result;
use crate::program::onnx::{Attribute, Call, Extent, Value};
use crate::program::primitive::{Primitive, Spec, exactly};
use crate::tensor::engine::Engine;
use crate::tensor::{Shape, Tensor};

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

/// A range of each axis. On an axis of unknown extent, the number of positions is unknown too.
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
        let counts = x.shape.dims().iter().zip(&self.0).map(|(extent, range)| extent.map(|_| range.count));
        Ok(shaped(x, counts.collect::<Shape>()))
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

    fn operations(&self, _: &[Spec], _: &Spec) -> u64 {
        0
    }

    fn onnx(&self, call: &mut Call) -> Result<Value> {
        let [x] = call.operands()?;
        let (from, counts) = (call.extents(x)?, call.result());
        let mut axes = Vec::new();
        let (mut starts, mut ends, mut steps) = (Vec::new(), Vec::new(), Vec::new());
        for (axis, range) in self.0.iter().enumerate() {
            let of = |call: &mut Call, get: fn(&Range) -> usize| call.each(|slice: &Self| slice.0.get(axis).map(get));
            let start = of(call, |range| range.start)?;
            let (Some(extent), Some(count)) = (from.get(axis), counts.get(axis)) else {
                return Err(call.unsupported("a slice of another rank"));
            };
            if extent == count && start.known() == Some(0) && range.step == 1 {
                continue;
            }
            // Forwards: one after the last position.
            let end = if range.step > 0 { start.zip(count, |start, count| start + count) } else { start.clone() };
            axes.push(axis as i64);
            steps.push(range.step as i64);
            if range.step > 0 {
                let end = if range.step == 1 {
                    end
                } else {
                    let step = range.step.unsigned_abs();
                    start.zip(count, |start, count| start + count.saturating_sub(1) * step + usize::from(count > 0))
                };
                starts.push(position(call, &start, extent)?);
                ends.push(position(call, &end, extent)?);
            } else {
                let step = range.step.unsigned_abs();
                // Backwards: one before the last position, which is the smallest number if that is the first one.
                let last = end.zip(count, |start, count| start.saturating_sub(count.saturating_sub(1) * step));
                starts.push(position(call, &start, extent)?);
                if last.values().iter().all(|last| *last == 0) {
                    ends.push(call.graph.ints(&[i64::MIN])?);
                } else {
                    ends.push(position(call, &last.zip(&last, |last, _| last.saturating_sub(1)), extent)?);
                }
            }
        }
        if axes.is_empty() {
            return Ok(x);
        }
        let (starts, ends) = (joined(call, &starts)?, joined(call, &ends)?);
        let (axes, steps) = (call.graph.ints(&axes)?, call.graph.ints(&steps)?);
        call.operator("Slice", &[x, starts, ends, axes, steps], vec![])
    }
}

/// Returns a position of an axis as a vector of one number: counted from the end where only that is known.
fn position(call: &mut Call, position: &Extent, extent: &Extent) -> Result<Value> {
    match (position.known(), position.minus(extent)) {
        (Some(known), _) => call.graph.ints(&[known as i64]),
        (None, Some(0)) => call.graph.ints(&[i64::MAX]),
        (None, Some(from_end)) => call.graph.ints(&[from_end]),
        (None, None) => call.graph.extent(position),
    }
}

fn joined(call: &mut Call, parts: &[Value]) -> Result<Value> {
    match parts {
        [part] => Ok(*part),
        parts => call.operator("Concat", parts, vec![("axis", Attribute::Int(0))]),
    }
}
