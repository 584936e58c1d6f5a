//! Products with a constant matrix, as in dense layers.

use crate::error::Result;
use crate::inference::graph::{Graph, primitive};
use crate::inference::kernel::{Fused, Kernel, failed, operand};
use crate::inference::tail::Tail;
use crate::program::Node;
use crate::program::primitives::MatMul;
use keras_serial_kernels::gemm::Dense;
use keras_serial_kernels::gemm::MatMul as Product;
use keras_serial_kernels::pack::Packed;
use keras_serial_kernels::{self as kernels, Context};

impl Kernel for Dense {
    fn run(&self, context: &Context<'_>, operands: &[&[f32]], out: &mut [f32]) -> kernels::Result<()> {
        Dense::run(self, context, operand(operands, 0)?, operands.get(1).copied(), out)
    }

    fn bytes(&self) -> usize {
        self.weights().bytes()
    }

    fn name(&self) -> &'static str {
        "dense"
    }
}

pub(super) fn lower(context: &Context<'_>, graph: &Graph<'_>, position: usize, node: &Node) -> Result<Option<Fused>> {
    let (Some(_), &[x, matrix]) = (primitive::<MatMul>(node), node.operands.as_slice()) else { return Ok(None) };
    let Some(extents) = graph.extents(matrix).filter(|_| graph.constant(matrix).is_some()) else { return Ok(None) };
    // One matrix for all rows; several matrices are a batch.
    let [batch @ .., depth, columns] = extents.as_slice() else { return Ok(None) };
    if batch.iter().any(|count| *count != 1) {
        return Ok(None);
    }
    if !graph.may_pack(depth * columns) {
        let Some(left) = graph.extents(x) else { return Ok(None) };
        let rows = left.split_last().map_or(1, |(_, rows)| rows.iter().product());
        let kernel = Product { right_shared: true, ..Product::new(rows, *depth, *columns) };
        return Ok(Some(Fused::one(position, kernel, [x, matrix])));
    }
    let Some(weights) = graph.numbers(matrix) else { return Ok(None) };
    let tail = Tail::of(graph, position)?;
    let packed = Packed::new(context.level, &tail.scaled(weights), *depth, *columns).map_err(failed)?;
    let kernel = Dense::new(packed, tail.bias.as_deref(), tail.activation).map_err(failed)?;
    Ok(Some(tail.fused(kernel, x)))
}
