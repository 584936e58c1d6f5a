//! Averages and maxima over neighbouring axes before the last one, as in global pooling.

use crate::error::Result;
use crate::inference::graph::{Graph, primitive};
use crate::inference::kernel::{Fused, Kernel, operand};
use crate::program::Node;
use crate::program::primitives::{Reduce, Reduction, Reshape};
use keras_serial_kernels::pool2d::{self, Kind};
use keras_serial_kernels::{self as kernels, Context};

#[derive(Debug)]
struct Global {
    kind: Kind,
    positions: usize,
    channels: usize,
}

impl Kernel for Global {
    fn run(&self, context: &Context<'_>, operands: &[&[f32]], out: &mut [f32]) -> kernels::Result<()> {
        pool2d::global(context, self.kind, operand(operands, 0)?, self.positions, self.channels, out)
    }

    fn name(&self) -> &'static str {
        "global_pool"
    }
}

fn kind(node: &Node) -> Option<(Kind, usize)> {
    match primitive::<Reduce>(node)? {
        Reduce { by: Reduction::Mean, axis } => Some((Kind::Average, *axis)),
        Reduce { by: Reduction::Max, axis } => Some((Kind::Max, *axis)),
        Reduce { .. } => None,
    }
}

pub(super) fn lower(_: &Context<'_>, graph: &Graph<'_>, position: usize, node: &Node) -> Result<Option<Fused>> {
    let (Some((kind_here, first)), &[x]) = (kind(node), node.operands.as_slice()) else { return Ok(None) };
    let Some(input) = graph.extents(x) else { return Ok(None) };
    let (mut last, mut end, mut inner) = (position, first + 1, Vec::new());
    let mut here = position;
    // The next axis, perhaps after reshapes that leave the order of the elements alone.
    while let Some((next, user)) = graph.only_user(here) {
        if kind(user) == Some((kind_here, end)) && end + 1 < input.len() {
            inner.push(last);
            (last, end) = (next, end + 1);
        } else if primitive::<Reshape>(user).is_none() || user.spec.shape.dims().len() != input.len() {
            break;
        }
        here = next;
    }
    let count = |range: std::ops::Range<usize>| -> usize { input.get(range).unwrap_or_default().iter().product() };
    let (positions, channels) = (count(first..end), count(end..input.len()));
    if end >= input.len() || positions == 0 {
        return Ok(None);
    }
    let kernel = Global { kind: kind_here, positions, channels };
    Ok(Some(Fused { inner, ..Fused::one(last, kernel, [x]) }))
}
