//! Lowering: which kernel computes a node, together with nodes around it. One file for each kind of kernel.

mod attention;
mod chain;
mod conv;
mod copy;
mod dense;
mod lstm;
mod matmul;
mod norm;
mod pool;
mod reduce;
mod softmax;

use super::graph::Graph;
use super::kernel::Fused;
use crate::error::Result;
use crate::program::{Node, Program};
use crate::tensor::DType;
use keras_serial_kernels::Context;

/// Returns the kernel that stands for a node and for others around it; `None` if it does not apply.
type Lowering = fn(&Context<'_>, &Graph<'_>, usize, &Node) -> Result<Option<Fused>>;

/// What is recognized by its last node; larger patterns come first.
const PATTERNS: [Lowering; 3] = [attention::lower, norm::lower, lstm::lower];

/// What is recognized by its first node, and takes in what follows it.
const PRODUCERS: [Lowering; 8] =
    [conv::lower, dense::lower, matmul::lower, pool::lower, reduce::lower, softmax::lower, chain::lower, copy::lower];

/// Returns the kernels by the node whose result they give; nodes without one are computed on the engine.
pub(super) fn all(context: &Context<'_>, program: &Program, graph: &mut Graph<'_>) -> Result<Vec<Option<Fused>>> {
    let mut kernels: Vec<Option<Fused>> = Vec::new();
    kernels.resize_with(program.nodes().len(), || None);
    let mut try_each = |lowerings: &[Lowering], position: usize, node: &Node| -> Result<()> {
        if !is_lowered(node) || !graph.is_open(position) {
            return Ok(());
        }
        for lowering in lowerings {
            if let Some(fused) = lowering(context, graph, position, node)? {
                graph.claim(&fused.inner);
                graph.claim(&[fused.last]);
                if let Some(place) = kernels.get_mut(fused.last) {
                    *place = Some(fused);
                }
                break;
            }
        }
        Ok(())
    };
    for (position, node) in program.nodes().iter().enumerate().rev() {
        try_each(&PATTERNS, position, node)?;
    }
    for (position, node) in program.nodes().iter().enumerate() {
        try_each(&PRODUCERS, position, node)?;
    }
    Ok(kernels)
}

/// Kernels compute with `float32`, and with at least one element.
fn is_lowered(node: &Node) -> bool {
    node.spec.dtype == DType::Float32 && node.spec.shape.num_elements().is_some_and(|count| count > 0)
}
