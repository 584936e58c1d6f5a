//! Placement: where the values of a plan lie, step by step.

use super::fold::Folded;
use super::graph::primitive;
use super::kernel::{Fused, Kernel};
use super::memory::Assignment;
use super::plan::{Output, Place, Plan, Step, Work, absent};
use crate::error::Result;
use crate::program::primitives::Reshape;
use crate::program::{Operand, Program, Spec};
use crate::tensor::{DType, Tensor};

/// Places the values of a program, step by step.
pub(super) struct Builder<'a> {
    program: &'a Program,
    folded: &'a Folded,
    /// For each node, the last step that uses its result; `None` if nothing does.
    last_use: Vec<Option<usize>>,
    places: Vec<Option<Place>>,
    constants: Vec<(Operand, Tensor)>,
    steps: Vec<Step>,
    memory: Assignment,
    tensors: usize,
    /// The output whose memory each node's result lies in.
    output_of: Vec<Option<usize>>,
}

impl<'a> Builder<'a> {
    pub(super) fn new(program: &'a Program, folded: &'a Folded) -> Self {
        let count = program.nodes().len();
        Self {
            program,
            folded,
            last_use: vec![None; count],
            places: vec![None; count],
            constants: Vec::new(),
            steps: Vec::new(),
            memory: Assignment::default(),
            tensors: 0,
            output_of: vec![None; count],
        }
    }

    /// Finds the nodes that the outputs need, and which node uses each result last.
    pub(super) fn find_needed(&mut self, kernels: &[Option<Fused>]) {
        let count = self.program.nodes().len();
        for output in self.program.outputs().leaves() {
            self.need(*output, count);
        }
        for position in (0..count).rev() {
            if self.last_use.get(position).copied().flatten().is_none() || self.folded.is_known(position) {
                continue;
            }
            let operands = match kernels.get(position).and_then(Option::as_ref) {
                Some(fused) => fused.operands.clone(),
                None => self.program.nodes().get(position).map(|node| node.operands.clone()).unwrap_or_default(),
            };
            // What lies in the memory of another result keeps that alive as long as it is used itself.
            let until = match self.alias(position, kernels.get(position).is_some_and(Option::is_some)) {
                Some(_) => self.last_use.get(position).copied().flatten().unwrap_or(position),
                None => position,
            };
            operands.into_iter().for_each(|operand| self.need(operand, until));
        }
        for (leaf, output) in self.program.outputs().leaves().into_iter().enumerate() {
            let mut operand = *output;
            while let Operand::Node(position) = operand {
                let has_kernel = kernels.get(position).is_some_and(Option::is_some);
                match self.alias(position, has_kernel) {
                    Some(before) => operand = before,
                    None => {
                        if let Some(place) =
                            self.output_of.get_mut(position).filter(|place| has_kernel && place.is_none())
                        {
                            *place = Some(leaf);
                        }
                        break;
                    }
                }
            }
        }
    }

    fn need(&mut self, operand: Operand, user: usize) {
        if let Operand::Node(position) = operand
            && let Some(last) = self.last_use.get_mut(position)
        {
            *last = Some(last.map_or(user, |last| last.max(user)));
        }
    }

    /// Returns what a node without kernel has the elements of, unchanged: the operand of a reshape.
    fn alias(&self, position: usize, has_kernel: bool) -> Option<Operand> {
        let node = self.program.nodes().get(position)?;
        let is_reshape = primitive::<Reshape>(node).is_some() && node.spec.dtype == DType::Float32;
        if is_reshape && !has_kernel { node.operands.first().copied() } else { None }
    }

    fn place(&mut self, operand: Operand) -> Result<Place> {
        if let Some(value) = self.folded.value(self.program, operand) {
            let known = self.constants.iter().position(|(known, _)| *known == operand);
            return Ok(Place::Constant(match known {
                Some(position) => position,
                None => {
                    self.constants.push((operand, value.contiguous()?));
                    self.constants.len() - 1
                }
            }));
        }
        match operand {
            Operand::Input(position) => Ok(Place::Input(position)),
            Operand::Node(position) => self.places.get(position).copied().flatten().ok_or_else(absent),
            Operand::Constant(_) => Err(absent()),
        }
    }

    fn spec(&self, operand: Operand) -> Result<Spec> {
        self.program.spec(operand).ok_or_else(absent)
    }

    /// Adds the step of a node, if its result is needed.
    pub(super) fn add(&mut self, position: usize, kernel: Option<(Box<dyn Kernel>, Vec<Operand>)>) -> Result<()> {
        let is_needed = self.last_use.get(position).is_some_and(Option::is_some);
        let Some(node) = self.program.nodes().get(position) else { return Ok(()) };
        if !is_needed || self.folded.is_known(position) {
            return Ok(());
        }
        if let Some(operand) = self.alias(position, kernel.is_some()) {
            let place = self.place(operand)?;
            // The engine reshapes its own tensors.
            if !matches!(place, Place::Tensor(_)) {
                return self.set(position, place);
            }
        }
        let operands = kernel.as_ref().map_or(&node.operands, |(_, operands)| operands).clone();
        let placed = operands
            .iter()
            .map(|operand| Ok((self.place(*operand)?, self.spec(*operand)?)))
            .collect::<Result<Vec<_>>>()?;
        let elements = node.spec.shape.num_elements().unwrap_or_default();
        let output = self.output_of.get(position).copied().flatten();
        let (work, result) = match kernel {
            None => {
                self.tensors += 1;
                (Work::Engine(node.primitive.clone()), Place::Tensor(self.tensors - 1))
            }
            Some((kernel, _)) => {
                let place = output.map_or_else(|| Place::Buffer(self.memory.take(elements)), Place::Output);
                (Work::Kernel(kernel), place)
            }
        };
        self.steps.push(Step { work, operands: placed, result, spec: node.spec.clone(), layer: node.layer.clone() });
        self.set(position, result)?;
        self.release(position);
        Ok(())
    }

    /// Frees the buffers whose contents nothing needs after a node.
    fn release(&mut self, position: usize) {
        let freed: Vec<usize> = (0..=position)
            .filter(|other| self.last_use.get(*other).copied().flatten() == Some(position))
            .filter_map(|other| match self.places.get(other).copied().flatten() {
                // An alias is freed with what it lies in.
                Some(Place::Buffer(buffer)) if self.owns(other) => Some(buffer),
                _ => None,
            })
            .collect();
        freed.into_iter().for_each(|buffer| self.memory.release(buffer));
    }

    /// Returns true if a step writes a node's result, which is no alias.
    fn owns(&self, position: usize) -> bool {
        self.program.nodes().get(position).is_some_and(|node| primitive::<Reshape>(node).is_none())
    }

    fn set(&mut self, position: usize, place: Place) -> Result<()> {
        *self.places.get_mut(position).ok_or_else(absent)? = Some(place);
        Ok(())
    }

    pub(super) fn finish(mut self) -> Result<Plan> {
        let outputs = self.program.outputs().clone();
        let outputs =
            outputs.try_map(&mut |operand| Ok(Output { place: self.place(*operand)?, spec: self.spec(*operand)? }))?;
        let constants = self.constants.into_iter().map(|(_, value)| value).collect();
        Ok(Plan::new(self.program, self.steps, constants, (self.memory.sizes(), self.tensors), outputs))
    }
}
