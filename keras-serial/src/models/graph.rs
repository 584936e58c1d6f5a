//! The recorded graph between a model's inputs and outputs, in Keras's order.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use indexmap::IndexMap;

use crate::error::{Error, ErrorKind, Result};
use crate::layers::LayerRef;
use crate::ops::OpRef;
use crate::tensor::symbolic::{Node, Operation};
use crate::tensor::{CallContext, Item, Nested, Tensor};

/// Identifies a call: the id of its operation and the index among its calls.
type NodeKey = (usize, usize);

fn key(node: &Node) -> NodeKey {
    (node.operation.id(), node.index)
}

/// The recorded calls between a model's inputs and outputs.
pub(super) struct Graph {
    pub inputs: Nested<Tensor>,
    pub outputs: Nested<Tensor>,
    /// The calls in topological order: each one after those that it depends on.
    nodes: Vec<Arc<Node>>,
    /// The index of each call among its operation's calls that are part of the graph.
    positions: HashMap<NodeKey, usize>,
    /// The maximum distance of each call from the outputs.
    depths: IndexMap<NodeKey, usize>,
    /// The operations by descending depth, then in the order in which the traversal from the outputs meets
    /// them.
    operations: Vec<Arc<dyn Operation>>,
}

/// Returns the index of each call among the calls of its operation.
fn positions(nodes: &[Arc<Node>]) -> HashMap<NodeKey, usize> {
    let mut keys: Vec<NodeKey> = nodes.iter().map(|node| key(node)).collect();
    keys.sort_unstable();
    keys.dedup();
    let of_one = keys.chunk_by(|a, b| a.0 == b.0);
    of_one.flat_map(|calls| calls.iter().enumerate().map(|(position, key)| (*key, position))).collect()
}

fn history(tensor: &Tensor) -> Result<&Arc<Node>> {
    tensor.history().map(|history| &history.node).ok_or_else(|| {
        Error::new(ErrorKind::Graph, "a model is made of symbols")
            .expected("the result of `Input` or of a layer called on one")
            .received(tensor.outline())
    })
}

impl Graph {
    /// Collects all calls from the outputs back to the inputs (`keras.src.ops.function.map_graph`).
    pub fn new(inputs: Nested<Tensor>, outputs: Nested<Tensor>) -> Result<Self> {
        let ends: HashSet<(usize, usize)> = inputs.leaves().iter().filter_map(|t| Some(t.history()?.key())).collect();
        let mut finder = Finder { ends, order: Vec::new(), done: HashSet::new(), indices: HashMap::new() };
        for output in outputs.leaves() {
            finder.find(output)?;
        }
        let Finder { order, mut indices, .. } = finder;
        let mut node_depths: IndexMap<NodeKey, usize> = IndexMap::new();
        let mut operation_depths: HashMap<usize, (usize, Arc<dyn Operation>)> = HashMap::new();
        for node in order.iter().rev() {
            let known = operation_depths.get(&node.operation.id()).map_or(0, |(depth, _)| *depth);
            let depth = (*node_depths.entry(key(node)).or_insert(0)).max(known);
            operation_depths.insert(node.operation.id(), (depth, node.operation.clone()));
            node_depths.insert(key(node), depth);
            for input in node.input_tensors() {
                if let Some(history) = input.history() {
                    let entry = node_depths.entry(key(&history.node)).or_insert(0);
                    *entry = (*entry).max(depth + 1);
                }
            }
        }
        let mut nodes = order;
        // Inputs that no output depends on are part of the model too.
        for input in inputs.leaves() {
            let node = history(input)?;
            let id = node.operation.id();
            if let std::collections::hash_map::Entry::Vacant(entry) = operation_depths.entry(id) {
                entry.insert((0, node.operation.clone()));
                indices.insert(id, -1);
                node_depths.insert(key(node), 0);
                nodes.push(node.clone());
            }
        }
        let mut operations: Vec<(usize, i64, Arc<dyn Operation>)> = operation_depths
            .into_iter()
            .map(|(id, (depth, operation))| (depth, indices.get(&id).copied().unwrap_or_default(), operation))
            .collect();
        operations.sort_by_key(|(depth, index, _)| (std::cmp::Reverse(*depth), *index));
        // As in Keras, the calls furthest from the outputs run first; this matters because a call can remove
        // masks from its inputs.
        nodes.sort_by_cached_key(|node| {
            let (index, depth) = node_depths.get_full(&key(node)).map_or((0, 0), |(index, _, depth)| (index, *depth));
            (std::cmp::Reverse(depth), index)
        });
        let positions = positions(&nodes);
        let this = Self {
            inputs,
            outputs,
            nodes,
            positions,
            depths: node_depths,
            operations: operations.into_iter().map(|(_, _, o)| o).collect(),
        };
        this.check_names()?;
        Ok(this)
    }

    fn check_names(&self) -> Result<()> {
        let mut seen = HashSet::new();
        let (made_up, given): (Vec<_>, Vec<_>) =
            self.operations.iter().partition(|operation| as_operation(&***operation).is_some());
        let mut taken: HashSet<String> = given.iter().map(|operation| operation.name()).collect();
        for operation in made_up {
            if let Some(operation) = as_operation(&**operation) {
                operation.0.rename_if(|name| taken.contains(name));
            }
            taken.insert(operation.name());
        }
        for operation in &self.operations {
            if !seen.insert(operation.name()) {
                return Err(Error::new(
                    ErrorKind::Graph,
                    format!(
                        "The name \"{}\" is used twice in the model. All operation names should be unique",
                        operation.name()
                    ),
                )
                .hint("give one of them another name, with `name`"));
            }
        }
        Ok(())
    }

    /// Returns an error if an output depends on inputs that are not the model's.
    pub fn check_connected(&self) -> Result<()> {
        let ends: HashSet<(usize, usize)> =
            self.inputs.leaves().iter().filter_map(|input| Some(input.history()?.key())).collect();
        let mut connected: HashSet<NodeKey> = HashSet::new();
        for node in &self.nodes {
            let is_connected = match node.is_input() {
                true => ends.contains(&(Arc::as_ptr(node) as usize, 0)),
                false => node
                    .input_tensors()
                    .into_iter()
                    .filter_map(Tensor::history)
                    .all(|history| ends.contains(&history.key()) || connected.contains(&key(&history.node))),
            };
            if is_connected {
                connected.insert(key(node));
            }
        }
        for (path, output) in self.outputs.paths().into_iter().zip(self.outputs.leaves()) {
            if !history(output).is_ok_and(|node| connected.contains(&key(node))) {
                let error =
                    Error::new(ErrorKind::Graph, format!("Output with path `{path}` is not connected to `inputs`"))
                        .expected("an output that is computed from `inputs` alone");
                return Err(match self.needed_by(output, &ends) {
                    Some((operation, input)) => error
                        .received(format!("the output of `{operation}`, which needs `{input}`"))
                        .hint(format!("add `{input}` to `inputs`, or call `{operation}` on what they give")),
                    None => error,
                });
            }
        }
        Ok(())
    }

    /// Returns the operation that gives an output, and an input that it needs and that is not among `ends`.
    fn needed_by(&self, output: &Tensor, ends: &HashSet<(usize, usize)>) -> Option<(String, String)> {
        let mut left = vec![output.clone()];
        let mut seen = HashSet::new();
        while let Some(tensor) = left.pop() {
            let history = tensor.history()?;
            if ends.contains(&history.key()) || !seen.insert(key(&history.node)) {
                continue;
            }
            if history.node.is_input() {
                return Some((output.history()?.node.operation.name(), history.node.operation.name()));
            }
            left.extend(history.node.input_tensors().into_iter().filter(|input| input.history().is_some()).cloned());
        }
        None
    }

    pub fn operations(&self) -> &[Arc<dyn Operation>] {
        &self.operations
    }

    pub fn nodes(&self) -> &[Arc<Node>] {
        &self.nodes
    }

    /// Returns true if the graph is a chain of layers, each called once on one tensor.
    pub fn is_sequence(&self) -> bool {
        let mut depths = HashSet::new();
        let mut called = HashSet::new();
        self.nodes.iter().all(|node| {
            depths.insert(self.depths.get(&key(node)).copied().unwrap_or_default())
                && called.insert(node.operation.id())
                && node.input_tensors().iter().filter(|input| input.history().is_some()).count() <= 1
        })
    }

    /// Returns true if this call of an operation is part of the graph.
    pub fn contains(&self, operation: &dyn Operation, index: usize) -> bool {
        self.positions.contains_key(&(operation.id(), index))
    }

    /// Returns the index of a call among its operation's calls that are part of the graph.
    pub fn position(&self, node: &Node) -> usize {
        self.positions.get(&key(node)).copied().unwrap_or_default()
    }

    /// Returns the operations that are layers.
    pub fn layers(&self) -> Vec<LayerRef> {
        self.operations.iter().filter_map(|operation| as_layer(&**operation).cloned()).collect()
    }

    /// Computes the outputs for values (or symbols) of the inputs, in Keras's order of calls.
    pub fn run(&self, inputs: Vec<Option<Tensor>>, cx: &CallContext) -> Result<Nested<Tensor>> {
        let mut values: HashMap<(usize, usize), Nested<Item>> = HashMap::new();
        for (symbol, value) in self.inputs.leaves().into_iter().zip(inputs) {
            if let Some(history) = symbol.history() {
                values.insert(history.key(), value.map_or(Nested::None, |value| Nested::Leaf(Item::Tensor(value))));
            }
        }
        for node in &self.nodes {
            let first = (Arc::as_ptr(node) as usize, 0);
            if node.is_input() || values.contains_key(&first) {
                continue;
            }
            let mut args = node.args.try_map(&mut |tensor| match tensor.history() {
                None => Ok(Nested::Leaf(Item::Tensor(tensor.clone()))),
                Some(history) => values.get(&history.key()).cloned().ok_or_else(|| {
                    Error::new(ErrorKind::Graph, format!("an input of `{}` is not computed", node.operation.name()))
                }),
            })?;
            // A `training` argument of the model takes precedence over a recorded one.
            if cx.training_arg().is_some() && !args.tensors().into_iter().any(Tensor::is_symbolic) {
                args.keywords.shift_remove("training");
            }
            let outputs = node.operation.run(&args, cx)?;
            for (index, output) in outputs.leaves().into_iter().enumerate() {
                values.insert((Arc::as_ptr(node) as usize, index), Nested::Leaf(Item::Tensor(output.clone())));
            }
        }
        let outputs = self.outputs.leaves().into_iter().map(|symbol| {
            match symbol.history().and_then(|history| values.get(&history.key())) {
                Some(Nested::Leaf(Item::Tensor(tensor))) => Ok(tensor.clone()),
                _ => Err(Error::new(ErrorKind::Graph, "an output of the model is not computed")),
            }
        });
        let packed = self.outputs.pack(outputs.collect::<Result<Vec<_>>>()?)?;
        // A list of one output is returned as the output itself.
        Ok(match packed {
            Nested::List(mut items) | Nested::Tuple(mut items) if items.len() == 1 => items.remove(0),
            packed => packed,
        })
    }
}

/// Returns the operation as a layer, if it is one.
pub(super) fn as_layer(operation: &dyn Operation) -> Option<&LayerRef> {
    (operation as &dyn std::any::Any).downcast_ref()
}

fn as_operation(operation: &dyn Operation) -> Option<&OpRef> {
    (operation as &dyn std::any::Any).downcast_ref()
}

struct Finder {
    /// The model's inputs, at which the traversal stops.
    ends: HashSet<(usize, usize)>,
    order: Vec<Arc<Node>>,
    done: HashSet<NodeKey>,
    /// The order in which operations were first met.
    indices: HashMap<usize, i64>,
}

impl Finder {
    /// Traverses depth first, without recursion: models can be thousands of layers deep.
    fn find(&mut self, output: &Tensor) -> Result<()> {
        let mut stack: Vec<(Arc<Node>, bool)> = vec![(history(output)?.clone(), self.is_end(output))];
        let mut ready: Vec<bool> = vec![false];
        while let (Some((node, end)), Some(expanded)) = (stack.last().cloned(), ready.last().copied()) {
            if expanded || self.done.contains(&key(&node)) {
                stack.pop();
                ready.pop();
                if self.done.insert(key(&node)) {
                    self.order.push(node);
                }
                continue;
            }
            let next = self.indices.len() as i64;
            self.indices.entry(node.operation.id()).or_insert(next);
            if let Some(last) = ready.last_mut() {
                *last = true;
            }
            if end || node.is_input() {
                continue;
            }
            for input in node.input_tensors().into_iter().rev() {
                if let Some(history) = input.history()
                    && !self.done.contains(&key(&history.node))
                {
                    stack.push((history.node.clone(), self.is_end(input)));
                    ready.push(false);
                }
            }
        }
        Ok(())
    }

    fn is_end(&self, tensor: &Tensor) -> bool {
        tensor.history().is_some_and(|history| self.ends.contains(&history.key()))
    }
}
