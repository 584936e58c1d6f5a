//! Constant folding: what does not depend on the inputs is computed once.

use crate::error::Result;
use crate::program::{Operand, Program};
use crate::tensor::Tensor;

/// The number of elements above which a constant is not made from a smaller one, as by a broadcast.
const LARGEST_GROWTH: usize = 1 << 16;

/// The known values of a program's nodes, by position.
pub(super) struct Folded(Vec<Option<Tensor>>);

impl Folded {
    /// Computes all nodes whose operands are known.
    ///
    /// # Errors
    /// If the engine can't compute one.
    pub(super) fn of(program: &Program) -> Result<Self> {
        let mut folded = Self(Vec::with_capacity(program.nodes().len()));
        for node in program.nodes() {
            let operands: Option<Vec<&Tensor>> =
                node.operands.iter().map(|operand| folded.value(program, *operand)).collect();
            let count = |tensor: &Tensor| tensor.shape().num_elements().unwrap_or(usize::MAX);
            let value = match operands {
                Some(operands) if !operands.is_empty() => {
                    let given = operands.iter().map(|operand| count(operand)).max().unwrap_or_default();
                    let size = node.spec.shape.num_elements().unwrap_or(usize::MAX);
                    let grows = size > given && size > LARGEST_GROWTH;
                    if grows { None } else { Some(node.primitive.eval(&operands)?) }
                }
                _ => None,
            };
            folded.0.push(value);
        }
        Ok(folded)
    }

    /// Returns the value of an operand, if it does not depend on the inputs.
    pub(super) fn value<'a>(&'a self, program: &'a Program, operand: Operand) -> Option<&'a Tensor> {
        match operand {
            Operand::Input(_) => None,
            Operand::Constant(position) => program.constants().get(position).map(|constant| &constant.value),
            Operand::Node(position) => self.0.get(position)?.as_ref(),
        }
    }

    /// Returns true if a node's value is known.
    pub(super) fn is_known(&self, node: usize) -> bool {
        self.0.get(node).is_some_and(Option::is_some)
    }
}
