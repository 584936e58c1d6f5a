//! Upgrades graphs of Keras 2: calls as lists of `[layer, node, output, keywords]`.
//!
//! In Keras 2, a model that is called inside another one also counts the call with which it was created,
//! so that its first call in the graph has index 1; Keras 3 does so only for a graph's inputs and
//! outputs.

use std::collections::{HashMap, HashSet};

use super::operations;
use super::shapes::Shapes;
use super::{class_of, no_longer};
use crate::error::{Error, ErrorKind, Result, ResultExt};
use crate::json::{Dict, Value, name_of};

/// Layers that take their initial state as additional inputs in Keras 2.
const RECURRENT: &[&str] =
    &["RNN", "SimpleRNN", "LSTM", "GRU", "ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D", "Bidirectional"];

/// The placeholder for a layer's name when an input is a constant.
const CONSTANT: &str = "_CONSTANT_VALUE";

/// A tensor of the graph: a layer's name, the index of its call, and of the call's output.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Tensor {
    pub layer: String,
    pub node: usize,
    pub output: usize,
}

/// One call, with tensors as Keras 3 writes them.
pub(super) struct Call {
    /// The first argument: a tensor, a constant, or a structure of them.
    pub first: Value,
    pub keywords: Dict,
}

/// Upgrades the graph in the config of a Functional model; leaves other configs unchanged.
pub(super) fn upgrade(config: &mut Dict) -> Result<()> {
    let Some(Value::List(layers)) = config.get("layers").filter(|_| config.contains_key("output_layers")) else {
        return Ok(());
    };
    let mut layers = layers.clone();
    if !layers.iter().any(|layer| nodes_of(layer).iter().any(is_old_node)) {
        return Ok(());
    }
    let ends = [config.get("input_layers"), config.get("output_layers")];
    let mut graph = Graph::of(&layers, &ends.map(|end| end.cloned().unwrap_or_default()));
    graph.find_shapes(&layers);
    let mut upgraded = Vec::with_capacity(layers.len());
    for layer in &mut layers {
        let name = name_of(layer).unwrap_or_default().to_owned();
        graph.layer(layer, &mut upgraded).at_with(|| name)?;
    }
    for (key, end) in ["input_layers", "output_layers"].into_iter().zip(ends.map(|end| end.cloned())) {
        if let Some(end) = end {
            let end = graph.end(&end, &upgraded).at(key)?;
            config.insert(key.to_owned(), end);
        }
    }
    config.insert("layers".into(), Value::List(upgraded));
    Ok(())
}

fn nodes_of(layer: &Value) -> &[Value] {
    layer.get("inbound_nodes").and_then(Value::as_list).unwrap_or_default()
}

/// Returns true for a call of Keras 2; in Keras 3 it is a dict of positional arguments and keywords.
fn is_old_node(node: &Value) -> bool {
    match node {
        Value::List(items) => !items.is_empty(),
        Value::Dict(dict) => !(dict.contains_key("args") && dict.contains_key("kwargs")),
        _ => false,
    }
}

/// Serializes a symbol as an argument.
pub(super) fn symbol(tensor: &Tensor) -> Value {
    let history = vec![Value::from(tensor.layer.as_str()), Value::from(tensor.node), Value::from(tensor.output)];
    let config = Dict::from([("keras_history".to_owned(), Value::List(history))]);
    Value::Dict(Dict::from([
        ("class_name".to_owned(), Value::from("__keras_tensor__")),
        ("config".to_owned(), Value::Dict(config)),
    ]))
}

/// Returns the tensor that a serialized symbol stands for.
pub(super) fn tensor_of(value: &Value) -> Option<Tensor> {
    let is_symbol = value.get("class_name").and_then(Value::as_str) == Some("__keras_tensor__");
    match value.get("config").filter(|_| is_symbol)?.get("keras_history")?.as_list()? {
        [layer, node, output] => Some(Tensor {
            layer: layer.as_str()?.to_owned(),
            node: usize::try_from(node.as_i64()?).ok()?,
            output: usize::try_from(output.as_i64()?).ok()?,
        }),
        _ => None,
    }
}

struct Graph {
    /// The number of calls of each layer in the graph.
    calls: HashMap<String, usize>,
    /// The index of each layer's first call.
    first: HashMap<String, usize>,
    /// The names of layers that become operations.
    operations: HashSet<String>,
    shapes: Shapes,
}

impl Graph {
    fn of(layers: &[Value], ends: &[Value]) -> Self {
        let calls: HashMap<String, usize> =
            layers.iter().filter_map(|layer| Some((name_of(layer)?.to_owned(), nodes_of(layer).len()))).collect();
        let mut last = HashMap::new();
        let mut note = |value: &Value| {
            each_tensor(value, &calls, &mut |tensor| {
                let last = last.entry(tensor.layer).or_insert(0);
                *last = tensor.node.max(*last);
            })
        };
        layers.iter().flat_map(nodes_of).for_each(&mut note);
        ends.iter().for_each(&mut note);
        // Every call of a graph leads to an output, so the largest index shows where counting began.
        let first = last.into_iter().filter_map(|(name, last)| {
            let count = calls.get(&name).copied().unwrap_or(0);
            (count > 0 && last >= count).then(|| (name, last + 1 - count))
        });
        let first = first.collect();
        let operations = layers.iter().filter(|layer| operations::function_of(layer).is_some()).filter_map(name_of);
        Self { first, operations: operations.map(str::to_owned).collect(), shapes: Shapes::default(), calls }
    }

    /// Finds the symbols that stand for shapes of other symbols.
    fn find_shapes(&mut self, layers: &[Value]) {
        for layer in layers {
            if let (Some(name), Some(Value::List(shape))) =
                (name_of(layer), layer.get("config").and_then(|config| config.get("batch_shape")))
            {
                self.shapes.know(name, shape);
            }
        }
        loop {
            let before = self.shapes.len();
            for layer in layers {
                let (Some(name), Some(function)) = (name_of(layer), operations::function_of(layer)) else { continue };
                for (node, call) in nodes_of(layer).iter().enumerate() {
                    if let Ok(call) = self.call(call, true) {
                        self.shapes.note(&operation_name(name, node), function, &call);
                    }
                }
            }
            if self.shapes.len() == before {
                return;
            }
        }
    }

    fn layer(&self, layer: &mut Value, out: &mut Vec<Value>) -> Result<()> {
        let name = name_of(layer).unwrap_or_default().to_owned();
        if let Some(function) = operations::function_of(layer) {
            for (node, call) in nodes_of(layer).iter().enumerate() {
                let name = operation_name(&name, node);
                if !self.shapes.is_shape(&name) {
                    out.extend(operations::convert(function, &name, self.call(call, true)?, &self.shapes)?);
                }
            }
            return Ok(());
        }
        let class = layer.as_dict().map(class_of).unwrap_or_default().to_owned();
        let mut calls = Vec::new();
        for (index, node) in nodes_of(layer).iter().enumerate() {
            if !is_old_node(node) {
                continue;
            }
            let call = self.call(node, false).at_with(|| format!("inbound_nodes[{index}]"))?;
            calls.push(modern_call(&class, call));
        }
        if let Value::Dict(layer) = layer {
            layer.insert("inbound_nodes".into(), Value::List(calls));
        }
        out.push(std::mem::take(layer));
        Ok(())
    }

    /// Reads a call of Keras 2. Operations keep lists of one tensor, layers unwrap them.
    fn call(&self, node: &Value, keeps_structure: bool) -> Result<Call> {
        let mut keywords = Dict::new();
        let mut first = self.inputs(node, &mut keywords)?;
        if let Value::List(items) = &mut first
            && items.len() == 1
            && !keeps_structure
        {
            first = items.remove(0);
        }
        Ok(Call { first, keywords })
    }

    fn inputs(&self, node: &Value, keywords: &mut Dict) -> Result<Value> {
        match node {
            Value::List(items) => match items.as_slice() {
                [Value::Str(name), Value::Int(_), value, rest @ ..] => {
                    let input =
                        if name == CONSTANT { self.argument(value)? } else { self.argument(&first_three(items))? };
                    if let Some(Value::Dict(given)) = rest.first() {
                        for (key, value) in given {
                            keywords.insert(key.clone(), self.argument(value).at_with(|| key.clone())?);
                        }
                    }
                    if name != CONSTANT && tensor_of(&input).is_none() {
                        let message = format!("Invalid Functional model configuration. Missing node: {name}");
                        return Err(Error::new(ErrorKind::Graph, message));
                    }
                    Ok(input)
                }
                items => items.iter().map(|item| self.inputs(item, keywords)).collect::<Result<_>>().map(Value::List),
            },
            Value::Dict(items) => {
                let items = items.iter().map(|(key, item)| Ok((key.clone(), self.inputs(item, keywords)?)));
                items.collect::<Result<_>>().map(Value::Dict)
            }
            other => Err(crate::config::wrong_type("a list [layer's name, call, output, keywords]", other)),
        }
    }

    /// Upgrades an argument that may contain symbols.
    fn argument(&self, value: &Value) -> Result<Value> {
        if let Some(tensor) = self.tensor(value)? {
            return Ok(symbol(&tensor));
        }
        match value {
            Value::List(items) => items.iter().map(|item| self.argument(item)).collect::<Result<_>>().map(Value::List),
            Value::Dict(items) => {
                let items = items.iter().map(|(key, item)| Ok((key.clone(), self.argument(item)?)));
                items.collect::<Result<_>>().map(Value::Dict)
            }
            plain => Ok(plain.clone()),
        }
    }

    /// Returns the tensor for `[layer's name, call, output]`, with Keras 3's call index.
    fn tensor(&self, value: &Value) -> Result<Option<Tensor>> {
        let Some(mut tensor) = read(value, &self.calls) else { return Ok(None) };
        let first = self.first.get(&tensor.layer).copied().unwrap_or(0);
        tensor.node = tensor.node.checked_sub(first).ok_or_else(|| {
            Error::new(ErrorKind::Graph, format!("`{}` has no call {}", tensor.layer, tensor.node))
                .expected(format!("calls from {first} on"))
        })?;
        if self.operations.contains(&tensor.layer) {
            tensor.layer = operation_name(&tensor.layer, std::mem::take(&mut tensor.node));
        }
        Ok(Some(tensor))
    }

    fn end(&self, value: &Value, layers: &[Value]) -> Result<Value> {
        if let Some(tensor) = self.tensor(value)? {
            if self.shapes.is_shape(&tensor.layer) {
                return Err(shape_as_tensor(&tensor.layer));
            }
            let is_functional = |layer: &&Value| layer.as_dict().is_some_and(|layer| class_of(layer) == "Functional");
            let mut functional = layers.iter().filter(is_functional);
            let is_functional = functional.any(|layer| name_of(layer) == Some(&tensor.layer));
            let node = tensor.node + usize::from(is_functional);
            return Ok(Value::List(vec![Value::from(tensor.layer), Value::from(node), Value::from(tensor.output)]));
        }
        match value {
            Value::List(items) => {
                items.iter().map(|item| self.end(item, layers)).collect::<Result<_>>().map(Value::List)
            }
            Value::Dict(items) => {
                let items = items.iter().map(|(key, item)| Ok((key.clone(), self.end(item, layers)?)));
                items.collect::<Result<_>>().map(Value::Dict)
            }
            other => Ok(other.clone()),
        }
    }
}

/// Returns the error for a shape that is used as if it were a tensor.
pub(super) fn shape_as_tensor(name: &str) -> Error {
    no_longer(
        format!("`{name}` computes with the shape of a tensor, which Keras 3 knows while the graph is made"),
        "write a layer of your own in its place",
    )
}

/// Returns the name for a further call of an operation: in Keras 3 each call is a separate operation.
pub(super) fn operation_name(name: &str, node: usize) -> String {
    if node == 0 { name.to_owned() } else { format!("{name}_call_{node}") }
}

fn first_three(items: &[Value]) -> Value {
    Value::List(items.iter().take(3).cloned().collect())
}

fn read(value: &Value, known: &HashMap<String, usize>) -> Option<Tensor> {
    match value.as_list()? {
        [Value::Str(layer), Value::Int(node), Value::Int(output)] if known.contains_key(layer) => Some(Tensor {
            layer: layer.clone(),
            node: usize::try_from(*node).ok()?,
            output: usize::try_from(*output).ok()?,
        }),
        _ => None,
    }
}

fn each_tensor(value: &Value, known: &HashMap<String, usize>, note: &mut dyn FnMut(Tensor)) {
    match value {
        Value::List(items) => {
            if let Some(tensor) = read(&first_three(items), known) {
                note(tensor);
            }
            items.iter().for_each(|item| each_tensor(item, known, note));
        }
        Value::Dict(items) => items.values().for_each(|item| each_tensor(item, known, note)),
        _ => {}
    }
}

/// Writes a call for Keras 3; initial states of recurrent layers become a keyword.
fn modern_call(class: &str, call: Call) -> Value {
    let Call { mut first, mut keywords } = call;
    keywords.retain(|_, value| !value.is_null());
    if let Value::List(items) = &mut first
        && RECURRENT.contains(&class)
        && items.len() > 1
    {
        let states = items.split_off(1);
        keywords.insert("initial_state".into(), Value::List(states));
        first = items.remove(0);
    }
    node(vec![first], keywords)
}

/// Serializes a call for Keras 3.
pub(super) fn node(args: Vec<Value>, keywords: Dict) -> Value {
    Value::Dict(Dict::from([("args".to_owned(), Value::List(args)), ("kwargs".to_owned(), Value::Dict(keywords))]))
}
