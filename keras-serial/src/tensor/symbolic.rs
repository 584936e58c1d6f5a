//! What calls on symbols record: nodes of a graph.

use std::any::Any;
use std::cell::Cell;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use super::call::{CallArgs, CallContext, Item};
use super::{Nested, Tensor};
use crate::error::Result;
use crate::json::Value;
use crate::utils::drop_later;

/// Something that can be called on tensors and stands in graphs: a layer or an operation.
pub trait Operation: Any + Send + Sync {
    /// Its name in the graph.
    fn name(&self) -> String;
    /// Equal for two handles to one operation, and for no others alive at the same time.
    fn id(&self) -> usize;
    /// The calls on symbols so far.
    fn inbound(&self) -> &Inbound;
    /// Computes (or infers shapes, on symbols).
    fn run(&self, args: &CallArgs, cx: &CallContext) -> Result<Nested<Tensor>>;
    /// The serialized form.
    fn serialize(&self) -> Result<Value>;
}

/// One call of an operation on symbols.
pub struct Node {
    /// What was called.
    pub operation: Arc<dyn Operation>,
    /// Which call of the operation it was.
    pub index: usize,
    /// With what.
    pub args: CallArgs,
    /// The shapes and dtypes of the results; symbols without history.
    pub outputs: Nested<Tensor>,
}

impl Node {
    /// Is it the node of an input, called on nothing?
    pub fn is_input(&self) -> bool {
        self.args.is_empty()
    }

    /// The symbols that went in, in Keras's order.
    pub fn input_tensors(&self) -> Vec<&Tensor> {
        self.args.tensors().into_iter().filter(|tensor| tensor.is_symbolic()).collect()
    }

    /// The result at a position of the flat results.
    pub fn output(self: &Arc<Self>, index: usize) -> Option<Tensor> {
        let spec = *self.outputs.leaves().get(index)?;
        let history = History { node: self.clone(), index };
        Some(spec.recorded(history))
    }
}

/// A call holds the calls that it needs, and so on to the inputs: they are dropped one after the other,
/// not one inside of the other.
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

/// Where a symbol comes from (Keras's `_keras_history`).
#[derive(Clone, Debug)]
pub struct History {
    /// The call.
    pub node: Arc<Node>,
    /// The position in the call's flat results.
    pub index: usize,
}

impl History {
    /// Equal for the same result of the same call.
    pub fn key(&self) -> (usize, usize) {
        (Arc::as_ptr(&self.node) as usize, self.index)
    }
}

/// The calls of one operation on symbols; models that use them keep them alive.
#[derive(Default)]
pub struct Inbound(Mutex<Vec<Weak<Node>>>);

impl Inbound {
    /// The call at an index, if something still uses it.
    pub fn get(&self, index: usize) -> Option<Arc<Node>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(index)?.upgrade()
    }

    /// The number of calls.
    pub fn len(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Were there no calls?
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Records a call and gives its results as symbols.
    pub(crate) fn record(
        &self,
        operation: Arc<dyn Operation>,
        args: CallArgs,
        outputs: Nested<Tensor>,
    ) -> Result<Nested<Tensor>> {
        let node = {
            let mut nodes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
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
    /// How many layers or operations are being called around the current one.
    static INSIDE: Cell<usize> = const { Cell::new(0) };
}

/// While it lives, calls on symbols infer shapes and are not recorded: they happen inside of a
/// call that is.
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

/// While it lives, calls on symbols are recorded although a call is going on around them: a model
/// builds its own graph.
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

/// Should a call with these arguments be recorded?
pub(crate) fn is_recording(args: &CallArgs) -> bool {
    INSIDE.get() == 0 && args.tensors().iter().any(|tensor| tensor.is_symbolic())
}

/// A tensor argument, if the item is one.
pub(crate) fn tensor_of(item: &Item) -> Option<&Tensor> {
    match item {
        Item::Tensor(tensor) | Item::Array(tensor) => Some(tensor),
        _ => None,
    }
}
