//! Pooling of windows.

use crate::error::Result;
use crate::inference::graph::{Graph, primitive};
use crate::inference::kernel::{Fused, Kernel, failed, operand};
use crate::program::Node;
use crate::program::primitives::{Pool, Pooling, Steps, Unary};
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

/// Returns true if no window can lie in the padding as a whole.
fn covered(axes: &[Steps], size: &[usize]) -> bool {
    axes.iter().zip(size).all(|(steps, size)| steps.before < *size && steps.after < *size)
}

pub(super) fn lower(_: &Context<'_>, graph: &Graph<'_>, position: usize, node: &Node) -> Result<Option<Fused>> {
    let (Some(pool), &[x]) = (primitive::<Pool>(node), node.operands.as_slice()) else { return Ok(None) };
    let mut axes = pool.axes.clone();
    let inner = super::conv::without_zeros(graph, x, &mut axes);
    // Zeros are no larger than what ReLU gives, so that they count as padding, which no maximum sees.
    let is_positive = graph.made_by::<Unary>(inner).is_some_and(|(_, function)| *function == Unary::Relu);
    let fits = pool.pooling == Pooling::Max && is_positive && covered(&axes, &pool.size);
    let (x, axes) = if fits { (inner, axes) } else { (x, pool.axes.clone()) };
    let Some(input) = graph.extents(x) else { return Ok(None) };
    let [_, spatial @ .., channels] = input.as_slice() else { return Ok(None) };
    let kind = match pool.pooling {
        Pooling::Max => Kind::Max,
        Pooling::Average => Kind::Average,
    };
    let axes = super::conv::geometry(spatial, &pool.size, &axes)?;
    let kernel = PoolingKernel::new(kind, axes, *channels).map_err(failed)?;
    Ok(Some(Fused::one(position, kernel, [x])))
}
