//! The memory of one run of a plan, and how a step finds its operands there.

use super::kernel::{Kernel, failed};
use super::plan::{Output, Place, Plan, Step, Work, absent};
use crate::error::{Error, ErrorKind, Result};
use crate::program::Spec;
use crate::tensor::{DType, Tensor};
use keras_serial_kernels::{Aligned, Context};

/// Operands of a kernel at most.
const MOST: usize = 16;

/// The inputs of a run.
#[derive(Clone, Copy)]
pub(super) enum Inputs<'a> {
    /// Tensors whose elements lie in row-major order.
    Tensors(&'a [Tensor]),
    /// The elements of inputs of `float32`.
    Slices(&'a [&'a [f32]]),
}

impl<'a> Inputs<'a> {
    fn slice(self, position: usize) -> Result<&'a [f32]> {
        match self {
            Self::Tensors(tensors) => tensors.get(position).and_then(Tensor::elements).ok_or_else(absent),
            Self::Slices(slices) => slices.get(position).copied().ok_or_else(absent),
        }
    }
}

/// The memory of a kernel's result.
enum Target<'a> {
    Buffer(usize, Aligned),
    Output(usize, &'a mut [f32]),
}

impl Target<'_> {
    fn memory(&mut self) -> &mut [f32] {
        match self {
            Self::Buffer(_, memory) => memory.as_mut_slice(),
            Self::Output(_, memory) => memory,
        }
    }
}

/// Buffers and tensors of a run.
#[derive(Debug)]
pub(super) struct Workspace {
    buffers: Vec<Aligned>,
    tensors: Vec<Option<Tensor>>,
}

impl Workspace {
    pub fn new(buffers: &[usize], tensors: usize) -> Self {
        Self { buffers: buffers.iter().map(|size| Aligned::zeros(*size)).collect(), tensors: vec![None; tensors] }
    }

    /// Runs a step.
    pub fn run(
        &mut self,
        plan: &Plan,
        context: &Context<'_>,
        step: &Step,
        inputs: Inputs<'_>,
        outputs: &mut [&mut [f32]],
    ) -> Result<()> {
        match &step.work {
            Work::Engine(primitive) => {
                let operands = step
                    .operands
                    .iter()
                    .map(|(place, spec)| self.tensor(plan, inputs, outputs, *place, spec))
                    .collect::<Result<Vec<_>>>()?;
                let mut result = primitive.eval(&operands.iter().collect::<Vec<_>>())?;
                if result.dtype() == DType::Float32 {
                    result = result.contiguous()?;
                }
                let Place::Tensor(position) = step.result else { return Err(absent()) };
                *self.tensors.get_mut(position).ok_or_else(absent)? = Some(result);
                Ok(())
            }
            Work::Kernel(kernel) => {
                // The result's memory is taken out, so that the operands can be borrowed beside it.
                let mut target = self.take(step.result, outputs)?;
                let done = self.compute(plan, context, step, inputs, outputs, (kernel.as_ref(), target.memory()));
                self.give_back(target, outputs);
                done
            }
        }
    }

    /// Runs a kernel, whose result goes to the first elements of the memory.
    fn compute(
        &self,
        plan: &Plan,
        context: &Context<'_>,
        step: &Step,
        inputs: Inputs<'_>,
        outputs: &[&mut [f32]],
        (kernel, memory): (&dyn Kernel, &mut [f32]),
    ) -> Result<()> {
        let mut operands: [&[f32]; MOST] = [&[]; MOST];
        let places = operands.get_mut(..step.operands.len()).ok_or_else(absent)?;
        for (operand, (place, spec)) in places.iter_mut().zip(&step.operands) {
            *operand = self.slice(plan, inputs, outputs, *place, spec)?;
        }
        let elements = step.spec.shape.num_elements().unwrap_or_default();
        let out = memory.get_mut(..elements).ok_or_else(absent)?;
        kernel.run(context, places, out).map_err(failed)
    }

    fn take<'a>(&mut self, place: Place, outputs: &mut [&'a mut [f32]]) -> Result<Target<'a>> {
        match place {
            Place::Buffer(position) => {
                let buffer = self.buffers.get_mut(position).ok_or_else(absent)?;
                Ok(Target::Buffer(position, std::mem::take(buffer)))
            }
            Place::Output(position) => {
                let output = outputs.get_mut(position).ok_or_else(absent)?;
                Ok(Target::Output(position, std::mem::take(output)))
            }
            Place::Input(_) | Place::Constant(_) | Place::Tensor(_) => Err(absent()),
        }
    }

    fn give_back<'a>(&mut self, target: Target<'a>, outputs: &mut [&'a mut [f32]]) {
        match target {
            Target::Buffer(position, memory) => {
                if let Some(buffer) = self.buffers.get_mut(position) {
                    *buffer = memory;
                }
            }
            Target::Output(position, memory) => {
                if let Some(output) = outputs.get_mut(position) {
                    *output = memory;
                }
            }
        }
    }

    /// Returns the elements of a value of `float32`.
    pub fn slice<'a>(
        &'a self,
        plan: &'a Plan,
        inputs: Inputs<'a>,
        outputs: &'a [&mut [f32]],
        place: Place,
        spec: &Spec,
    ) -> Result<&'a [f32]> {
        let elements = spec.shape.num_elements().unwrap_or_default();
        let slice = match place {
            Place::Input(position) => inputs.slice(position)?,
            Place::Constant(position) => plan.constant(position)?.elements().ok_or_else(absent)?,
            Place::Buffer(position) => self.buffers.get(position).ok_or_else(absent)?.as_slice(),
            Place::Output(position) => outputs.get(position).ok_or_else(absent)?,
            Place::Tensor(position) => self.made(position)?.elements().ok_or_else(absent)?,
        };
        slice.get(..elements).ok_or_else(absent)
    }

    /// Copies the outputs that no step wrote where they belong.
    pub fn copy_outputs(
        &self,
        plan: &Plan,
        inputs: Inputs<'_>,
        leaves: &[Output],
        outputs: &mut [&mut [f32]],
    ) -> Result<()> {
        for (position, leaf) in
            leaves.iter().enumerate().filter(|(position, leaf)| leaf.place != Place::Output(*position))
        {
            let memory = std::mem::take(outputs.get_mut(position).ok_or_else(absent)?);
            let value = self.slice(plan, inputs, outputs, leaf.place, &leaf.spec);
            let copied = value.and_then(|value| {
                if value.len() != memory.len() {
                    return Err(absent());
                }
                memory.copy_from_slice(value);
                Ok(())
            });
            if let Some(output) = outputs.get_mut(position) {
                *output = memory;
            }
            copied?;
        }
        Ok(())
    }

    /// Returns a value as a tensor, copied where it lies in memory of the workspace.
    pub fn tensor(
        &self,
        plan: &Plan,
        inputs: Inputs<'_>,
        outputs: &[&mut [f32]],
        place: Place,
        spec: &Spec,
    ) -> Result<Tensor> {
        let whole = match (place, inputs) {
            (Place::Input(position), Inputs::Tensors(tensors)) => tensors.get(position),
            (Place::Constant(position), _) => Some(plan.constant(position)?),
            (Place::Tensor(position), _) => Some(self.made(position)?),
            _ => None,
        };
        match whole {
            Some(tensor) if *tensor.shape() == spec.shape => Ok(tensor.clone()),
            Some(tensor) if spec.dtype != DType::Float32 => {
                let error = Error::new(ErrorKind::Engine, "a value of a plan has another shape");
                Err(error.expected(spec.shape.to_string()).received(tensor.shape().to_string()))
            }
            _ => Tensor::from_slice(self.slice(plan, inputs, outputs, place, spec)?, &spec.shape),
        }
    }

    fn made(&self, position: usize) -> Result<&Tensor> {
        self.tensors.get(position).and_then(Option::as_ref).ok_or_else(absent)
    }
}
