//! Programs: what was traced, in order.

use std::any::Any;
use std::collections::HashMap;
use std::sync::Arc;

use super::primitive::{Primitive, Spec};
use super::traced::{self, Reads, Source, Tracing};
use crate::error::{Error, ErrorKind, Result, ResultExt};
use crate::tensor::{Nested, Tensor};

/// A value of a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operand {
    /// An input, by its position.
    Input(usize),
    /// A constant, by its position.
    Constant(usize),
    /// The result of a node, by its position.
    Node(usize),
}

/// A constant: a weight, or a value that does not depend on the inputs.
#[derive(Clone, Debug)]
pub struct Constant {
    /// The path of the weight; none for other values.
    pub path: Option<Arc<str>>,
    /// The value, shared with the weight.
    pub value: Tensor,
    /// Tells weights apart, whose paths can be equal.
    pub(super) id: u64,
}

/// One step: a primitive applied to operands.
#[derive(Clone, Debug)]
pub struct Node {
    /// The primitive.
    pub primitive: Arc<dyn Primitive>,
    /// Its operands.
    pub operands: Vec<Operand>,
    /// Shape and dtype of the result.
    pub spec: Spec,
    /// The path of the layer in whose `call` it was recorded: `functional/dense`.
    pub layer: Arc<str>,
}

/// Returns the primitive of a node, if it is of this type.
pub(crate) fn primitive<T: Primitive>(node: &Node) -> Option<&T> {
    let primitive: &dyn Any = &*node.primitive;
    primitive.downcast_ref()
}

/// What a model computes: inputs, constants, nodes in order, outputs in structure.
///
/// ```
/// use keras_serial::{prelude::*, program::Program};
/// let x = Input::new([2]).tensor()?;
/// let y = Dense::new(3).activation("relu").name("d").apply(&x)?;
/// let model = Functional::new(x, y)?;
/// let program = model.program(&[[1, 2].into()])?;
/// assert_eq!(program.outputs().leaves().len(), 1);
/// assert!(program.to_string().contains("relu"), "{program}");
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Program {
    inputs: Vec<Spec>,
    constants: Vec<Constant>,
    nodes: Vec<Node>,
    outputs: Nested<Operand>,
    reads: Reads,
}

impl Program {
    /// Traces a function: runs it once on traced tensors of these shapes and dtypes.
    ///
    /// # Errors
    /// The function's own; also if it looks at values, which are not known while it is traced.
    pub fn trace(inputs: &[Spec], function: impl FnOnce(&[Tensor]) -> Result<Nested<Tensor>>) -> Result<Self> {
        Self::trace_as(inputs, false, function)
    }

    /// Traces a function like [`Program::trace`]; loops over the steps of a sequence stay loops, so that the program
    /// is the same for any number of steps.
    ///
    /// # Errors
    /// See [`Program::trace`].
    pub fn trace_with_loops(
        inputs: &[Spec],
        function: impl FnOnce(&[Tensor]) -> Result<Nested<Tensor>>,
    ) -> Result<Self> {
        Self::trace_as(inputs, true, function)
    }

    /// Traces the body of a loop, while the program around is traced.
    pub(super) fn trace_body(
        inputs: &[Spec],
        function: impl FnOnce(&[Tensor]) -> Result<Nested<Tensor>>,
    ) -> Result<Self> {
        let body = Self::trace_as(inputs, true, function)?;
        traced::note_all(&body.reads);
        Ok(body)
    }

    fn trace_as(
        inputs: &[Spec],
        keeps_loops: bool,
        function: impl FnOnce(&[Tensor]) -> Result<Nested<Tensor>>,
    ) -> Result<Self> {
        let number = Tracing::number();
        let symbols: Vec<Tensor> =
            inputs.iter().enumerate().map(|(position, spec)| traced::input(spec.clone(), number, position)).collect();
        let tracing = Tracing::enter(keeps_loops);
        let outputs = function(&symbols)?;
        let reads = tracing.finish()?;
        let mut builder = Builder { number, ..Builder::default() };
        let outputs = outputs.try_map(&mut |output| builder.operand(output))?;
        Ok(Self { inputs: inputs.to_vec(), constants: builder.constants, nodes: builder.nodes, outputs, reads })
    }

    /// Returns the program with other nodes and outputs.
    pub(super) fn with_nodes(&self, nodes: Vec<Node>, outputs: Nested<Operand>) -> Self {
        let (inputs, constants, reads) = (self.inputs.clone(), self.constants.clone(), self.reads.clone());
        Self { inputs, constants, nodes, outputs, reads }
    }

    /// Returns the inputs, in the order of the traced function.
    pub fn inputs(&self) -> &[Spec] {
        &self.inputs
    }

    /// Returns the constants.
    pub fn constants(&self) -> &[Constant] {
        &self.constants
    }

    /// Returns the nodes; each uses only those before it.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// Returns the outputs in structure.
    pub fn outputs(&self) -> &Nested<Operand> {
        &self.outputs
    }

    /// Returns the number of operations on numbers that one run takes, a multiplication and an addition counted as
    /// two (FLOPs).
    pub fn operations(&self) -> u64 {
        let of = |node: &Node| {
            let operands: Vec<Spec> = node.operands.iter().filter_map(|operand| self.spec(*operand)).collect();
            node.primitive.operations(&operands, &node.spec)
        };
        self.nodes.iter().map(of).sum()
    }

    /// Returns the bytes of the constants: of weights, and of other values that do not depend on the inputs.
    pub fn constant_bytes(&self) -> u64 {
        self.constants.iter().map(|constant| Spec::of(&constant.value).bytes()).sum()
    }

    /// Returns the bytes that all nodes write.
    pub fn value_bytes(&self) -> u64 {
        self.nodes.iter().map(|node| node.spec.bytes()).sum()
    }

    /// Returns true if the weights that the program holds as constants have not changed since it was traced.
    pub fn is_current(&self) -> bool {
        self.reads.are_current()
    }

    /// Returns what tells whether the program is current.
    pub(crate) fn reads(&self) -> &Reads {
        &self.reads
    }

    /// Returns shape and dtype of a value.
    pub fn spec(&self, operand: Operand) -> Option<Spec> {
        match operand {
            Operand::Input(position) => self.inputs.get(position).cloned(),
            Operand::Constant(position) => self.constants.get(position).map(|constant| Spec::of(&constant.value)),
            Operand::Node(position) => self.nodes.get(position).map(|node| node.spec.clone()),
        }
    }

    /// Computes the outputs of these inputs, node by node on the engine.
    ///
    /// # Errors
    /// If the inputs have other shapes or dtypes than the program's, or a node can't be computed.
    pub fn eval(&self, inputs: &[Tensor]) -> Result<Nested<Tensor>> {
        let found: Vec<Spec> = inputs.iter().map(Spec::of).collect();
        if found != self.inputs {
            let text = |specs: &[Spec]| {
                let specs = specs.iter().map(|spec| format!("{} {}", spec.dtype.name(), spec.shape));
                specs.collect::<Vec<_>>().join(", ")
            };
            return Err(Error::new(ErrorKind::Shape, "the inputs are not those of the program")
                .expected(text(&self.inputs))
                .received(text(&found)));
        }
        let missing = || Error::new(ErrorKind::InvalidArgument, "an operand stands after its use");
        let mut values: Vec<Tensor> = Vec::with_capacity(self.nodes.len());
        for (position, node) in self.nodes.iter().enumerate() {
            let operands: Option<Vec<&Tensor>> =
                node.operands.iter().map(|operand| self.value(*operand, inputs, &values)).collect();
            let value = node.primitive.eval(&operands.ok_or_else(missing)?).at_with(|| format!("node {position}"))?;
            values.push(value);
        }
        self.outputs.try_map(&mut |operand| self.value(*operand, inputs, &values).cloned().ok_or_else(missing))
    }

    fn value<'a>(&'a self, operand: Operand, inputs: &'a [Tensor], values: &'a [Tensor]) -> Option<&'a Tensor> {
        match operand {
            Operand::Input(position) => inputs.get(position),
            Operand::Constant(position) => self.constants.get(position).map(|constant| &constant.value),
            Operand::Node(position) => values.get(position),
        }
    }
}

/// Collects the nodes that outputs need, in order.
#[derive(Default)]
struct Builder {
    /// The number of the program, which its inputs have.
    number: u64,
    constants: Vec<Constant>,
    nodes: Vec<Node>,
    /// The operands of traced tensors that were met, by the address of their source.
    met: HashMap<usize, Operand>,
    /// The constants of weights, by the weights' numbers; paths may be equal.
    weights: HashMap<u64, Operand>,
}

/// Equal for clones of a traced tensor.
fn address(tensor: &Tensor) -> Option<usize> {
    tensor.as_traced().map(|source| Arc::as_ptr(source).cast::<()>() as usize)
}

impl Builder {
    /// Returns the operand that stands for a tensor, after those that it needs: depth first, without
    /// recursion.
    fn operand(&mut self, tensor: &Tensor) -> Result<Operand> {
        let mut open = vec![tensor.clone()];
        while let Some(next) = open.last() {
            let waiting: Vec<Tensor> = match traced::source(next) {
                Some(Source::Call { operands, .. }) => operands
                    .iter()
                    .filter(|operand| address(operand).is_some_and(|address| !self.met.contains_key(&address)))
                    .cloned()
                    .collect(),
                _ => Vec::new(),
            };
            if waiting.is_empty() {
                if let Some(done) = open.pop() {
                    self.finish(&done)?;
                }
            } else {
                open.extend(waiting);
            }
        }
        self.finish(tensor)
    }

    /// Returns the operand of a tensor whose own operands have been met.
    fn finish(&mut self, tensor: &Tensor) -> Result<Operand> {
        if let Some(operand) = address(tensor).and_then(|address| self.met.get(&address)) {
            return Ok(*operand);
        }
        let operand = match traced::source(tensor) {
            None => self.constant(None, 0, tensor),
            Some(Source::Input { program, position }) if *program == self.number => Operand::Input(*position),
            Some(Source::Input { .. }) => {
                return Err(Error::new(ErrorKind::InvalidArgument, "a tensor of another trace"));
            }
            Some(Source::Weight { id, path, value }) => match self.weights.get(id) {
                Some(operand) => *operand,
                None => {
                    let operand = self.constant(Some(path.clone()), *id, value);
                    self.weights.insert(*id, operand);
                    operand
                }
            },
            Some(Source::Call { primitive, operands, layer }) => {
                let operands = operands.iter().map(|operand| self.finish(operand)).collect::<Result<Vec<_>>>()?;
                let (primitive, layer) = (primitive.clone(), layer.clone());
                self.nodes.push(Node { primitive, operands, spec: Spec::of(tensor), layer });
                Operand::Node(self.nodes.len() - 1)
            }
        };
        if let Some(address) = address(tensor) {
            self.met.insert(address, operand);
        }
        Ok(operand)
    }

    fn constant(&mut self, path: Option<Arc<str>>, id: u64, value: &Tensor) -> Operand {
        self.constants.push(Constant { path, value: value.clone(), id });
        Operand::Constant(self.constants.len() - 1)
    }
}
