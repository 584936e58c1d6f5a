//! From programs to a graph: node by node.

use std::collections::HashSet;
use std::sync::Arc;

use super::call::{Call, kept_as};
use super::constants;
use super::extents::Extent;
use super::graph::{Body, Graph, Value};
use crate::error::{Error, ErrorKind, Result, ResultExt};
use crate::program::{Constant, Node, Operand, Program};
use crate::tensor::{DType, Tensor};

/// An input of a graph: its name, and the names of its unknown extents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Port {
    /// The name.
    pub name: String,
    /// Axis by axis the name of an unknown extent.
    pub unknown: Vec<Option<String>>,
}

/// An extent in the declaration of an input or output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Dimension {
    /// A number.
    Known(usize),
    /// An unknown extent of an input, by its name.
    Named(String),
    /// Another extent that depends on unknown ones.
    Unknown,
}

/// The number of elements up to which constants that are no weights are computed ahead.
const LARGEST_FOLDED: usize = 1 << 16;

/// Makes the graph of programs: of one function, traced with different values of each unknown extent.
///
/// # Errors
/// If the programs differ in more than extents, or a node has no ONNX form in this operator set; with the path
/// of the layer.
pub fn build(programs: &[Program], inputs: &[Port], outputs: &[String], opset: i64) -> Result<Graph> {
    let programs: Vec<&Program> = programs.iter().collect();
    let mut graph = Graph::new(opset, programs.len());
    let mut builder = Builder::new(&mut graph, &programs)?;
    builder.add_inputs(inputs)?;
    builder.add_nodes()?;
    builder.graph.enter(&"".into());
    builder.add_outputs(outputs)?;
    graph.prune();
    Ok(graph)
}

/// Makes the body of a loop in a graph.
pub(super) fn body(graph: &mut Graph, programs: &[&Program]) -> Result<Body> {
    graph.body(|graph| {
        let mut builder = Builder::new(graph, programs)?;
        let inputs = builder.add_body_inputs()?;
        builder.add_nodes()?;
        Ok((inputs, builder.body_outputs()?))
    })
}

/// Checks that programs differ in extents only.
fn check_alike(programs: &[&Program]) -> Result<()> {
    let Some((first, rest)) = programs.split_first() else { return Ok(()) };
    let differs = |layer: &Arc<str>| {
        Error::new(ErrorKind::Unsupported, "what is computed depends on an unknown extent, so that no one graph has it")
            .hint("export with fixed extents: `ExportOptions::input_shapes`")
            .at(layer.to_string())
    };
    for other in rest {
        for (a, b) in first.nodes().iter().zip(other.nodes()) {
            if a.primitive.name() != b.primitive.name()
                || a.operands != b.operands
                || a.spec.dtype != b.spec.dtype
                || a.spec.shape.rank() != b.spec.shape.rank()
            {
                return Err(differs(&a.layer));
            }
        }
        let paths =
            |program: &Program| program.constants().iter().map(|constant| constant.path.clone()).collect::<Vec<_>>();
        let has_more = first.nodes().len() != other.nodes().len();
        if has_more || paths(first) != paths(other) || first.outputs() != other.outputs() {
            let last = first.nodes().get(other.nodes().len().min(first.nodes().len().saturating_sub(1)));
            return Err(differs(&last.map_or_else(|| "".into(), |node| node.layer.clone())));
        }
    }
    Ok(())
}

struct Builder<'a, 'g> {
    programs: &'a [&'a Program],
    graph: &'g mut Graph,
    inputs: Vec<Value>,
    constants: Vec<Option<Value>>,
    /// What was computed ahead.
    folded: Vec<Option<Tensor>>,
    nodes: Vec<Option<Value>>,
}

/// Returns the value of a constant that is no weight, in the dtype in which it is kept.
fn kept_tensor(constant: &Tensor) -> Result<Tensor> {
    crate::tensor::cast::cast(constant, kept_as(constant.dtype()))
}

fn out_of_order() -> Error {
    Error::new(ErrorKind::InvalidArgument, "an operand stands after its use")
}

impl<'a, 'g> Builder<'a, 'g> {
    fn new(graph: &'g mut Graph, programs: &'a [&'a Program]) -> Result<Self> {
        let first = programs.first().ok_or_else(|| Error::new(ErrorKind::InvalidArgument, "no program"))?;
        check_alike(programs)?;
        let constants = vec![None; first.constants().len()];
        let folded = vec![None; first.nodes().len()];
        Ok(Self { programs, graph, inputs: Vec::new(), constants, folded, nodes: Vec::new() })
    }

    /// Returns the extents of a value in all programs.
    fn extents(&self, operand: Operand) -> Result<Vec<Extent>> {
        let shapes = self.programs.iter().map(|program| program.spec(operand).ok_or_else(out_of_order)?.shape.known());
        let shapes = shapes.collect::<Result<Vec<Vec<usize>>>>()?;
        let rank = shapes.first().map_or(0, Vec::len);
        let extent = |axis: usize| Extent::new(shapes.iter().filter_map(|shape| shape.get(axis).copied()));
        Ok((0..rank).map(extent).collect())
    }

    fn first(&self) -> Result<&'a Program> {
        self.programs.first().copied().ok_or_else(out_of_order)
    }

    fn add_nodes(&mut self) -> Result<()> {
        for (position, node) in self.first()?.nodes().iter().enumerate() {
            self.graph.enter(&node.layer);
            let value = self.node(position).at_with(|| node.layer.to_string())?;
            self.nodes.push(value);
        }
        Ok(())
    }

    fn add_inputs(&mut self, ports: &[Port]) -> Result<()> {
        for (position, port) in ports.iter().enumerate() {
            let spec = self.first()?.spec(Operand::Input(position)).ok_or_else(out_of_order)?;
            if spec.dtype == DType::String {
                return Err(Error::new(ErrorKind::Unsupported, "strings have no ONNX form").at(port.name.clone()));
            }
            let extents = self.extents(Operand::Input(position))?;
            for (extent, name) in extents.iter().zip(&port.unknown) {
                if let Some(name) = name {
                    self.graph.named.entry(extent.clone()).or_insert_with(|| name.clone());
                }
            }
            let value = self.graph.add_plain(&port.name, spec.dtype, Some(extents.clone()));
            self.graph.inputs.push(value);
            let kept = self.graph.cast(value, kept_as(spec.dtype))?;
            self.graph.note_extents(value);
            self.inputs.push(kept);
        }
        Ok(())
    }

    fn value(&mut self, operand: Operand) -> Result<Value> {
        match operand {
            Operand::Input(position) => self.inputs.get(position).copied().ok_or_else(out_of_order),
            Operand::Constant(position) => self.constant(position),
            Operand::Node(position) => match self.nodes.get(position).copied().flatten() {
                Some(value) => Ok(value),
                None => self.folded_value(position),
            },
        }
    }

    /// Returns a constant in all programs.
    fn constants_at(&self, position: usize) -> Result<Vec<&'a Constant>> {
        let all: Option<Vec<&Constant>> =
            self.programs.iter().map(|program| program.constants().get(position)).collect();
        all.ok_or_else(out_of_order)
    }

    /// Returns a constant, which is stored when it is used.
    fn constant(&mut self, position: usize) -> Result<Value> {
        if let Some(value) = self.constants.get(position).copied().flatten() {
            return Ok(value);
        }
        let all = self.constants_at(position)?;
        let first = *all.first().ok_or_else(out_of_order)?;
        let tensors: Vec<&Tensor> = all.iter().map(|constant| &constant.value).collect();
        let value = if first.path.is_some() || constants::are_equal(&tensors)? {
            match &first.path {
                Some(path) => self.graph.weight(path, first.id, &first.value)?,
                None => constants::fixed(self.graph, &kept_tensor(&first.value)?)?,
            }
        } else {
            let kept = tensors.iter().map(|constant| kept_tensor(constant)).collect::<Result<Vec<Tensor>>>()?;
            constants::computed(self.graph, &kept.iter().collect::<Vec<_>>())?
        };
        self.keep_constant(position, value)
    }

    fn keep_constant(&mut self, position: usize, value: Value) -> Result<Value> {
        let value = self.kept(value)?;
        let extents = self.extents(Operand::Constant(position))?;
        self.graph.set_extents(value, Some(extents));
        if let Some(place) = self.constants.get_mut(position) {
            *place = Some(value);
        }
        Ok(value)
    }

    fn kept(&mut self, value: Value) -> Result<Value> {
        let dtype = kept_as(self.graph.dtype(value));
        self.graph.cast(value, dtype)
    }

    /// Returns what was computed ahead, as a constant.
    fn folded_value(&mut self, position: usize) -> Result<Value> {
        let tensor = self.folded.get(position).cloned().flatten().ok_or_else(out_of_order)?;
        let value = constants::fixed(self.graph, &kept_tensor(&tensor)?)?;
        if let Some(place) = self.nodes.get_mut(position) {
            *place = Some(value);
        }
        Ok(value)
    }

    /// Returns the value of an operand that is no weight and the same in all programs.
    fn known(&self, operand: Operand) -> Result<Option<Tensor>> {
        match operand {
            Operand::Input(_) => Ok(None),
            Operand::Node(position) => Ok(self.folded.get(position).cloned().flatten()),
            Operand::Constant(position) => {
                let all = self.constants_at(position)?;
                let tensors: Vec<&Tensor> = all.iter().map(|constant| &constant.value).collect();
                match all.first() {
                    Some(first) if first.path.is_none() && constants::are_equal(&tensors)? => {
                        Ok(Some(first.value.clone()))
                    }
                    _ => Ok(None),
                }
            }
        }
    }

    /// Computes a node ahead, if it depends on constants alone that are no weights, and what it gives is small.
    fn fold(&self, nodes: &[&Node]) -> Result<Option<Tensor>> {
        let Some(node) = nodes.first() else { return Ok(None) };
        let attributes = node.primitive.attributes();
        let is_small = node.spec.shape.num_elements().is_some_and(|count| count <= LARGEST_FOLDED);
        let differs = || nodes.iter().any(|other| other.primitive.attributes() != attributes);
        if node.operands.is_empty() || !is_small || differs() {
            return Ok(None);
        }
        let values =
            node.operands.iter().map(|operand| self.known(*operand)).collect::<Result<Option<Vec<Tensor>>>>()?;
        values.map(|values| node.primitive.eval(&values.iter().collect::<Vec<_>>())).transpose()
    }

    /// Adds the operators of a node; `None` if it is computed ahead.
    fn node(&mut self, position: usize) -> Result<Option<Value>> {
        let nodes: Option<Vec<&'a Node>> = self.programs.iter().map(|program| program.nodes().get(position)).collect();
        let nodes = nodes.ok_or_else(out_of_order)?;
        let node = *nodes.first().ok_or_else(out_of_order)?;
        if let Some(folded) = self.fold(&nodes)? {
            if let Some(place) = self.folded.get_mut(position) {
                *place = Some(folded);
            }
            return Ok(None);
        }
        let mut operands = Vec::with_capacity(node.operands.len());
        let mut dtypes = Vec::with_capacity(node.operands.len());
        for operand in &node.operands {
            operands.push(self.value(*operand)?);
            dtypes.push(self.first()?.spec(*operand).ok_or_else(out_of_order)?.dtype);
        }
        if node.spec.dtype == DType::String || dtypes.contains(&DType::String) {
            return Err(Error::new(ErrorKind::Unsupported, "strings have no ONNX form"));
        }
        let result = self.extents(Operand::Node(position))?;
        let mut call = Call {
            graph: &mut *self.graph,
            operands,
            dtypes,
            dtype: node.spec.dtype,
            result: result.clone(),
            primitives: nodes.iter().map(|node| &*node.primitive).collect(),
            asked: false,
        };
        let value = node.primitive.onnx(&mut call)?;
        let attributes = node.primitive.attributes();
        if !call.asked && nodes.iter().any(|other| other.primitive.attributes() != attributes) {
            return Err(Error::new(
                ErrorKind::Unsupported,
                format!("`{}` depends on an unknown extent in a way that has no ONNX form", node.primitive.name()),
            )
            .hint("export with fixed extents: `ExportOptions::input_shapes`"));
        }
        self.graph.set_extents(value, Some(result));
        self.graph.note_extents(value);
        Ok(Some(value))
    }

    fn add_body_inputs(&mut self) -> Result<Vec<Value>> {
        for position in 0..self.first()?.inputs().len() {
            let spec = self.first()?.spec(Operand::Input(position)).ok_or_else(out_of_order)?;
            let extents = self.extents(Operand::Input(position))?;
            let value = self.graph.add_plain("step", kept_as(spec.dtype), Some(extents));
            self.inputs.push(value);
        }
        Ok(self.inputs.clone())
    }

    /// Returns the outputs of a loop's body, each the result of an operator of its own.
    fn body_outputs(&mut self) -> Result<Vec<Value>> {
        let mut made: HashSet<Value> = HashSet::new();
        let mut outputs = Vec::new();
        for operand in self.first()?.outputs().leaves() {
            let value = self.value(*operand)?;
            let mut value = self.graph.plain(value)?;
            if !made.insert(value) || !self.graph.is_result(value) {
                value = self.graph.operator("Identity", &[value], vec![], self.graph.dtype(value))?;
                made.insert(value);
            }
            let extents = self.extents(*operand)?;
            self.graph.set_extents(value, Some(extents));
            outputs.push(value);
        }
        Ok(outputs)
    }

    /// Names the outputs; one that is an input or a constant, or stands twice, is copied.
    fn add_outputs(&mut self, names: &[String]) -> Result<()> {
        let program = self.first()?;
        let mut made: HashSet<Value> = HashSet::new();
        for (operand, name) in program.outputs().leaves().into_iter().zip(names) {
            let dtype = program.spec(*operand).ok_or_else(out_of_order)?.dtype;
            if dtype == DType::String {
                return Err(Error::new(ErrorKind::Unsupported, "strings have no ONNX form").at(name.clone()));
            }
            let value = self.value(*operand)?;
            let value = self.graph.cast(value, dtype)?;
            let mut value = self.graph.plain(value)?;
            if !made.insert(value) || !self.graph.is_result(value) {
                value = self.graph.operator("Identity", &[value], vec![], dtype)?;
                made.insert(value);
            }
            let name = self.graph.unique(name);
            self.graph.rename(value, name);
            let extents = self.extents(*operand)?;
            self.graph.set_extents(value, Some(extents));
            self.graph.outputs.push(value);
        }
        Ok(())
    }
}

impl Graph {
    /// Returns the declared extents of an input or output.
    pub fn dimensions(&self, value: Value) -> Vec<Dimension> {
        let of = |extent: &Extent| match (extent.known(), self.named.get(extent)) {
            (Some(known), _) => Dimension::Known(known),
            (None, Some(name)) => Dimension::Named(name.clone()),
            (None, None) => Dimension::Unknown,
        };
        self.extents(value).map(|extents| extents.iter().map(of).collect()).unwrap_or_default()
    }
}
