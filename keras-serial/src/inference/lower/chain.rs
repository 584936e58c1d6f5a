//! Chains of element-wise operations, which become one pass over memory.

use crate::error::Result;
use crate::inference::graph::{Graph, primitive};
use crate::inference::kernel::{Fused, Kernel, operand};
use crate::program::primitives::{Binary, Gelu, Unary};
use crate::program::{Node, Operand};
use crate::tensor::DType;
use keras_serial_kernels::elementwise::{self, Input, Operand as Side, Step};
use keras_serial_kernels::epilogue::Activation;
use keras_serial_kernels::{self as kernels, Context};

/// Operands of a chain at most.
const MOST: usize = 8;

/// Numbers of a row at least, where short rows can be joined.
const WIDE: usize = 512;

/// A chain, how often each row of its inputs repeats, and the length of a row.
#[derive(Debug)]
struct Chain {
    chain: elementwise::Chain,
    repeats: Vec<usize>,
    columns: usize,
    /// Inputs that are constant, after the operands: a row for all.
    own: Vec<Vec<f32>>,
}

impl Kernel for Chain {
    fn run(&self, context: &Context<'_>, operands: &[&[f32]], out: &mut [f32]) -> kernels::Result<()> {
        let first = operand(operands, 0)?;
        let mut inputs = [Input { values: first, repeat: 1 }; MOST];
        let all = operands.iter().copied().chain(self.own.iter().map(Vec::as_slice));
        for ((input, values), repeat) in inputs.iter_mut().zip(all).zip(&self.repeats) {
            *input = Input { values, repeat: *repeat };
        }
        let inputs = inputs.get(..self.repeats.len().min(MOST)).unwrap_or_default();
        self.chain.run(context, inputs, self.columns, out)
    }

    fn name(&self) -> &'static str {
        "elementwise"
    }
}

/// An input of a chain, and how it repeats.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Repeated {
    operand: Operand,
    /// For how many rows of the result a row stands, before the next one comes.
    repeat: usize,
    /// Whether a row is one number.
    is_number: bool,
}

/// Collects the steps of a chain.
struct Builder<'a> {
    graph: &'a Graph<'a>,
    extents: Vec<usize>,
    steps: Vec<Step>,
    inputs: Vec<Repeated>,
    last: usize,
    inner: Vec<usize>,
}

impl Builder<'_> {
    /// Appends a node that is applied to the value so far, which is its operand `own`; false if it does not fit.
    fn push(&mut self, node: &Node, own: Operand) -> Option<()> {
        let is_whole = self.graph.extents(own)? == self.extents && node.spec.shape.known().ok()? == self.extents;
        if !is_whole || node.spec.dtype != DType::Float32 {
            return None;
        }
        if let Some(function) = primitive::<Unary>(node) {
            self.steps.extend(unary(*function)?);
            return Some(());
        }
        if let Some(Gelu { approximate }) = primitive(node) {
            let activation = if *approximate { Activation::GeluTanh } else { Activation::Gelu };
            self.steps.push(Step::Activation(activation));
            return Some(());
        }
        let function = *primitive::<Binary>(node)?;
        let &[x, y] = node.operands.as_slice() else { return None };
        if x == y {
            self.steps.push(if function == Binary::Mul { Step::Square } else { return None });
            return Some(());
        }
        let is_left = x == own;
        let side = self.side(if is_left { y } else { x })?;
        self.steps.push(match (function, is_left) {
            (Binary::Add, _) => Step::Add(side),
            (Binary::Sub, true) => Step::Subtract(side),
            (Binary::Sub, false) => Step::SubtractFrom(side),
            (Binary::Mul, _) => Step::Multiply(side),
            (Binary::Div, true) => Step::Divide(side),
            (Binary::Div, false) => Step::DivideInto(side),
            (Binary::Max, _) => Step::Maximum(side),
            (Binary::Min, _) => Step::Minimum(side),
            (Binary::Rem | Binary::Pow | Binary::Atan2, _) => return None,
        });
        Some(())
    }

    /// Returns the other side of a binary operation.
    fn side(&mut self, other: Operand) -> Option<Side> {
        if let Some(number) = self.graph.number(other) {
            return Some(Side::Scalar(number));
        }
        let other = self.graph.before_broadcasts(other);
        let (repeat, is_number) = repeat(&self.extents, &self.graph.extents(other)?)?;
        let input = Repeated { operand: other, repeat, is_number };
        let known = self.inputs.iter().position(|known| *known == input);
        if known.is_none() && self.inputs.len() == MOST {
            return None;
        }
        let place = known.unwrap_or_else(|| {
            self.inputs.push(input);
            self.inputs.len() - 1
        });
        Some(if is_number { Side::Row(place) } else { Side::Input(place) })
    }
}

/// Returns the steps of a function of one number.
fn unary(function: Unary) -> Option<Vec<Step>> {
    let inverse = Step::DivideInto(Side::Scalar(1.0));
    Some(match function {
        Unary::Abs => vec![Step::Absolute],
        Unary::Erf => vec![Step::Activation(Activation::Erf)],
        Unary::Exp => vec![Step::Activation(Activation::Exp)],
        Unary::Neg => vec![Step::Negative],
        Unary::Reciprocal => vec![inverse],
        Unary::Relu => vec![Step::Activation(Activation::Relu)],
        Unary::Rsqrt => vec![Step::SquareRoot, inverse],
        Unary::Sigmoid => vec![Step::Activation(Activation::Sigmoid)],
        Unary::Sqrt => vec![Step::SquareRoot],
        Unary::Square => vec![Step::Square],
        Unary::Tanh => vec![Step::Activation(Activation::Tanh)],
        _ => return None,
    })
}

/// Returns for how many rows of the whole, each as long as the last axis, a row of an operand stands, before the
/// next row comes, and whether its rows are single numbers; `None` if rows of the operand repeat in another way.
fn repeat(whole: &[usize], part: &[usize]) -> Option<(usize, bool)> {
    let (last, rows) = whole.split_last()?;
    let (width, lead) = part.split_last()?;
    let is_number = *width == 1 && *last != 1;
    if (width != last && !is_number) || lead.len() > rows.len() {
        return None;
    }
    // Axes of extent 1 in both don't matter.
    let mut axes = rows
        .iter()
        .rev()
        .zip(lead.iter().rev().copied().chain(std::iter::repeat(1)))
        .filter(|(whole, _)| **whole != 1)
        .peekable();
    let mut repeat = 1;
    while let Some((whole, _)) = axes.next_if(|(_, part)| *part == 1) {
        repeat *= whole;
    }
    if axes.peek().is_none() {
        // One row for all.
        return Some((1, is_number));
    }
    while axes.next_if(|(whole, part)| *whole == part).is_some() {}
    axes.all(|(_, part)| part == 1).then_some((repeat, is_number))
}

pub(super) fn lower(_: &Context<'_>, graph: &Graph<'_>, position: usize, node: &Node) -> Result<Option<Fused>> {
    let extents = node.spec.shape.known()?;
    let is_whole = |operand: &&Operand| graph.extents(**operand).as_deref() == Some(extents.as_slice());
    let whole = node.operands.iter().filter(is_whole);
    let Some(first) = whole.min_by_key(|operand| graph.constant(**operand).is_some()) else { return Ok(None) };
    let (steps, inputs, inner) =
        (Vec::new(), vec![Repeated { operand: *first, repeat: 1, is_number: false }], Vec::new());
    let mut chain = Builder { graph, extents: extents.clone(), steps, inputs, last: position, inner };
    if chain.push(node, *first).is_none() {
        return Ok(None);
    }
    while let Some((next, user)) = graph.only_user(chain.last)
        && chain.push(user, Operand::Node(chain.last)).is_some()
    {
        chain.inner.push(chain.last);
        chain.last = next;
    }
    let Builder { steps, inputs, last, inner, .. } = chain;
    let (kernel, operands) = kernel(graph, &extents, steps, inputs);
    Ok(Some(Fused { kernel: Box::new(kernel), operands, last, inner }))
}

/// Returns the kernel of a chain and its operands.
fn kernel(graph: &Graph<'_>, extents: &[usize], steps: Vec<Step>, inputs: Vec<Repeated>) -> (Chain, Vec<Operand>) {
    let count: usize = extents.iter().product();
    let columns = extents.last().copied().unwrap_or(1);
    let is_whole = |operand: Operand| graph.extents(operand).as_deref() == Some(extents);
    // Constants with one row for all; and whether there is nothing else but inputs like the result.
    let row = |operand: Operand| graph.numbers(operand).filter(|numbers| numbers.len() == columns);
    let of = |input: &Repeated| if is_whole(input.operand) || input.is_number { None } else { row(input.operand) };
    let rows: Vec<Option<Vec<f32>>> = inputs.iter().map(of).collect();
    let is_simple = inputs.iter().zip(&rows).all(|(input, row)| row.is_some() || is_whole(input.operand));
    if !is_simple {
        let (operands, repeats) = inputs.into_iter().map(|input| (input.operand, input.repeat)).unzip();
        return (Chain { chain: elementwise::Chain::new(steps), repeats, columns, own: Vec::new() }, operands);
    }
    // Inputs that are all like the result have one long row; short rows are joined.
    let joined = if rows.iter().all(Option::is_none) { count / columns } else { joined(count / columns, columns) };
    let (mut operands, mut own, mut places) = (Vec::new(), Vec::new(), Vec::new());
    let is_operand = |row: &Option<Vec<f32>>| row.is_none();
    let before = rows.iter().filter(|row| is_operand(row)).count();
    for (Repeated { operand, .. }, row) in inputs.into_iter().zip(rows) {
        match row {
            None => {
                places.push(operands.len());
                operands.push(operand);
            }
            Some(row) => {
                places.push(before + own.len());
                own.push(row.repeat(joined));
            }
        }
    }
    let steps = steps.into_iter().map(|step| step.with_inputs(&places)).collect();
    let repeats = vec![1; places.len()];
    (Chain { chain: elementwise::Chain::new(steps), repeats, columns: columns * joined, own }, operands)
}

/// Returns how many rows become one: as few as make it wide, and so many that all rows are used.
fn joined(rows: usize, columns: usize) -> usize {
    let least = WIDE.div_ceil(columns.max(1));
    (least..=rows.min(least * 4)).find(|joined| rows.is_multiple_of(*joined)).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_rows_are_joined() {
        assert_eq!(joined(224 * 224, 3), 196);
        assert_eq!(joined(7, 600), 1);
        assert_eq!(joined(7, 3), 1);
        assert_eq!(joined(1009, 3), 1);
    }

    #[test]
    fn rows_that_repeat() {
        let whole = [2, 3, 4, 5];
        for (part, expected) in [
            (&[2, 3, 4, 5][..], Some((1, false))),
            (&[5], Some((1, false))),
            (&[1, 1, 1, 5], Some((1, false))),
            (&[2, 1, 1, 5], Some((12, false))),
            (&[1, 3, 1, 5], Some((4, false))),
            (&[3, 4, 5], Some((1, false))),
            (&[2, 3, 1, 5], Some((4, false))),
            (&[2, 1, 4, 5], None),
            (&[2, 3, 4, 1], Some((1, true))),
            (&[2, 1, 1, 1], Some((12, true))),
            (&[2, 1, 4, 1], None),
            (&[1], Some((1, true))),
            (&[3], None),
        ] {
            assert_eq!(repeat(&whole, part), expected, "{part:?}");
        }
        assert_eq!(repeat(&[1, 7, 5], &[1, 7, 5]), Some((1, false)));
        assert_eq!(repeat(&[1, 7, 5], &[5]), Some((1, false)));
        assert_eq!(repeat(&[7, 1], &[7, 1]), Some((1, false)));
    }
}
