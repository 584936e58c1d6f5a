//! Pooling of windows.

use crate::error::Result;
use crate::inference::graph::{Graph, primitive};
use crate::inference::kernel::{Fused, Kernel, failed, operand};
use crate::program::Node;
use crate::program::primitives::{Pool, Pooling};
use keras_serial_kernels::pool2d::{Kind, Pooling as PoolingKernel};
use keras_serial_kernels::{self as kernels, Context};

impl Kernel for PoolingKernel {
    fn run(&self, context: &Context<'_>, operands: &[&[f32]], out: &mut [f32]) -> kernels::Result<()> {
        PoolingKernel::run(self, context, operand(operands, 0)?, out)
    }

    fn name(&self) -> &'static str {
        "pool"
    }
}

pub(super) fn lower(_: &Context<'_>, graph: &Graph<'_>, position: usize, node: &Node) -> Result<Option<Fused>> {
    let (Some(pool), &[x]) = (primitive::<Pool>(node), node.operands.as_slice()) else { return Ok(None) };
    let Some(input) = graph.extents(x) else { return Ok(None) };
    let [_, spatial @ .., channels] = input.as_slice() else { return Ok(None) };
    let kind = match pool.pooling {
        Pooling::Max => Kind::Max,
        Pooling::Average => Kind::Average,
    };
    let axes = super::conv::geometry(spatial, &pool.size, &pool.axes)?;
    let kernel = PoolingKernel::new(kind, axes, *channels).map_err(failed)?;
    Ok(Some(Fused::one(position, kernel, [x])))
}
