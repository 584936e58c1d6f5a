//! LSTM over whole sequences, with the product of the inputs in each step.

use crate::error::Result;
use crate::inference::graph::{Graph, primitive};
use crate::inference::kernel::{Fused, Kernel, failed, operand};
use crate::program::primitives::{Binary, Lstm, MatMul, Range, Reshape, Slice, Transpose};
use crate::program::{Node, Operand};
use keras_serial_kernels::lstm::{Lstm as LstmKernel, Sequence};
use keras_serial_kernels::{self as kernels, Context, with_scratch};

#[derive(Debug)]
struct Layer {
    kernel: LstmKernel,
    sequence: Sequence,
    /// The states before the first step.
    states: [Vec<f32>; 2],
}

impl Kernel for Layer {
    fn run(&self, context: &Context<'_>, operands: &[&[f32]], out: &mut [f32]) -> kernels::Result<()> {
        let x = operand(operands, 0)?;
        let [first_h, first_c] = &self.states;
        with_scratch(2 * first_h.len(), |states| {
            let (h, c) = states.split_at_mut(first_h.len());
            h.copy_from_slice(first_h);
            c.copy_from_slice(first_c);
            self.kernel.run(context, &self.sequence, x, [h, c], out)
        })
    }

    fn bytes(&self) -> usize {
        self.kernel.bytes()
    }

    fn name(&self) -> &'static str {
        "lstm"
    }
}

/// Returns the range of one axis if all others are whole.
fn range_of(slice: &Slice, axis: usize, extents: &[usize]) -> Option<Range> {
    let is_whole = |(range, extent): (&Range, &usize)| range.start == 0 && range.step == 1 && range.count == *extent;
    let others = slice.0.iter().zip(extents).enumerate().filter(|(other, _)| *other != axis);
    if others.map(|(_, pair)| pair).all(is_whole) { slice.0.get(axis).copied() } else { None }
}

/// Follows the hidden states from an LSTM node: returns the last node of those that the kernel replaces, whether
/// all steps are kept, and the nodes between.
fn outputs(graph: &Graph<'_>, position: usize) -> Option<(usize, bool, Vec<usize>)> {
    let whole = graph.extents(Operand::Node(position))?;
    let &[_, steps, batch, units] = whole.as_slice() else { return None };
    let mut inner = vec![position];
    let (hidden, node) = graph.only_user(position)?;
    let range = range_of(primitive::<Slice>(node)?, 0, &whole)?;
    if range.start != 0 || range.count != 1 {
        return None;
    }
    inner.push(hidden);
    let (mut here, mut last) = (hidden, None);
    while let Some((next, user)) = graph.only_user(here) {
        let extents = graph.extents(Operand::Node(here))?;
        if let Some(transpose) = primitive::<Transpose>(user) {
            if extents == [steps, batch, units] && transpose.0 == [1, 0, 2] {
                last = Some((next, true));
            }
            break;
        }
        if let Some(slice) = primitive::<Slice>(user) {
            let range = range_of(slice, 0, &extents);
            if extents == [steps, batch, units]
                && range.is_some_and(|range| range.start + 1 == steps && range.count == 1)
            {
                last = Some((next, false));
            }
            break;
        }
        primitive::<Reshape>(user)?;
        inner.push(next);
        here = next;
    }
    let (last, all_steps) = last?;
    Some((last, all_steps, inner))
}

fn recognized(context: &Context<'_>, graph: &Graph<'_>, position: usize, node: &Node) -> Result<Option<Fused>> {
    let &[inputs, recurrent, h, c] = node.operands.as_slice() else { return Ok(None) };
    let Some((last, all_steps, mut inner)) = outputs(graph, position) else { return Ok(None) };
    // transpose(x) · kernel + bias
    let (sum, bias) = match graph.made_by::<Binary>(graph.before_reshapes(inputs)) {
        Some((sum, Binary::Add)) => {
            let &[x, y] = sum.operands.as_slice() else { return Ok(None) };
            match (graph.numbers(x), graph.numbers(y)) {
                (_, Some(bias)) => (x, Some(bias)),
                (Some(bias), None) => (y, Some(bias)),
                (None, None) => return Ok(None),
            }
        }
        _ => (inputs, None),
    };
    let Some((product, _)) = graph.made_by::<MatMul>(graph.before_reshapes(sum)) else { return Ok(None) };
    let &[rows, kernel] = product.operands.as_slice() else { return Ok(None) };
    let Some((transposed, order)) = graph.made_by::<Transpose>(graph.before_reshapes(rows)) else { return Ok(None) };
    let &[x] = transposed.operands.as_slice() else { return Ok(None) };
    let (Some(extents), Some(kernel), Some(recurrent), Some(h), Some(c)) =
        (graph.extents(x), graph.numbers(kernel), graph.numbers(recurrent), graph.numbers(h), graph.numbers(c))
    else {
        return Ok(None);
    };
    let &[batch, steps, _] = extents.as_slice() else { return Ok(None) };
    if order.0 != [1, 0, 2] {
        return Ok(None);
    }
    let units = node.spec.shape.last()?;
    if bias.as_ref().is_some_and(|bias| bias.len() != 4 * units) {
        return Ok(None);
    }
    let kernel = LstmKernel::new(context.level, units, &kernel, &recurrent, bias.as_deref()).map_err(failed)?;
    let sequence = Sequence { batch, steps, backwards: false, all_steps };
    inner.extend(graph.between(position, &[x]));
    let layer = Layer { kernel, sequence, states: [h, c] };
    Ok(Some(Fused { inner, ..Fused::one(last, layer, [x]) }))
}

pub(super) fn lower(context: &Context<'_>, graph: &Graph<'_>, position: usize, node: &Node) -> Result<Option<Fused>> {
    match primitive::<Lstm>(node) {
        Some(_) => recognized(context, graph, position, node),
        None => Ok(None),
    }
}
