//! Softmax over the last axis.

use crate::error::Result;
use crate::inference::graph::{Graph, primitive};
use crate::inference::kernel::{Fused, Kernel, operand};
use crate::program::Node;
use crate::program::primitives::Softmax;
use keras_serial_kernels::{self as kernels, Context, softmax};

#[derive(Debug)]
struct Rows {
    columns: usize,
}

impl Kernel for Rows {
    fn run(&self, context: &Context<'_>, operands: &[&[f32]], out: &mut [f32]) -> kernels::Result<()> {
        softmax::softmax(context, operand(operands, 0)?, self.columns, out)
    }

    fn name(&self) -> &'static str {
        "softmax"
    }
}

pub(super) fn lower(_: &Context<'_>, _: &Graph<'_>, position: usize, node: &Node) -> Result<Option<Fused>> {
    let (Some(_), &[x]) = (primitive::<Softmax>(node), node.operands.as_slice()) else { return Ok(None) };
    let columns = node.spec.shape.last()?;
    Ok(Some(Fused::one(position, Rows { columns }, [x])))
}
