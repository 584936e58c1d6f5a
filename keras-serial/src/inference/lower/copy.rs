//! Elements in another order: transposes, slices, broadcasts and joins.

use crate::error::Result;
use crate::inference::graph::{Graph, primitive};
use crate::inference::kernel::{Fused, Kernel, failed, operand};
use crate::program::Node;
use crate::program::primitives::{Broadcast, Concat, Slice, Transpose};
use keras_serial_kernels::copy::{Join, Strided};
use keras_serial_kernels::{self as kernels, Context};

/// Operands of a join at most; the engine joins more.
const MOST: usize = 16;

impl Kernel for Strided {
    fn run(&self, context: &Context<'_>, operands: &[&[f32]], out: &mut [f32]) -> kernels::Result<()> {
        Strided::run(self, context, operand(operands, 0)?, out)
    }

    fn name(&self) -> &'static str {
        "copy"
    }
}

impl Kernel for Join {
    fn run(&self, context: &Context<'_>, operands: &[&[f32]], out: &mut [f32]) -> kernels::Result<()> {
        Join::run(self, context, operands, out)
    }

    fn name(&self) -> &'static str {
        "join"
    }
}

/// Returns the distances of neighbours along each axis.
fn strides(extents: &[usize]) -> Vec<isize> {
    let mut strides: Vec<isize> =
        extents.iter().rev().scan(1, |size, extent| Some(std::mem::replace(size, *size * *extent as isize))).collect();
    strides.reverse();
    strides
}

/// Returns the first element and the distances along the axes of the result.
fn view(node: &Node, input: &[usize]) -> Option<(usize, Vec<isize>)> {
    let from = strides(input);
    if let Some(transpose) = primitive::<Transpose>(node) {
        return Some((0, transpose.0.iter().map(|axis| from.get(*axis).copied()).collect::<Option<_>>()?));
    }
    if primitive::<Broadcast>(node).is_some() {
        let steps = from.iter().zip(input).map(|(step, extent)| if *extent == 1 { 0 } else { *step });
        return Some((0, steps.collect()));
    }
    let slice = primitive::<Slice>(node)?;
    let start = slice.0.iter().zip(&from).map(|(range, step)| range.start * step.unsigned_abs()).sum();
    Some((start, slice.0.iter().zip(&from).map(|(range, step)| range.step * step).collect()))
}

pub(super) fn lower(_: &Context<'_>, graph: &Graph<'_>, position: usize, node: &Node) -> Result<Option<Fused>> {
    let extents = node.spec.shape.known()?;
    if let Some(Concat(axis)) = primitive(node) {
        let inputs: Option<Vec<Vec<usize>>> = node.operands.iter().map(|x| graph.extents(*x)).collect();
        let Some(inputs) = inputs.filter(|inputs| inputs.len() <= MOST) else { return Ok(None) };
        let widths = inputs.iter().map(|extents| extents.get(*axis..).unwrap_or_default().iter().product()).collect();
        return Ok(Some(Fused::one(position, Join::new(widths), node.operands.clone())));
    }
    let &[x] = node.operands.as_slice() else { return Ok(None) };
    let Some(input) = graph.extents(x) else { return Ok(None) };
    let Some((start, steps)) = view(node, &input) else { return Ok(None) };
    let kernel = Strided::new(start, &extents, &steps).map_err(failed)?;
    Ok(Some(Fused::one(position, kernel, [x])))
}
