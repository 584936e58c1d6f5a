//! Softmax attention: `softmax(scale · q kᵀ + mask) v` over heads, in one kernel.

use crate::error::Result;
use crate::inference::graph::{Graph, primitive};
use crate::inference::kernel::{Fused, Kernel, operand};
use crate::program::primitives::{Binary, MatMul, Softmax, Transpose};
use crate::program::{Node, Operand};
use keras_serial_kernels::attention::{Attention, Mask};
use keras_serial_kernels::{self as kernels, Context};

#[derive(Debug)]
struct Heads {
    attention: Attention,
    /// The steps of the mask's images, heads and queries, if there is one.
    mask: Option<[usize; 3]>,
}

impl Kernel for Heads {
    fn run(&self, context: &Context<'_>, operands: &[&[f32]], out: &mut [f32]) -> kernels::Result<()> {
        let inputs = [operand(operands, 0)?, operand(operands, 1)?, operand(operands, 2)?];
        let mask = match self.mask {
            None => None,
            Some([batch_step, head_step, query_step]) => {
                Some(Mask { values: operand(operands, 3)?, batch_step, head_step, query_step })
            }
        };
        self.attention.run(context, inputs, mask, out)
    }

    fn name(&self) -> &'static str {
        "attention"
    }
}

/// Returns the operand of four axes that an operand of a product is, with its axes in this order.
fn transposed(graph: &Graph<'_>, operand: Operand, order: [usize; 4]) -> Option<(Operand, [usize; 4])> {
    let (node, transpose) = graph.made_by::<Transpose>(graph.before_reshapes(operand))?;
    let &[x] = node.operands.as_slice() else { return None };
    let extents = graph.extents(x)?.try_into().ok()?;
    (transpose.0 == order).then_some((x, extents))
}

/// Returns the two sides of a product of matrices.
fn product(graph: &Graph<'_>, operand: Operand) -> Option<[Operand; 2]> {
    let (node, _) = graph.made_by::<MatMul>(graph.before_reshapes(operand))?;
    node.operands.as_slice().try_into().ok()
}

/// Reads one side of a binary operation and the other one.
fn sides(graph: &Graph<'_>, operand: Operand, function: Binary) -> Option<[[Operand; 2]; 2]> {
    let (node, _) = graph.made_by::<Binary>(graph.before_reshapes(operand)).filter(|(_, found)| **found == function)?;
    let &[x, y] = node.operands.as_slice() else { return None };
    Some([[x, y], [y, x]])
}

/// Reads the scores: an optional mask that is added, an optional factor, and the product.
fn scores(graph: &Graph<'_>, operand: Operand) -> Option<([Operand; 2], f32, Option<Operand>)> {
    let scaled = |operand: Operand| {
        let factor = sides(graph, operand, Binary::Mul)
            .and_then(|sides| sides.into_iter().find_map(|[product, factor]| Some((product, graph.number(factor)?))));
        let divisor = || {
            let [[product, divisor], _] = sides(graph, operand, Binary::Div)?;
            Some((product, 1.0 / graph.number(divisor)?))
        };
        let (inner, scale) = factor.or_else(divisor).unwrap_or((operand, 1.0));
        Some((product(graph, inner)?, scale))
    };
    if let Some((product, scale)) = scaled(operand) {
        return Some((product, scale, None));
    }
    sides(graph, operand, Binary::Add)?.into_iter().find_map(|[inner, mask]| {
        let (product, scale) = scaled(inner)?;
        Some((product, scale, Some(mask)))
    })
}

/// Returns the steps of a mask, `(batch, heads, queries, keys)` with axes of extent 1 where it repeats.
fn steps(mask: &[usize], [batch, heads, queries, keys]: [usize; 4]) -> Option<[usize; 3]> {
    let &[b, h, q, k] = mask else { return None };
    let step = |extent: usize, whole: usize, size: usize| match extent {
        1 => Some(0),
        extent if extent == whole => Some(size),
        _ => None,
    };
    if k != keys {
        return None;
    }
    Some([step(b, batch, h * q * k)?, step(h, heads, q * k)?, step(q, queries, k)?])
}

fn recognized(graph: &Graph<'_>, here: Operand) -> Option<(Vec<Operand>, Heads)> {
    let (node, order) = graph.made_by::<Transpose>(here)?;
    let [weighted] = node.operands.as_slice() else { return None };
    let [weights, value] = product(graph, *weighted).filter(|_| order.0 == [0, 2, 1, 3])?;
    let (softmax, _) = graph.made_by::<Softmax>(graph.before_reshapes(weights))?;
    let (sides, scale, mask) = scores(graph, *softmax.operands.first()?)?;
    let [query, key] = sides;
    let (query, [batch, queries, heads, dim]) = transposed(graph, query, [0, 2, 1, 3])?;
    let (key, [_, keys, _, _]) = transposed(graph, key, [0, 2, 3, 1])?;
    let (value, [_, _, _, value_dim]) = transposed(graph, value, [0, 2, 1, 3])?;
    let fits = graph.extents(key)? == [batch, keys, heads, dim]
        && graph.extents(value)? == [batch, keys, heads, value_dim]
        && graph.extents(here)? == [batch, queries, heads, value_dim];
    if !fits {
        return None;
    }
    let mask = mask.map(|mask| graph.before_broadcasts(mask));
    let mask_steps = match mask {
        None => None,
        Some(mask) => Some(steps(&graph.extents(mask)?, [batch, heads, queries, keys])?),
    };
    let attention = Attention { batch, queries, keys, heads, dim, value_dim, scale, causal: false };
    let operands = [query, key, value].into_iter().chain(mask).collect();
    Some((operands, Heads { attention, mask: mask_steps }))
}

pub(super) fn lower(_: &Context<'_>, graph: &Graph<'_>, position: usize, node: &Node) -> Result<Option<Fused>> {
    if primitive::<Transpose>(node).is_none() {
        return Ok(None);
    }
    let Some((operands, kernel)) = recognized(graph, Operand::Node(position)) else { return Ok(None) };
    let inner = graph.between(position, &operands);
    Ok(Some(Fused { inner, ..Fused::one(position, kernel, operands) }))
}
