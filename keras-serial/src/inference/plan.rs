//! Plans: the steps that compute a program's outputs, and where their operands and results lie.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use super::fold::Folded;
use super::graph::{Graph, primitive};
use super::kernel::{Fused, Kernel};
use super::lower;
use super::memory::Assignment;
use super::workspace::{Inputs, Workspace};
use crate::error::{Error, ErrorKind, Result, ResultExt};
use crate::program::primitives::Reshape;
use crate::program::{Operand, Primitive, Program, Reads, Spec};
use crate::tensor::{DType, Nested, Tensor};
use keras_serial_kernels::Context;

/// Where a value lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// In an input.
    Input(usize),
    /// In a constant of the plan.
    Constant(usize),
    /// In a buffer of the workspace.
    Buffer(usize),
    /// In the memory of an output of `float32`, by its position.
    Output(usize),
    /// In a tensor of the workspace, which the engine has made.
    Tensor(usize),
}

/// What a step computes.
#[derive(Debug)]
pub(super) enum Work {
    Kernel(Box<dyn Kernel>),
    /// A primitive on the engine; the operands' specs are needed to make tensors of buffers.
    Engine(Arc<dyn Primitive>),
}

/// One step: its work, and where operands and result lie.
#[derive(Debug)]
pub(super) struct Step {
    pub work: Work,
    pub operands: Vec<(Place, Spec)>,
    pub result: Place,
    pub spec: Spec,
}

/// An output: where it lies, and what it is.
#[derive(Clone, Debug)]
pub(super) struct Output {
    pub place: Place,
    pub spec: Spec,
}

impl Output {
    /// Returns the number of elements that steps write to the memory of the output at a position.
    fn written(&self, position: usize) -> usize {
        if self.place == Place::Output(position) { self.spec.shape.num_elements().unwrap_or_default() } else { 0 }
    }
}

/// A compiled program: fused kernels with packed weights, for inputs of its shapes and dtypes.
///
/// What has no kernel is computed on the engine, node by node. A plan prints as its steps.
///
/// ```
/// use keras_serial::{inference::Plan, prelude::*};
/// let model = Sequential::new([Dense::new(3).activation("relu").shared()])?;
/// model.build([8, 2])?;
/// let plan = Plan::compile(&model.program(&[[8, 2].into()])?)?;
/// let x = Tensor::from_vec(vec![0.5f32; 16], [8, 2])?;
/// let y = plan.run(std::slice::from_ref(&x))?.into_single()?;
/// assert_eq!(y.shape().to_string(), "(8, 3)");
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[derive(Debug)]
pub struct Plan {
    inputs: Vec<Spec>,
    constants: Vec<Tensor>,
    steps: Vec<Step>,
    /// The elements of each buffer.
    buffers: Vec<usize>,
    /// The number of tensors that the engine makes.
    tensors: usize,
    outputs: Nested<Output>,
    leaves: Vec<Output>,
    reads: Reads,
    /// Workspaces that no run uses.
    idle: Mutex<Vec<Workspace>>,
}

impl Plan {
    /// Compiles a program for this processor.
    ///
    /// # Errors
    /// If a constant can't be computed, or weights can't be packed.
    pub fn compile(program: &Program) -> Result<Self> {
        let folded = Folded::of(program)?;
        let mut graph = Graph::new(program, &folded);
        let mut kernels = lower::all(&Context::default(), program, &mut graph)?;
        let mut builder = Builder::new(program, &folded);
        builder.find_needed(&kernels);
        for position in 0..program.nodes().len() {
            let kernel = kernels.get_mut(position).and_then(Option::take);
            builder.add(position, kernel.map(|fused| (fused.kernel, fused.operands)))?;
        }
        builder.finish()
    }

    /// Returns true if the weights that the plan holds have not changed since the program was traced.
    pub fn is_current(&self) -> bool {
        self.reads.are_current()
    }

    /// Returns the inputs.
    pub fn inputs(&self) -> &[Spec] {
        &self.inputs
    }

    /// Returns the outputs in structure.
    pub fn outputs(&self) -> Nested<Spec> {
        self.outputs.map(|output| output.spec.clone())
    }

    /// Returns the bytes that a run needs beside weights, inputs and outputs.
    pub fn workspace_bytes(&self) -> usize {
        self.buffers.iter().sum::<usize>().saturating_mul(size_of::<f32>())
    }

    /// Returns the bytes that packed weights take.
    pub fn packed_bytes(&self) -> usize {
        let kernels = self.steps.iter().filter_map(|step| match &step.work {
            Work::Kernel(kernel) => Some(kernel.bytes()),
            Work::Engine(_) => None,
        });
        kernels.sum()
    }

    /// Returns the names of the primitives that have no kernel here and are computed on the engine.
    pub fn on_engine(&self) -> Vec<&'static str> {
        let primitives = self.steps.iter().filter_map(|step| match &step.work {
            Work::Kernel(_) => None,
            Work::Engine(primitive) => Some(primitive.name()),
        });
        primitives.collect()
    }

    /// Computes the outputs of these inputs.
    ///
    /// # Errors
    /// If the inputs have other shapes or dtypes than the program's.
    pub fn run(&self, inputs: &[Tensor]) -> Result<Nested<Tensor>> {
        self.run_with(&Context::default(), inputs)
    }

    /// Computes the outputs of these inputs on the threads of a context.
    ///
    /// # Errors
    /// If the inputs have other shapes or dtypes than the program's.
    pub fn run_with(&self, context: &Context<'_>, inputs: &[Tensor]) -> Result<Nested<Tensor>> {
        let fits = inputs.len() == self.inputs.len()
            && inputs.iter().zip(&self.inputs).all(|(x, spec)| x.dtype() == spec.dtype && *x.shape() == spec.shape);
        if !fits {
            let text = |specs: Vec<String>| specs.join(", ");
            return Err(Error::new(ErrorKind::Shape, "the inputs are not those of the plan")
                .expected(text(self.inputs.iter().map(ToString::to_string).collect()))
                .received(text(inputs.iter().map(|input| Spec::of(input).to_string()).collect())));
        }
        let inputs: Vec<Tensor> = inputs.iter().map(Tensor::contiguous).collect::<Result<_>>()?;
        let leaves = self.outputs.leaves().into_iter().enumerate();
        let mut written: Vec<Vec<f32>> = leaves.map(|(position, output)| vec![0.0; output.written(position)]).collect();
        let mut slices: Vec<&mut [f32]> = written.iter_mut().map(Vec::as_mut_slice).collect();
        let mut workspace = self.workspace();
        let inputs = Inputs::Tensors(&inputs);
        self.execute(context, inputs, &mut slices, &mut workspace)?;
        // What lies elsewhere first, since it may be a copy of another output.
        let mut others = Vec::new();
        for (position, output) in self.outputs.leaves().into_iter().enumerate() {
            if output.place != Place::Output(position) {
                others.push((position, workspace.tensor(self, inputs, &slices, output.place, &output.spec)?));
            }
        }
        self.keep(workspace);
        let (mut others, mut position) = (others.into_iter().peekable(), 0);
        self.outputs.try_map(&mut |output| {
            position += 1;
            match others.next_if(|(other, _)| *other + 1 == position) {
                Some((_, tensor)) => Ok(tensor),
                None => {
                    let values = written.get_mut(position - 1).ok_or_else(absent)?;
                    Tensor::from_vec(std::mem::take(values), &output.spec.shape)
                }
            }
        })
    }

    /// Computes outputs of `float32` for inputs of `float32`, in the order of their leaves, on the threads of a
    /// context. Once a run has made the memory that it needs, the next ones allocate none, if no step runs on the
    /// engine.
    ///
    /// # Errors
    /// If inputs or outputs have other lengths than the program's, or other dtypes; then nothing is written.
    pub fn run_into(&self, context: &Context<'_>, inputs: &[&[f32]], outputs: &mut [&mut [f32]]) -> Result<()> {
        let fits =
            |spec: &Spec, length: usize| spec.dtype == DType::Float32 && spec.shape.num_elements() == Some(length);
        let mut specs = self.inputs.iter();
        for input in inputs {
            let spec = specs.next().filter(|spec| fits(spec, input.len()));
            spec.ok_or_else(|| wrong_length("input", self.inputs.iter(), input.len()))?;
        }
        let mut count = 0;
        for output in &self.leaves {
            let length = outputs.get(count).map_or(0, |output| output.len());
            if !fits(&output.spec, length) {
                return Err(wrong_length("output", self.leaves.iter().map(|output| &output.spec), length));
            }
            count += 1;
        }
        if specs.next().is_some() || count != outputs.len() {
            let received = format!("{} inputs and {} outputs", inputs.len(), outputs.len());
            return Err(Error::new(ErrorKind::InvalidArgument, "wrong number of buffers")
                .expected(format!("{} inputs and {count} outputs", self.inputs.len()))
                .received(received));
        }
        let mut workspace = self.workspace();
        let inputs = Inputs::Slices(inputs);
        let done = self.execute(context, inputs, outputs, &mut workspace);
        let done = done.and_then(|()| workspace.copy_outputs(self, inputs, &self.leaves, outputs));
        self.keep(workspace);
        done
    }

    /// Runs all steps; kernels write outputs of `float32` to the slices.
    pub(super) fn execute(
        &self,
        context: &Context<'_>,
        inputs: Inputs<'_>,
        outputs: &mut [&mut [f32]],
        workspace: &mut Workspace,
    ) -> Result<()> {
        for (position, step) in self.steps.iter().enumerate() {
            workspace.run(self, context, step, inputs, outputs).at_with(|| format!("step {position}"))?;
        }
        Ok(())
    }

    /// Returns memory for a run.
    pub(super) fn workspace(&self) -> Workspace {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        idle.unwrap_or_else(|| Workspace::new(&self.buffers, self.tensors))
    }

    /// Keeps memory for the next run.
    pub(super) fn keep(&self, workspace: Workspace) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(workspace);
    }

    /// Returns a constant.
    pub(super) fn constant(&self, position: usize) -> Result<&Tensor> {
        self.constants.get(position).ok_or_else(absent)
    }
}

/// The error of a buffer that does not fit.
fn wrong_length<'a>(what: &str, specs: impl Iterator<Item = &'a Spec>, received: usize) -> Error {
    let expected: Vec<String> = specs.map(ToString::to_string).collect();
    Error::new(ErrorKind::Shape, format!("the elements of an {what} do not fit the plan"))
        .expected(expected.join(", "))
        .received(format!("{received} elements of float32"))
}

/// The error of a value that a plan refers to and does not have.
pub(super) fn absent() -> Error {
    Error::new(ErrorKind::Engine, "a value of a plan is not there")
}

/// Prints the steps, one a line: where the result lies, what computes it, from where.
impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for step in &self.steps {
            let name = match &step.work {
                Work::Kernel(kernel) => kernel.name().to_owned(),
                Work::Engine(primitive) => format!("engine.{}", primitive.name()),
            };
            let operands: Vec<String> = step.operands.iter().map(|(place, _)| place.to_string()).collect();
            writeln!(f, "{} = {name}({}): {}", step.result, operands.join(", "), step.spec)?;
        }
        let outputs: Vec<String> = self.outputs.leaves().iter().map(|output| output.place.to_string()).collect();
        writeln!(f, "return {}", outputs.join(", "))
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Input(position) => write!(f, "x{position}"),
            Self::Constant(position) => write!(f, "c{position}"),
            Self::Buffer(position) => write!(f, "b{position}"),
            Self::Output(position) => write!(f, "y{position}"),
            Self::Tensor(position) => write!(f, "t{position}"),
        }
    }
}

/// Places the values of a program, step by step.
struct Builder<'a> {
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
    fn new(program: &'a Program, folded: &'a Folded) -> Self {
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
    fn find_needed(&mut self, kernels: &[Option<Fused>]) {
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
    fn add(&mut self, position: usize, kernel: Option<(Box<dyn Kernel>, Vec<Operand>)>) -> Result<()> {
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
        self.steps.push(Step { work, operands: placed, result, spec: node.spec.clone() });
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

    fn finish(mut self) -> Result<Plan> {
        let outputs = self.program.outputs().clone();
        let outputs =
            outputs.try_map(&mut |operand| Ok(Output { place: self.place(*operand)?, spec: self.spec(*operand)? }))?;
        Ok(Plan {
            inputs: self.program.inputs().to_vec(),
            constants: self.constants.into_iter().map(|(_, value)| value).collect(),
            steps: self.steps,
            buffers: self.memory.sizes(),
            tensors: self.tensors,
            leaves: outputs.leaves().into_iter().cloned().collect(),
            outputs,
            reads: self.program.reads().clone(),
            idle: Mutex::default(),
        })
    }
}
