//! A graph of ONNX operators, and how it grows.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use indexmap::IndexMap;

use super::extents::{Extent, Place};
use crate::error::{Error, ErrorKind, Result};
use crate::program::Primitive;
use crate::program::primitives::{Reshape, Transpose};
use crate::tensor::{DType, Tensor};

/// A value of a graph, by its position.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Value(usize);

/// An attribute of an operator.
#[derive(Clone, Debug, PartialEq)]
pub enum Attribute {
    /// An integer.
    Int(i64),
    /// Integers.
    Ints(Vec<i64>),
    /// Text.
    Text(&'static str),
    /// A dtype.
    DType(DType),
    /// What a loop does in each step.
    Body(Body),
}

/// The operators of one step of a loop. They can use the values of the graph around.
#[derive(Clone, Debug, PartialEq)]
pub struct Body {
    /// The states and what is scanned, with their ranks.
    pub inputs: Vec<Value>,
    /// The operators in order.
    pub operators: Vec<Operator>,
    /// The next states and what is collected.
    pub outputs: Vec<Value>,
}

/// An operator that is applied to values.
#[derive(Clone, Debug, PartialEq)]
pub struct Operator {
    /// The ONNX name: `Conv`.
    pub name: &'static str,
    /// The inputs.
    pub inputs: Vec<Value>,
    /// The outputs.
    pub outputs: Vec<Value>,
    /// The attributes by name.
    pub attributes: Vec<(&'static str, Attribute)>,
}

/// A constant that is stored with the graph.
#[derive(Clone, Debug)]
pub struct Initializer {
    /// The value that stands for it.
    pub value: Value,
    /// The elements, shared with the weight.
    pub tensor: Tensor,
    /// The shape in which they are stored, before the axes are put in order.
    pub shape: Vec<usize>,
    /// The order of the axes: axis `i` of what is stored is axis `order[i]` of the shape.
    pub order: Vec<usize>,
}

impl Initializer {
    /// Returns the shape of what is stored.
    pub fn stored_shape(&self) -> Vec<usize> {
        self.order.iter().filter_map(|axis| self.shape.get(*axis).copied()).collect()
    }

    /// Returns the elements as they are stored; shares them with the weight, unless their order is another.
    ///
    /// # Errors
    /// If the engine can't put the axes in order.
    pub fn elements(&self) -> Result<bytes::Bytes> {
        let moved: Vec<usize> = self
            .order
            .iter()
            .copied()
            .filter(|axis| self.shape.get(*axis).is_some_and(|extent| *extent != 1))
            .collect();
        if moved.is_sorted() {
            return Ok(self.tensor.to_bytes()?.data);
        }
        let shaped = Reshape(self.shape.clone().into()).eval(&[&self.tensor])?;
        Ok(Transpose(self.order.clone()).eval(&[&shaped])?.to_bytes()?.data)
    }
}

/// What is known of a value.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub name: String,
    pub dtype: DType,
    pub extents: Option<Vec<Extent>>,
    pub kind: Kind,
}

/// What a value stands for.
#[derive(Clone, Debug)]
pub(super) enum Kind {
    /// An input, an initializer, or the result of an operator.
    Plain,
    /// A constant that becomes an initializer when it is used as it is.
    Constant { id: usize, shape: Vec<usize>, order: Vec<usize> },
    /// Another value with its axes in another order, which needs an operator when it is used as it is.
    Transposed { of: Value, order: Vec<usize> },
    /// An element-wise operator that is applied to constants, whose axes can still be put in another order.
    Derived { operator: &'static str, inputs: Vec<Value>, attributes: Vec<(&'static str, Attribute)>, depth: usize },
    /// Another value with axes of extent 1 repeated, which needs an operator when it is used as it is.
    Expanded { of: Value },
}

/// The name of constants that are no weights.
pub(super) const CONSTANT: &str = "constant";
/// The number of elements up to which equal constants are stored once.
const SMALL: usize = 256;

/// A graph of ONNX operators with its constants.
#[derive(Debug)]
pub struct Graph {
    opset: i64,
    pub(super) programs: usize,
    values: Vec<Known>,
    operators: Vec<Operator>,
    initializers: Vec<Initializer>,
    pub(super) inputs: Vec<Value>,
    pub(super) outputs: Vec<Value>,
    /// The names that are taken, with the next number for each.
    names: HashMap<String, usize>,
    /// The path of the layer that is being built.
    layer: Arc<str>,
    constants: Vec<Tensor>,
    weights: HashMap<u64, Value>,
    /// What stands for a transposed or constant value where it is used as it is.
    made: HashMap<Value, Value>,
    /// Constants, and what is made of them, with their axes in another order.
    pub(super) oriented: HashMap<(Value, Vec<usize>), Value>,
    stored: HashMap<(usize, Vec<usize>, Vec<usize>), Value>,
    small: HashMap<(DType, Vec<usize>, Vec<u8>), Value>,
    pub(super) places: IndexMap<Extent, Place>,
    pub(super) computed: HashMap<Extent, Value>,
    /// The names of the inputs' unknown extents.
    pub(super) named: HashMap<Extent, String>,
}

impl Graph {
    /// Creates an empty graph of an operator set, for this many programs.
    pub(super) fn new(opset: i64, programs: usize) -> Self {
        Self {
            opset,
            programs,
            values: Vec::new(),
            operators: Vec::new(),
            initializers: Vec::new(),
            inputs: Vec::new(),
            outputs: Vec::new(),
            names: HashMap::new(),
            layer: "".into(),
            constants: Vec::new(),
            weights: HashMap::new(),
            made: HashMap::new(),
            oriented: HashMap::new(),
            stored: HashMap::new(),
            small: HashMap::new(),
            places: IndexMap::new(),
            computed: HashMap::new(),
            named: HashMap::new(),
        }
    }

    /// Returns the version of the operator set.
    pub fn opset(&self) -> i64 {
        self.opset
    }

    /// Returns the inputs.
    pub fn inputs(&self) -> &[Value] {
        &self.inputs
    }

    /// Returns the outputs.
    pub fn outputs(&self) -> &[Value] {
        &self.outputs
    }

    /// Returns the operators in order.
    pub fn operators(&self) -> &[Operator] {
        &self.operators
    }

    /// Returns the constants that are stored with the graph.
    pub fn initializers(&self) -> &[Initializer] {
        &self.initializers
    }

    /// Returns the name of a value.
    pub fn name(&self, value: Value) -> &str {
        self.known(value).map_or("", |known| &known.name)
    }

    /// Returns the dtype of a value.
    pub fn dtype(&self, value: Value) -> DType {
        self.known(value).map_or(DType::Float32, |known| known.dtype)
    }

    /// Returns the extents of a value, if they are known.
    pub fn extents(&self, value: Value) -> Option<&[Extent]> {
        self.known(value)?.extents.as_deref()
    }

    pub(super) fn known(&self, value: Value) -> Option<&Known> {
        self.values.get(value.0)
    }

    pub(super) fn known_mut(&mut self, value: Value) -> Option<&mut Known> {
        self.values.get_mut(value.0)
    }

    /// Says in which layer the next operators are.
    pub(super) fn enter(&mut self, layer: &Arc<str>) {
        self.layer = layer.clone();
    }

    /// Returns a name that no value has yet.
    pub(super) fn unique(&mut self, wanted: &str) -> String {
        let Some(next) = self.names.get(wanted).copied() else {
            self.names.insert(wanted.to_owned(), 1);
            return wanted.to_owned();
        };
        let (number, name) = (next..)
            .map(|number| (number, format!("{wanted}_{number}")))
            .find(|(_, name)| !self.names.contains_key(name))
            .unwrap_or_else(|| (next, wanted.to_owned()));
        self.names.insert(wanted.to_owned(), number + 1);
        self.names.insert(name.clone(), 1);
        name
    }

    pub(super) fn add(&mut self, known: Known) -> Value {
        self.values.push(known);
        Value(self.values.len() - 1)
    }

    /// Adds a plain value with a name of its own.
    pub(super) fn add_plain(&mut self, name: &str, dtype: DType, extents: Option<Vec<Extent>>) -> Value {
        let name = self.unique(name);
        self.add(Known { name, dtype, extents, kind: Kind::Plain })
    }

    /// Applies an operator with one output, of this dtype.
    ///
    /// # Errors
    /// If an input can't be brought to its form.
    pub fn operator(
        &mut self,
        name: &'static str,
        inputs: &[Value],
        attributes: Vec<(&'static str, Attribute)>,
        dtype: DType,
    ) -> Result<Value> {
        let outputs = self.operator_with(name, inputs, attributes, &[dtype])?;
        outputs.first().copied().ok_or_else(|| Error::new(ErrorKind::InvalidArgument, "an operator without outputs"))
    }

    /// Applies an operator with outputs of these dtypes.
    ///
    /// # Errors
    /// If an input can't be brought to its form.
    pub fn operator_with(
        &mut self,
        name: &'static str,
        inputs: &[Value],
        attributes: Vec<(&'static str, Attribute)>,
        dtypes: &[DType],
    ) -> Result<Vec<Value>> {
        let inputs = inputs.iter().map(|input| self.plain(*input)).collect::<Result<Vec<_>>>()?;
        let layer = self.layer.clone();
        let full = if layer.is_empty() { name.to_owned() } else { format!("{layer}/{name}") };
        let outputs: Vec<Value> = dtypes.iter().map(|dtype| self.add_plain(&full, *dtype, None)).collect();
        self.operators.push(Operator { name, inputs, outputs: outputs.clone(), attributes });
        Ok(outputs)
    }

    /// Collects the operators that `step` adds, as the body of a loop; it returns the body's inputs and outputs.
    ///
    /// # Errors
    /// Those of `step`.
    pub fn body(&mut self, step: impl FnOnce(&mut Self) -> Result<(Vec<Value>, Vec<Value>)>) -> Result<Body> {
        let around = std::mem::take(&mut self.operators);
        // The graph around does not see what the body's operators give.
        let seen = (self.made.clone(), self.computed.clone(), self.places.clone());
        let ends = step(self);
        (self.made, self.computed, self.places) = seen;
        let operators = std::mem::replace(&mut self.operators, around);
        let (inputs, outputs) = ends?;
        Ok(Body { inputs, operators, outputs })
    }

    /// Adds an input of a loop's body.
    pub fn input(&mut self, name: &str, dtype: DType, extents: &[Extent]) -> Value {
        self.add_plain(name, dtype, Some(extents.to_vec()))
    }

    /// Adds a weight; the same value for the same weight, whose number is `id`.
    pub(super) fn weight(&mut self, path: &str, id: u64, tensor: &Tensor) -> Result<Value> {
        if let Some(value) = self.weights.get(&id) {
            return Ok(*value);
        }
        let value = self.constant(path, tensor.clone())?;
        self.weights.insert(id, value);
        Ok(value)
    }

    /// Adds a constant, which is stored where it is used.
    pub(super) fn constant(&mut self, name: &str, tensor: Tensor) -> Result<Value> {
        let shape = tensor.shape().known()?;
        let extents = shape.iter().map(|extent| Extent::new(vec![*extent; self.programs])).collect();
        let order = (0..shape.len()).collect();
        let (dtype, id) = (tensor.dtype(), self.constants.len());
        self.constants.push(tensor);
        let kind = Kind::Constant { id, shape, order };
        Ok(self.add(Known { name: name.to_owned(), dtype, extents: Some(extents), kind }))
    }

    /// Returns a value as an input, initializer or result of an operator: what is transposed or constant becomes
    /// one.
    pub(crate) fn plain(&mut self, value: Value) -> Result<Value> {
        if let Some(made) = self.made.get(&value) {
            return Ok(*made);
        }
        let Some(known) = self.known(value).cloned() else {
            return Err(Error::new(ErrorKind::InvalidArgument, "a value of another graph"));
        };
        let made = match known.kind {
            Kind::Plain => return Ok(value),
            Kind::Transposed { of, order } => {
                let order = order.into_iter().map(|axis| axis as i64).collect();
                let made = self.operator("Transpose", &[of], vec![("perm", Attribute::Ints(order))], known.dtype)?;
                self.set_extents(made, known.extents);
                made
            }
            Kind::Derived { operator, inputs, attributes, .. } => {
                let made = self.operator(operator, &inputs, attributes, known.dtype)?;
                self.set_extents(made, known.extents);
                made
            }
            Kind::Expanded { of } => {
                let made = self.expand(of, known.extents.as_deref().unwrap_or_default())?;
                self.set_extents(made, known.extents);
                made
            }
            Kind::Constant { id, shape, order } => self.store(&known.name, id, shape, order)?,
        };
        self.made.insert(value, made);
        Ok(made)
    }

    fn store(&mut self, name: &str, id: usize, shape: Vec<usize>, order: Vec<usize>) -> Result<Value> {
        let key = (id, shape.clone(), order.clone());
        if let Some(stored) = self.stored.get(&key) {
            return Ok(*stored);
        }
        let tensor = self.constants.get(id).cloned();
        let tensor = tensor.ok_or_else(|| Error::new(ErrorKind::InvalidArgument, "a constant of another graph"))?;
        let mut initializer = Initializer { value: Value(self.values.len()), tensor, shape, order };
        let (dtype, stored) = (initializer.tensor.dtype(), initializer.stored_shape());
        // Small constants without a name of their own are stored once.
        let is_small = name == CONSTANT && stored.iter().product::<usize>() <= SMALL;
        let same = if is_small { Some((dtype, stored.clone(), initializer.elements()?.to_vec())) } else { None };
        if let Some(value) = same.as_ref().and_then(|same| self.small.get(same)) {
            return Ok(*value);
        }
        let extents = stored.iter().map(|extent| Extent::new(vec![*extent; self.programs])).collect();
        let value = self.add_plain(name, dtype, Some(extents));
        initializer.value = value;
        self.initializers.push(initializer);
        self.stored.insert(key, value);
        if let Some(same) = same {
            self.small.insert(same, value);
        }
        Ok(value)
    }

    /// Returns a vector of `int64`.
    ///
    /// # Errors
    /// If the engine can't make it.
    pub fn ints(&mut self, values: &[i64]) -> Result<Value> {
        self.constant(CONSTANT, Tensor::from_slice(values, [values.len()])?)
    }

    /// Returns a number as a scalar of a dtype.
    ///
    /// # Errors
    /// If the engine can't make it.
    pub fn scalar(&mut self, value: f64, dtype: DType) -> Result<Value> {
        let tensor = match dtype {
            DType::Float64 => Tensor::scalar(value)?,
            DType::Int64 => Tensor::scalar(value as i64)?,
            dtype => crate::tensor::cast::cast(&Tensor::scalar(value as f32)?, dtype)?,
        };
        self.constant(CONSTANT, tensor)
    }

    pub(super) fn set_extents(&mut self, value: Value, extents: Option<Vec<Extent>>) {
        if let (Some(known), Some(_)) = (self.known_mut(value), &extents) {
            known.extents = extents;
        }
    }

    /// Gives an operator's result another name.
    pub(super) fn rename(&mut self, value: Value, name: String) {
        if let Some(known) = self.known_mut(value) {
            known.name = name;
        }
    }

    /// Returns true if a value is the result of an operator of the graph itself.
    pub(super) fn is_result(&self, value: Value) -> bool {
        self.operators.iter().rev().any(|operator| operator.outputs.contains(&value))
    }

    /// Removes operators and constants that nothing uses.
    pub(super) fn prune(&mut self) {
        let mut used: HashSet<Value> = self.outputs.iter().copied().collect();
        let mut kept: Vec<Operator> = Vec::with_capacity(self.operators.len());
        for mut operator in std::mem::take(&mut self.operators).into_iter().rev() {
            if operator.outputs.iter().any(|output| used.contains(output)) {
                operator.note_used(&mut used);
                kept.push(operator);
            }
        }
        kept.reverse();
        self.operators = kept;
        self.initializers.retain(|initializer| used.contains(&initializer.value));
    }
}

impl Operator {
    /// Adds the values that the operator uses, after it has removed what its bodies compute for nothing.
    fn note_used(&mut self, used: &mut HashSet<Value>) {
        used.extend(&self.inputs);
        for (_, attribute) in &mut self.attributes {
            if let Attribute::Body(body) = attribute {
                used.extend(&body.outputs);
                let mut kept = Vec::with_capacity(body.operators.len());
                for mut operator in std::mem::take(&mut body.operators).into_iter().rev() {
                    if operator.outputs.iter().any(|output| used.contains(output)) {
                        operator.note_used(used);
                        kept.push(operator);
                    }
                }
                kept.reverse();
                body.operators = kept;
            }
        }
    }
}
