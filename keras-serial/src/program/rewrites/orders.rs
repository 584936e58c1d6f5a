//! Orders of axes: transposes move behind element-wise functions and joins, where they meet others and cancel, as
//! between convolutions of models with the channels first.

use std::sync::Arc;

use super::{Rewriter, primitive};
use crate::error::Result;
use crate::program::primitives::{Binary, Concat, Gelu, Transpose, Unary, inverse};
use crate::program::{Node, Operand, Program};

/// Returns a program whose transposes stand as late as they can, and are as few as they can.
pub(super) fn rewrite(program: &Program) -> Result<Program> {
    Rewriter::run(program, |rewriter, node| {
        if let (Some(Transpose(order)), &[operand]) = (primitive(&node), node.operands.as_slice()) {
            let order = order.clone();
            return transposed(rewriter, operand, order, &node);
        }
        match moved(rewriter, &node) {
            Some((operands, order, node)) => {
                let operands = operands.into_iter().map(|operand| match operand {
                    Source::Before(operand) => Ok(operand),
                    Source::Constant(operand) => transposed(rewriter, operand, inverse(&order), &node),
                });
                let operands = operands.collect::<Result<Vec<_>>>()?;
                let result = rewriter.add(node.primitive.clone(), operands, &node.layer)?;
                transposed(rewriter, result, order, &node)
            }
            None => Ok(rewriter.keep(node)),
        }
    })
}

/// An operand as it is before a transpose.
enum Source {
    Before(Operand),
    /// A constant, which is transposed once, and the other way round.
    Constant(Operand),
}

/// Returns the operands before their transposes, which are all of one order, that order, and the node as it is then;
/// `None` if the node does not let transposes through.
fn moved(rewriter: &Rewriter<'_>, node: &Node) -> Option<(Vec<Source>, Vec<usize>, Node)> {
    let is_elementwise =
        primitive::<Unary>(node).is_some() || primitive::<Gelu>(node).is_some() || primitive::<Binary>(node).is_some();
    let join = primitive::<Concat>(node);
    if !is_elementwise && join.is_none() {
        return None;
    }
    let (_, Transpose(order)) = node.operands.iter().find_map(|operand| rewriter.made_by(*operand))?;
    let sources = node.operands.iter().map(|operand| source(rewriter, *operand, order)).collect::<Option<_>>()?;
    let mut node = node.clone();
    if let Some(Concat(axis)) = join {
        node.primitive = Arc::new(Concat(*order.get(*axis)?));
    }
    Some((sources, order.clone(), node))
}

fn source(rewriter: &Rewriter<'_>, operand: Operand, order: &[usize]) -> Option<Source> {
    if let Some((inner, Transpose(own))) = rewriter.made_by(operand) {
        return (own == order).then_some(Source::Before(inner));
    }
    let shape = rewriter.spec(operand).ok()?.shape;
    if shape.num_elements() == Some(1) && shape.rank() == 0 {
        return Some(Source::Before(operand));
    }
    let is_constant = matches!(operand, Operand::Constant(_));
    (is_constant && shape.rank() == order.len()).then_some(Source::Constant(operand))
}

/// Returns a value with its axes in another order; no two transposes follow each other.
fn transposed(rewriter: &mut Rewriter<'_>, operand: Operand, order: Vec<usize>, node: &Node) -> Result<Operand> {
    let (origin, order) = match rewriter.made_by::<Transpose>(operand) {
        Some((inner, Transpose(first))) => (inner, order.iter().filter_map(|axis| first.get(*axis).copied()).collect()),
        None => (operand, order),
    };
    if order.is_sorted() {
        return Ok(origin);
    }
    rewriter.add(Arc::new(Transpose(order)), vec![origin], &node.layer)
}
