//! Products of two matrices that both depend on the inputs.

use crate::error::Result;
use crate::inference::graph::{Graph, primitive};
use crate::inference::kernel::{Fused, Kernel, operand};
use crate::program::Node;
use crate::program::primitives::MatMul;
use keras_serial_kernels::epilogue::Activation;
use keras_serial_kernels::gemm::MatMul as Product;
use keras_serial_kernels::{self as kernels, Context};

impl Kernel for Product {
    fn run(&self, context: &Context<'_>, operands: &[&[f32]], out: &mut [f32]) -> kernels::Result<()> {
        Product::run(self, context, operand(operands, 0)?, operand(operands, 1)?, Activation::Linear, out)
    }

    fn name(&self) -> &'static str {
        "matmul"
    }
}

pub(super) fn lower(_: &Context<'_>, graph: &Graph<'_>, position: usize, node: &Node) -> Result<Option<Fused>> {
    let (Some(_), &[x, y]) = (primitive::<MatMul>(node), node.operands.as_slice()) else { return Ok(None) };
    let (Some(left), Some(right)) = (graph.extents(x), graph.extents(y)) else { return Ok(None) };
    let ([batch @ .., rows, depth], [.., columns]) = (left.as_slice(), right.as_slice()) else { return Ok(None) };
    let kernel = Product { batch: batch.iter().product(), ..Product::new(*rows, *depth, *columns) };
    Ok(Some(Fused::one(position, kernel, [x, y])))
}
