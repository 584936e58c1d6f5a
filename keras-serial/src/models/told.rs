//! Outputs of layers that can't be called, because a class in them is not registered: as the file tells them.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::graph::as_layer;
use crate::config::ConfigField;
use crate::error::{ErrorKind, Result};
use crate::json::Value;
use crate::layers::LayerRef;
use crate::object::History;
use crate::registry::keeps_unknown;
use crate::tensor::symbolic::Operation;
use crate::tensor::{CallArgs, CallContext, DType, Nested, Shape, Tensor};

/// The shape and dtype of an output.
pub(super) type Told = (Shape, DType);

/// The outputs of calls, as the calls that use them tell them in a file.
#[derive(Default)]
pub(super) struct ToldOutputs<'a>(HashMap<(&'a str, usize), BTreeMap<usize, Option<Told>>>);

impl<'a> ToldOutputs<'a> {
    /// Notes an output that a call uses, with a serialized symbol's `shape` and `dtype` if the file has them.
    pub fn note(&mut self, History { name, node, output }: History<'a>, symbol: Option<&Value>) {
        let told = symbol.and_then(|symbol| {
            let shape = Shape::from_value(symbol.get("shape")?).ok()?;
            let dtype = symbol.get("dtype").and_then(Value::as_str).and_then(|dtype| dtype.parse().ok());
            Some((shape, dtype.unwrap_or(DType::Float32)))
        });
        let known = self.0.entry((name, node)).or_default().entry(output).or_default();
        *known = known.take().or(told);
    }

    /// Returns the outputs of a call.
    pub fn of(&self, name: &str, call: usize) -> Vec<Option<Told>> {
        let Some(told) = self.0.get(&(name, call)) else { return Vec::new() };
        // Positions come from a file, where one can be any number: few outputs of a layer are not used.
        let most = 16 * (told.len() + 1);
        let count = told.keys().filter(|index| **index < most).max().map_or(0, |last| last + 1);
        (0..count).map(|index| told.get(&index).cloned().flatten()).collect()
    }
}

/// Calls an operation on symbols. Where it can't be called, as a class in it is not registered, the call is recorded
/// with the outputs that are `told`, if such layers are kept.
pub(super) fn call_or_keep(
    operation: &Arc<dyn Operation>,
    args: &CallArgs,
    told: impl FnOnce() -> Vec<Option<Told>>,
) -> Result<Nested<Tensor>> {
    let error = match operation.run(args, &CallContext::inference()) {
        Err(error) if keeps_unknown() && error.kind() == ErrorKind::UnknownObject => error,
        result => return result,
    };
    if let Some(layer) = as_layer(&**operation) {
        // Legacy files do not tell for what layers were built. What can't be built has no weights that are known.
        let built = layer.build_for(args);
        tracing::debug!("`{}` is built without a call: {built:?}", operation.name());
    }
    tracing::debug!("the outputs of `{}` are as the file tells them: {error}", operation.name());
    let symbol = |told: Option<Told>| {
        let (shape, dtype) = told.unwrap_or((Shape::unranked(), DType::Float32));
        Tensor::symbol(shape, dtype)
    };
    let mut outputs: Vec<Tensor> = told().into_iter().map(symbol).collect();
    let outputs = match outputs.len() {
        0 => Nested::Leaf(symbol(None)),
        1 => Nested::Leaf(outputs.remove(0)),
        _ => Nested::list(outputs),
    };
    operation.inbound().record(operation.clone(), args.clone(), outputs)
}

/// Returns what a layer of a sequence is built for, which is the output of the one before it.
pub(super) fn told_by(next: Option<&LayerRef>) -> Vec<Option<Told>> {
    let shapes = next.and_then(|next| next.base().built_shapes());
    let shape = shapes.and_then(|shapes| shapes.values().next()?.single().ok().cloned());
    vec![shape.map(|shape| (shape, DType::Float32))]
}
