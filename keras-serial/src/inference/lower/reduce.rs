//! Reductions: sums, averages and extremes over neighbouring axes, as in global pooling.

use crate::error::Result;
use crate::inference::graph::{Graph, primitive};
use crate::inference::kernel::{Fused, Kernel, operand};
use crate::program::Node;
use crate::program::primitives::{Reduce, Reduction as By, Reshape};
use keras_serial_kernels::pool2d::{self, Kind};
use keras_serial_kernels::{self as kernels, Context};

#[derive(Debug)]
struct Reduction {
    kind: Kind,
    positions: usize,
    channels: usize,
}

impl Kernel for Reduction {
    fn run(&self, context: &Context<'_>, operands: &[&[f32]], out: &mut [f32]) -> kernels::Result<()> {
        pool2d::global(context, self.kind, operand(operands, 0)?, self.positions, self.channels, out)
    }

    fn name(&self) -> &'static str {
        match self.kind {
            Kind::Max => "reduce_max",
            Kind::Min => "reduce_min",
            Kind::Sum => "reduce_sum",
            _ => "reduce_mean",
        }
    }
}

fn kind(node: &Node) -> Option<(Kind, usize)> {
    let Reduce { by, axis } = primitive::<Reduce>(node)?;
    let kind = match by {
        By::Mean => Kind::Average,
        By::Max => Kind::Max,
        By::Min => Kind::Min,
        By::Sum => Kind::Sum,
        By::Prod | By::Any | By::All => return None,
    };
    Some((kind, *axis))
}

pub(super) fn lower(_: &Context<'_>, graph: &Graph<'_>, position: usize, node: &Node) -> Result<Option<Fused>> {
    let (Some((kind_here, first)), &[x]) = (kind(node), node.operands.as_slice()) else { return Ok(None) };
    let Some(input) = graph.extents(x) else { return Ok(None) };
    let (mut last, mut end, mut inner) = (position, first + 1, Vec::new());
    let mut here = position;
    // The next axis, perhaps after reshapes that leave the order of the elements alone.
    while let Some((next, user)) = graph.only_user(here) {
        if kind(user) == Some((kind_here, end)) && end < input.len() {
            inner.push(last);
            (last, end) = (next, end + 1);
        } else if primitive::<Reshape>(user).is_none() || user.spec.shape.dims().len() != input.len() {
            break;
        }
        here = next;
    }
    let count = |range: std::ops::Range<usize>| -> usize { input.get(range).unwrap_or_default().iter().product() };
    let (positions, channels) = (count(first..end), count(end..input.len()));
    if end > input.len() || positions == 0 || channels == 0 {
        return Ok(None);
    }
    let kernel = Reduction { kind: kind_here, positions, channels };
    Ok(Some(Fused { inner, ..Fused::one(last, kernel, [x]) }))
}
