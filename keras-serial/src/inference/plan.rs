//! Plans: the steps that compute a program's outputs, and where their operands and results lie.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use super::fold::Folded;
use super::graph::Graph;
use super::kernel::Kernel;
use super::lower;
use super::place::Builder;
use super::workspace::{Inputs, Workspace};
use crate::error::{Error, ErrorKind, Result, ResultExt};
use crate::program::{Primitive, Program, Reads, Spec};
use crate::tensor::{DType, Nested, Tensor};
use crate::utils::Locked;
use keras_serial_kernels::{Context, STACK};

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
    /// The path of the layer that computes it, for errors.
    pub layer: Arc<str>,
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
    /// If a constant can't be computed, weights can't be packed, or a run would need more than 16 GiB beside weights,
    /// inputs and outputs.
    pub fn compile(program: &Program) -> Result<Self> {
        Self::compile_within(program, 16 << 30)
    }

    /// Compiles a program whose runs need at most so many bytes beside weights, inputs and outputs.
    ///
    /// # Errors
    /// Those of [`Plan::compile`]; [`ErrorKind::Limit`] if a run would need more.
    pub fn compile_within(program: &Program, limit: usize) -> Result<Self> {
        let program = &program.simplified()?;
        let folded = Folded::of(program)?;
        let mut graph = Graph::new(program, &folded);
        let mut kernels = lower::all(&Context::default(), program, &mut graph)?;
        let mut builder = Builder::new(program, &folded);
        builder.find_needed(&kernels);
        for position in 0..program.nodes().len() {
            let kernel = kernels.get_mut(position).and_then(Option::take);
            builder.add(position, kernel.map(|fused| (fused.kernel, fused.operands)))?;
        }
        let plan = builder.finish()?;
        if plan.workspace_bytes() > limit {
            return Err(Error::new(ErrorKind::Limit, "a prediction needs more memory than the limit")
                .expected(format!("at most {limit} bytes for values between steps"))
                .received(format!("{} bytes", plan.workspace_bytes()))
                .hint("predict smaller batches"));
        }
        Ok(plan)
    }

    /// Puts a plan together: its steps, constants, memory (the elements of each buffer, and the number of tensors),
    /// and outputs.
    pub(super) fn new(
        program: &Program,
        steps: Vec<Step>,
        constants: Vec<Tensor>,
        (buffers, tensors): (Vec<usize>, usize),
        outputs: Nested<Output>,
    ) -> Self {
        let leaves = outputs.leaves().into_iter().cloned().collect();
        let (inputs, reads) = (program.inputs().to_vec(), program.reads().clone());
        Self { inputs, constants, steps, buffers, tensors, outputs, leaves, reads, idle: Mutex::default() }
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

    /// Measures the steps: the median seconds of each over so many runs, with its line as the plan prints it.
    ///
    /// # Errors
    /// If the inputs have other shapes or dtypes than the program's.
    pub fn profile(&self, inputs: &[Tensor], runs: usize) -> Result<Vec<(String, f64)>> {
        // A run checks the inputs, and makes the memory.
        self.run(inputs)?;
        let inputs: Vec<Tensor> = inputs.iter().map(Tensor::contiguous).collect::<Result<_>>()?;
        let mut written = self.written();
        let mut outputs: Vec<&mut [f32]> = written.iter_mut().map(Vec::as_mut_slice).collect();
        let mut workspace = self.workspace();
        let mut seconds = vec![Vec::with_capacity(runs); self.steps.len()];
        with_stack(|| {
            for _ in 0..runs {
                for (step, seconds) in self.steps.iter().zip(&mut seconds) {
                    let start = Instant::now();
                    workspace.run(self, &Context::default(), step, Inputs::Tensors(&inputs), &mut outputs)?;
                    seconds.push(start.elapsed().as_secs_f64());
                }
            }
            Ok(())
        })?;
        self.keep(workspace);
        let median = |mut seconds: Vec<f64>| {
            seconds.sort_unstable_by(f64::total_cmp);
            seconds.get(seconds.len() / 2).copied().unwrap_or_default()
        };
        Ok(self.steps.iter().map(ToString::to_string).zip(seconds.into_iter().map(median)).collect())
    }

    /// Returns memory for the outputs that steps write.
    fn written(&self) -> Vec<Vec<f32>> {
        let leaves = self.leaves.iter().enumerate();
        leaves.map(|(position, output)| vec![0.0; output.written(position)]).collect()
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
        let mut written = self.written();
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
    fn execute(
        &self,
        context: &Context<'_>,
        inputs: Inputs<'_>,
        outputs: &mut [&mut [f32]],
        workspace: &mut Workspace,
    ) -> Result<()> {
        with_stack(|| {
            for step in &self.steps {
                workspace.run(self, context, step, inputs, outputs).at_with(|| step.layer.to_string())?;
            }
            Ok(())
        })
    }

    /// Returns memory for a run.
    pub(super) fn workspace(&self) -> Workspace {
        let idle = self.idle.locked().pop();
        idle.unwrap_or_else(|| Workspace::new(&self.buffers, self.tensors))
    }

    /// Keeps memory for the next run.
    pub(super) fn keep(&self, workspace: Workspace) {
        self.idle.locked().push(workspace);
    }

    /// Returns a constant.
    pub(super) fn constant(&self, position: usize) -> Result<&Tensor> {
        self.constants.get(position).ok_or_else(absent)
    }
}

/// Runs a function with the stack that kernels need: on a thread of its own in builds without optimization.
fn with_stack(run: impl FnOnce() -> Result<()> + Send) -> Result<()> {
    let Some(stack) = STACK else { return run() };
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(stack).spawn_scoped(scope, run)?;
        thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
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
            writeln!(f, "{step}")?;
        }
        let outputs: Vec<String> = self.outputs.leaves().iter().map(|output| output.place.to_string()).collect();
        writeln!(f, "return {}", outputs.join(", "))
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match &self.work {
            Work::Kernel(kernel) => kernel.name().to_owned(),
            Work::Engine(primitive) => format!("engine.{}", primitive.name()),
        };
        let operands: Vec<String> = self.operands.iter().map(|(place, _)| place.to_string()).collect();
        write!(f, "{} = {name}({}): {}", self.result, operands.join(", "), self.spec)
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
