//! A program with what fusion asks of it: constants, users, and which nodes a kernel computes already.

use std::cell::Cell;

use super::fold::Folded;
pub(super) use crate::program::primitive_of as primitive;
use crate::program::primitives::{Broadcast, Reshape};
use crate::program::{Node, Operand, Primitive, Program, Spec};
use crate::tensor::{DType, Tensor};

/// A program with what fusion asks of it.
pub(super) struct Graph<'a> {
    program: &'a Program,
    folded: &'a Folded,
    /// The nodes that use each node's result.
    users: Vec<Vec<usize>>,
    is_output: Vec<bool>,
    /// The nodes that a kernel computes already.
    claimed: Vec<bool>,
    /// Bytes of weights that may still be packed.
    budget: Cell<usize>,
}

/// Bytes of weights that are packed in any model.
const LEAST_BUDGET: usize = 64 << 20;

impl<'a> Graph<'a> {
    pub(super) fn new(program: &'a Program, folded: &'a Folded) -> Self {
        let count = program.nodes().len();
        let mut users = vec![Vec::new(); count];
        for (position, node) in program.nodes().iter().enumerate() {
            for operand in &node.operands {
                if let Operand::Node(used) = operand
                    && let Some(users) = users.get_mut(*used)
                    && users.last() != Some(&position)
                {
                    users.push(position);
                }
            }
        }
        let mut is_output = vec![false; count];
        for output in program.outputs().leaves() {
            if let Operand::Node(position) = output
                && let Some(place) = is_output.get_mut(*position)
            {
                *place = true;
            }
        }
        let bytes = |value: &Tensor| value.shape().num_elements().unwrap_or_default().saturating_mul(size_of::<f32>());
        let constants: usize = program.constants().iter().map(|constant| bytes(&constant.value)).sum();
        let budget = Cell::new(LEAST_BUDGET.max(constants / 5));
        Self { program, folded, users, is_output, claimed: vec![false; count], budget }
    }

    /// Returns true if so many weights may be packed, which takes memory beside the weights themselves: a fifth of it
    /// in large models.
    pub(super) fn may_pack(&self, weights: usize) -> bool {
        let left = self.budget.get().checked_sub(weights.saturating_mul(size_of::<f32>()));
        left.inspect(|left| self.budget.set(*left)).is_some()
    }

    pub(super) fn node(&self, position: usize) -> Option<&'a Node> {
        self.program.nodes().get(position)
    }

    /// Returns the nodes that use a result which nothing else needs.
    pub(super) fn users(&self, position: usize) -> &[usize] {
        if self.is_output.get(position).copied().unwrap_or(true) {
            return &[];
        }
        self.users.get(position).map_or(&[], Vec::as_slice)
    }

    /// Notes which nodes a kernel computes.
    pub(super) fn claim(&mut self, nodes: &[usize]) {
        for node in nodes {
            if let Some(place) = self.claimed.get_mut(*node) {
                *place = true;
            }
        }
    }

    pub(super) fn is_free(&self, position: usize) -> bool {
        self.claimed.get(position) == Some(&false)
    }

    /// Returns the only user of a result, if no kernel computes it already.
    pub(super) fn only_user(&self, position: usize) -> Option<(usize, &'a Node)> {
        match self.users(position) {
            [user] if self.is_free(*user) => Some((*user, self.node(*user)?)),
            _ => None,
        }
    }

    /// Returns true if a result depends on the inputs, and no kernel computes it already.
    pub(super) fn is_open(&self, position: usize) -> bool {
        self.is_free(position) && !self.folded.is_known(position)
    }

    /// Returns an operand's value if it does not depend on the inputs.
    pub(super) fn constant(&self, operand: Operand) -> Option<&Tensor> {
        self.folded.value(self.program, operand)
    }

    pub(super) fn spec(&self, operand: Operand) -> Option<Spec> {
        self.program.spec(operand)
    }

    /// Returns the extents of an operand of `float32`; `None` for other dtypes.
    pub(super) fn extents(&self, operand: Operand) -> Option<Vec<usize>> {
        let spec = self.program.spec(operand)?;
        if spec.dtype == DType::Float32 { spec.shape.known().ok() } else { None }
    }

    /// Returns the node that gives an operand, if its primitive is of this type.
    pub(super) fn made_by<T: Primitive>(&self, operand: Operand) -> Option<(&'a Node, &'a T)> {
        let Operand::Node(position) = operand else { return None };
        let node = self.node(position)?;
        Some((node, primitive(node)?))
    }

    /// Returns the operand with the same elements in the same order before all reshapes.
    pub(super) fn before_reshapes(&self, operand: Operand) -> Operand {
        self.before::<Reshape>(operand)
    }

    /// Returns the operand before all broadcasts.
    pub(super) fn before_broadcasts(&self, operand: Operand) -> Operand {
        self.before::<Broadcast>(operand)
    }

    /// Returns the operand before all primitives of a type that follow it.
    fn before<T: Primitive>(&self, mut operand: Operand) -> Operand {
        while let Some((node, _)) = self.made_by::<T>(operand)
            && let &[before] = node.operands.as_slice()
        {
            operand = before;
        }
        operand
    }

    /// Returns the constant values of an operand in `float32`.
    pub(super) fn numbers(&self, operand: Operand) -> Option<Vec<f32>> {
        let value = self.folded.value(self.program, operand)?;
        match value.elements::<f32>() {
            Some(elements) => Some(elements.to_vec()),
            None if value.dtype() == DType::Float32 => value.to_vec().ok(),
            None => None,
        }
    }

    /// Returns a constant as one number for each of the channels, which lie along the last axes of a result with
    /// these extents; `None` if it varies over others.
    pub(super) fn per_channel(&self, operand: Operand, extents: &[usize], channels: usize) -> Option<Vec<f32>> {
        let numbers = self.numbers(operand)?;
        if let [number] = numbers.as_slice() {
            return Some(vec![*number; channels]);
        }
        let given = self.extents(operand)?;
        let used = given.iter().skip_while(|extent| **extent == 1).count();
        let is_last = given.iter().rev().take(used).eq(extents.iter().rev().take(used));
        (numbers.len() == channels && is_last).then_some(numbers)
    }

    pub(super) fn number(&self, operand: Operand) -> Option<f32> {
        // Large constants are not copied for a look at their size.
        self.constant(operand).filter(|value| value.shape().num_elements() == Some(1))?;
        match self.numbers(operand)?.as_slice() {
            [number] => Some(*number),
            _ => None,
        }
    }

    /// Returns the nodes from some operands to a node that nothing outside needs: what a kernel of these operands
    /// makes superfluous when it computes the node.
    pub(super) fn between(&self, last: usize, operands: &[Operand]) -> Vec<usize> {
        let mut between = vec![last];
        let mut next = 0;
        while let Some(node) = between.get(next).copied().and_then(|position| self.node(position)) {
            next += 1;
            for operand in node.operands.iter().filter(|operand| !operands.contains(operand)) {
                if let Operand::Node(position) = operand
                    && !between.contains(position)
                    && !self.folded.is_known(*position)
                {
                    between.push(*position);
                }
            }
        }
        between.remove(0);
        // Users stand after what they use, so that those of a node are judged before it.
        between.sort_unstable_by(|a, b| b.cmp(a));
        let mut inner: Vec<usize> = Vec::new();
        for position in between {
            let users = self.users(position);
            if !users.is_empty() && users.iter().all(|user| *user == last || inner.contains(user)) {
                inner.push(position);
            }
        }
        inner
    }
}
