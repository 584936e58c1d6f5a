//! The recorded graph: calls on symbols as nodes.

use std::any::Any;
use std::cell::Cell;
use std::fmt;
use std::sync::{Arc, Mutex, Weak};

use super::call::{CallArgs, CallContext};
use super::{Nested, Tensor};
use crate::error::{Error, ErrorKind, Result};
use crate::json::Value;
use crate::utils::{Locked, drop_later};

/// An operation that can be called on tensors and recorded in graphs: a layer or an operation of `keras.ops`.
pub trait Operation: Any + Send + Sync {
    /// Returns the name in the graph.
    fn name(&self) -> String;
    /// Returns a number that is equal for handles to the same operation, and unique among those alive.
    fn id(&self) -> usize;
    /// Returns the recorded calls.
    fn inbound(&self) -> &Inbound;
    /// Computes the outputs; on symbols, infers shapes.
    fn run(&self, args: &CallArgs, cx: &CallContext) -> Result<Nested<Tensor>>;
    /// Serializes the operation.
    fn serialize(&self) -> Result<Value>;
}

/// A recorded call of an operation on symbols.
pub struct Node {
    /// The called operation.
    pub operation: Arc<dyn Operation>,
    /// The index of the call among those of the operation.
    pub index: usize,
    /// The arguments.
    pub args: CallArgs,
    /// The shapes and dtypes of the outputs, as symbols without history.
    pub outputs: Nested<Tensor>,
}

impl Node {
    /// Returns true for the node of an input layer, which is called without arguments.
    pub fn is_input(&self) -> bool {
        self.args.is_empty()
    }

    /// Returns the symbols among the arguments, in Keras's order.
    pub fn input_tensors(&self) -> Vec<&Tensor> {
        self.args.tensors().into_iter().filter(|tensor| tensor.is_symbolic()).collect()
    }

    /// Returns the symbol of an output, by its position among the flat outputs.
    pub fn output(self: &Arc<Self>, index: usize) -> Option<Tensor> {
        let spec = *self.outputs.leaves().get(index)?;
        let history = History { node: self.clone(), index };
        Some(spec.recorded(history))
    }
}

/// Drops the calls that a call refers to one after the other, not recursively: there can be thousands.
impl Drop for Node {
    fn drop(&mut self) {
        drop_later((std::mem::take(&mut self.args), std::mem::replace(&mut self.outputs, Nested::None)));
    }
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Node({} #{})", self.operation.name(), self.index)
    }
}

/// The origin of a symbol (Keras's `_keras_history`).
#[derive(Clone, Debug)]
pub struct History {
    /// The call.
    pub node: Arc<Node>,
    /// The position among the call's flat outputs.
    pub index: usize,
}

impl History {
    /// Returns a key that is equal for the same output of the same call.
    pub fn key(&self) -> (usize, usize) {
        (Arc::as_ptr(&self.node) as usize, self.index)
    }
}

/// The recorded calls of an operation; the models that use them keep them alive.
#[derive(Default)]
pub struct Inbound(Mutex<Vec<Weak<Node>>>);

impl Inbound {
    /// Returns the call at an index, if it is still in use.
    pub fn get(&self, index: usize) -> Option<Arc<Node>> {
        self.0.locked().get(index)?.upgrade()
    }

    /// Returns the number of calls.
    pub fn len(&self) -> usize {
        self.0.locked().len()
    }

    /// Returns true if there were no calls.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Records a call and returns its outputs as symbols.
    pub(crate) fn record(
        &self,
        operation: Arc<dyn Operation>,
        args: CallArgs,
        outputs: Nested<Tensor>,
    ) -> Result<Nested<Tensor>> {
        let node = {
            let mut nodes = self.0.locked();
            let node = Arc::new(Node { operation, index: nodes.len(), args, outputs });
            nodes.push(Arc::downgrade(&node));
            node
        };
        let count = node.outputs.leaves().len();
        let symbols: Vec<Tensor> = (0..count).filter_map(|index| node.output(index)).collect();
        node.outputs.pack(symbols)
    }
}

thread_local! {
    /// The number of layers and operations whose calls surround the current one.
    static INSIDE: Cell<usize> = const { Cell::new(0) };
}

/// A guard: while it lives, calls on symbols infer shapes but are not recorded, because they happen inside a
/// recorded call.
pub(crate) struct Inner(());

impl Inner {
    pub(crate) fn enter() -> Self {
        INSIDE.set(INSIDE.get() + 1);
        Self(())
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        INSIDE.set(INSIDE.get().saturating_sub(1));
    }
}

/// A guard: while it lives, calls on symbols are recorded even inside another call, because a model builds
/// its own graph.
pub(crate) struct Fresh(usize);

impl Fresh {
    pub(crate) fn enter() -> Self {
        Self(INSIDE.replace(0))
    }
}

impl Drop for Fresh {
    fn drop(&mut self) {
        INSIDE.set(self.0);
    }
}

/// Returns true if a call with these arguments is to be recorded.
pub(crate) fn is_recording(args: &CallArgs) -> bool {
    INSIDE.get() == 0 && args.tensors().iter().any(|tensor| tensor.is_symbolic())
}

/// Returns an error if an argument is a symbol of which not even the number of axes is known.
pub(crate) fn check_ranked(args: &CallArgs) -> Result<()> {
    if !args.tensors().iter().any(|tensor| tensor.shape().is_unranked()) {
        return Ok(());
    }
    let text = "the shape of an input is not known: it comes from a layer whose class is not registered";
    Err(Error::new(ErrorKind::UnknownObject, text).hint("register the class, so that shapes can be inferred"))
}

/// Returns whether the current call is being recorded itself, and is not made inside of one that is.
pub(crate) fn is_recorded(args: &CallArgs) -> bool {
    INSIDE.get() == 1 && args.tensors().iter().any(|tensor| tensor.history().is_some())
}
