//! Plans: the steps that compute a program's outputs.

use super::fold::Folded;
use super::fuse::{Graph, Tail, primitive};
use super::step::{Work, failed};
use crate::error::{Error, ErrorKind, Result};
use crate::kernels::conv::{self, Geometry};
use crate::kernels::window::Axis;
use crate::kernels::{Context, depthwise, gemm, pack, winograd};
use crate::program::primitives::{Conv, MatMul, Reduce, Reduction};
use crate::program::{Node, Operand, Program, Reads, Spec};
use crate::tensor::{DType, Nested, Shape, Tensor};

/// One step: its work, its operands, and the shape of its result.
#[derive(Debug)]
struct Step {
    work: Work,
    operands: Vec<Operand>,
    shape: Shape,
    /// The node whose result it is.
    node: usize,
    /// The nodes whose results nothing needs after this step.
    ends: Vec<usize>,
}

/// A compiled program: fused kernels with packed weights, for inputs of its shapes and dtypes.
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
    steps: Vec<Step>,
    /// The constants that steps or outputs use, by position.
    constants: Vec<Option<Tensor>>,
    /// The values before the first step, by node: those that do not depend on the inputs.
    values: Vec<Option<Tensor>>,
    outputs: Nested<Operand>,
    reads: Reads,
}

impl Plan {
    /// Compiles a program for this processor.
    ///
    /// # Errors
    /// If a constant can't be computed, or weights can't be packed.
    pub fn compile(program: &Program) -> Result<Self> {
        let folded = Folded::of(program)?;
        let mut graph = Graph::new(program, &folded);
        let context = Context::default();
        let mut fused: Vec<Option<(Work, Vec<Operand>)>> = Vec::new();
        fused.resize_with(program.nodes().len(), || None);
        let mut absorbed = vec![false; program.nodes().len()];
        for (position, node) in program.nodes().iter().enumerate() {
            if folded.is_known(position) || absorbed.get(position) == Some(&true) {
                continue;
            }
            if let Some((work, operands, last, inner)) = fuse(&context, &graph, position, node)? {
                graph.claim(&inner, last);
                for inner in inner {
                    if let Some(place) = absorbed.get_mut(inner) {
                        *place = true;
                    }
                }
                if let Some(place) = fused.get_mut(last) {
                    *place = Some((work, operands));
                }
            }
        }
        let mut steps = Vec::new();
        for ((position, node), fused) in program.nodes().iter().enumerate().zip(fused) {
            if folded.is_known(position) || absorbed.get(position) == Some(&true) {
                continue;
            }
            let (work, operands) =
                fused.unwrap_or_else(|| (Work::Engine(node.primitive.clone()), node.operands.clone()));
            let shape = node.spec.shape.clone();
            steps.push(Step { work, operands, shape, node: position, ends: Vec::new() });
        }
        let mut constants = vec![None; program.constants().len()];
        let mut values = vec![None; program.nodes().len()];
        for operand in steps.iter().flat_map(|step| &step.operands).chain(program.outputs().leaves()) {
            let place = match operand {
                Operand::Input(_) => None,
                Operand::Constant(position) => constants.get_mut(*position),
                Operand::Node(position) => values.get_mut(*position),
            };
            if let Some(place) = place {
                *place = folded.value(program, *operand).cloned();
            }
        }
        let mut plan = Self {
            inputs: program.inputs().to_vec(),
            steps,
            constants,
            values,
            outputs: program.outputs().clone(),
            reads: program.reads().clone(),
        };
        plan.find_ends();
        Ok(plan)
    }

    /// Finds after which step each result is no longer needed, so that its memory is free for others.
    fn find_ends(&mut self) {
        let mut needed = vec![false; self.values.len()];
        let mut need = |operand: &Operand| match operand {
            Operand::Node(position) => needed.get_mut(*position).is_some_and(|place| !std::mem::replace(place, true)),
            _ => false,
        };
        self.outputs.leaves().into_iter().for_each(|output| _ = need(output));
        for step in self.steps.iter_mut().rev() {
            let ends = step.operands.iter().filter(|operand| need(operand));
            step.ends = ends
                .filter_map(|operand| match operand {
                    Operand::Node(position) => Some(*position),
                    _ => None,
                })
                .collect();
        }
    }

    /// Returns true if the weights that the plan holds have not changed since the program was traced.
    pub fn is_current(&self) -> bool {
        self.reads.are_current()
    }

    /// Returns the inputs.
    pub fn inputs(&self) -> &[Spec] {
        &self.inputs
    }

    /// Computes the outputs of these inputs.
    ///
    /// # Errors
    /// If the inputs have other shapes or dtypes than the program's.
    pub fn run(&self, inputs: &[Tensor]) -> Result<Nested<Tensor>> {
        let fits = inputs.len() == self.inputs.len()
            && inputs.iter().zip(&self.inputs).all(|(x, spec)| x.dtype() == spec.dtype && *x.shape() == spec.shape);
        if !fits {
            let text = |specs: Vec<String>| specs.join(", ");
            return Err(Error::new(ErrorKind::Shape, "the inputs are not those of the plan")
                .expected(text(self.inputs.iter().map(ToString::to_string).collect()))
                .received(text(inputs.iter().map(|input| Spec::of(input).to_string()).collect())));
        }
        let context = Context::default();
        let mut values = self.values.clone();
        for step in &self.steps {
            let result = {
                let operands = step.operands.iter().map(|operand| self.value(*operand, inputs, &values));
                step.work.run(&context, &operands.collect::<Result<Vec<_>>>()?, &step.shape)?
            };
            for end in &step.ends {
                if let Some(place) = values.get_mut(*end) {
                    *place = None;
                }
            }
            if let Some(place) = values.get_mut(step.node) {
                *place = Some(result);
            }
        }
        self.outputs.try_map(&mut |operand| self.value(*operand, inputs, &values).cloned())
    }

    fn value<'a>(&'a self, operand: Operand, inputs: &'a [Tensor], values: &'a [Option<Tensor>]) -> Result<&'a Tensor> {
        let value = match operand {
            Operand::Input(position) => inputs.get(position),
            Operand::Constant(position) => self.constants.get(position).and_then(Option::as_ref),
            Operand::Node(position) => values.get(position).and_then(Option::as_ref),
        };
        value.ok_or_else(|| Error::new(ErrorKind::InvalidArgument, "a value of a plan is not there yet"))
    }
}

/// A kernel with its operands, the node whose result it gives, and the nodes that it computes with that.
type Fused = (Work, Vec<Operand>, usize, Vec<usize>);

/// Returns the kernel that a node begins.
fn fuse(context: &Context<'_>, graph: &Graph<'_>, position: usize, node: &Node) -> Result<Option<Fused>> {
    if node.spec.dtype != DType::Float32 || node.spec.shape.num_elements().is_none_or(|count| count == 0) {
        return Ok(None);
    }
    if let Some(conv) = primitive::<Conv>(node) {
        return convolution(context, graph, position, node, conv);
    }
    if primitive::<MatMul>(node).is_some() {
        return dense(context, graph, position, node);
    }
    Ok(global_average(graph, position, node))
}

fn finish(tail: Tail, work: Work, x: Operand) -> Fused {
    let operands = [x].into_iter().chain(tail.residual).collect();
    (work, operands, tail.last, tail.absorbed)
}

fn convolution(
    context: &Context<'_>,
    graph: &Graph<'_>,
    position: usize,
    node: &Node,
    conv: &Conv,
) -> Result<Option<Fused>> {
    let &[x, kernel] = node.operands.as_slice() else { return Ok(None) };
    let (Some(weights), Some(spec)) = (graph.numbers(kernel), graph.program.spec(x)) else { return Ok(None) };
    let Some(kernel) = graph.program.spec(kernel) else { return Ok(None) };
    let (input, kernel) = (spec.shape.known()?, kernel.shape.known()?);
    let ([batch, spatial @ .., inputs], [window @ .., share, outputs]) = (input.as_slice(), kernel.as_slice()) else {
        return Ok(None);
    };
    let mut axes = [Axis::NONE; 3];
    let places = axes.iter_mut().skip(3usize.saturating_sub(spatial.len()));
    for (((place, extent), window), steps) in places.zip(spatial).zip(window).zip(&conv.axes) {
        let pads = [steps.before, steps.after];
        *place = Axis::padded(*extent, *window, steps.stride, steps.dilation, pads).map_err(failed)?;
    }
    let geometry = Geometry { axes, inputs: *inputs, outputs: *outputs, groups: conv.groups };
    let tail = Tail::of(graph, position)?;
    let weights = tail.scaled(weights);
    let (level, bias, activation) = (context.level, tail.bias.as_deref(), tail.activation);
    let work = if *share == 1 && conv.groups == *inputs && *inputs > 1 {
        depthwise::Depthwise::new(geometry, &weights, bias, activation).map(Work::Depthwise)
    } else if winograd::pays(&geometry, *batch) {
        winograd::Winograd::new(level, geometry, &weights, bias, activation).map(Work::Winograd)
    } else {
        conv::Conv::new(level, geometry, &weights, bias, activation).map(Work::Conv)
    };
    Ok(Some(finish(tail, work.map_err(failed)?, x)))
}

fn dense(context: &Context<'_>, graph: &Graph<'_>, position: usize, node: &Node) -> Result<Option<Fused>> {
    let &[x, matrix] = node.operands.as_slice() else { return Ok(None) };
    let Some(spec) = graph.program.spec(matrix) else { return Ok(None) };
    let &[depth, columns] = spec.shape.known()?.as_slice() else { return Ok(None) };
    let Some(weights) = graph.numbers(matrix) else { return Ok(None) };
    let tail = Tail::of(graph, position)?;
    let packed = pack::Packed::new(context.level, &tail.scaled(weights), depth, columns).map_err(failed)?;
    let work = gemm::Dense::new(packed, tail.bias.as_deref(), tail.activation).map_err(failed)?;
    Ok(Some(finish(tail, Work::Dense(work), x)))
}

/// Recognizes means of the second and third of four axes, channels last.
fn global_average(graph: &Graph<'_>, position: usize, node: &Node) -> Option<Fused> {
    let mean = |node: &Node, axis: usize| primitive(node) == Some(&Reduce { by: Reduction::Mean, axis });
    let &[x] = node.operands.as_slice() else { return None };
    let &[_, height, width, channels] = graph.program.spec(x)?.shape.known().ok()?.as_slice() else { return None };
    let (next, user) = graph.only_user(position)?;
    if !mean(node, 1) || !mean(user, 2) {
        return None;
    }
    Some((Work::GlobalAverage { positions: height * width, channels }, vec![x], next, vec![position]))
}
