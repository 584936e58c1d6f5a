//! Graphs over again: models from the middle of a graph, and copies with new weights.

use std::collections::HashMap;
use std::sync::Arc;

use super::graph::{Graph, as_layer};
use super::{Functional, Model, Sequential};
use crate::error::{Error, ErrorKind, Result, ResultExt};
use crate::json::Value;
use crate::layers::{Input, InputLayer, LayerRef};
use crate::object::{Form, Handle};
use crate::ops::OpRef;
use crate::registry::{TypedHandle, deserialize_object};
use crate::tensor::symbolic::{Fresh, Operation};
use crate::tensor::{CallContext, Item, Nested, Tensor};

/// A graph that starts at symbols in the middle of another gets inputs of its own there.
pub(super) fn from_inputs(inputs: Nested<Tensor>, outputs: Nested<Tensor>) -> Result<(Nested<Tensor>, Nested<Tensor>)> {
    let is_input = |t: &&Tensor| t.history().is_none_or(|history| history.node.is_input());
    if inputs.leaves().iter().all(is_input) {
        return Ok((inputs, outputs));
    }
    let _fresh = Fresh::enter();
    let graph = Graph::new(inputs.clone(), outputs)?;
    let fresh = inputs.try_map(&mut |tensor| match tensor.history() {
        Some(history) if !history.node.is_input() => {
            let name = format!("{}CLONE", history.node.operation.name());
            InputLayer::output(&Input::with_batch_shape(tensor.shape().clone(), tensor.dtype(), Some(name), false))
        }
        _ => Ok(tensor.clone()),
    })?;
    let values = fresh.leaves().into_iter().cloned().map(Some).collect();
    let outputs = graph.run(values, &CallContext::inference())?;
    let outputs = graph.outputs.pack(outputs.leaves().into_iter().cloned().collect::<Vec<_>>())?;
    Ok((fresh, outputs))
}

/// A model of the same architecture with new weights and no compile state (`keras.models.clone_model`).
///
/// # Errors
/// When a layer's configuration can't be written or read, or the model is neither Functional nor
/// Sequential.
pub fn clone_model(model: &Model) -> Result<Model> {
    clone_model_with(model, copy_layer)
}

/// As [`clone_model`]; `clone_function` makes each new layer from the old one.
///
/// # Errors
/// As [`clone_model`], and the function's own.
pub fn clone_model_with(model: &Model, mut clone_function: impl FnMut(&LayerRef) -> Result<LayerRef>) -> Result<Model> {
    clone_layer(model.as_layer(), &mut clone_function).map(Model::from)
}

/// A layer made again from its configuration, without weights.
///
/// # Errors
/// When the configuration can't be written or read.
pub fn copy_layer(layer: &LayerRef) -> Result<LayerRef> {
    let Value::Dict(mut form) = Handle::serialize(layer)? else {
        return Err(Error::new(ErrorKind::Config, "a layer's form is a dict"));
    };
    form.shift_remove("build_config");
    form.shift_remove("compile_config");
    match Form::of(&form)? {
        Some(form) => deserialize_object(&form, Some(LayerRef::KIND))?.downcast("a layer"),
        None => Err(Error::new(ErrorKind::Config, "a layer's form needs a class and a configuration")),
    }
}

fn clone_layer(layer: &LayerRef, clone_function: &mut dyn FnMut(&LayerRef) -> Result<LayerRef>) -> Result<LayerRef> {
    if let Some(functional) = layer.downcast_ref::<Functional>() {
        return clone_functional(layer, functional, clone_function);
    }
    if let Some(sequential) = layer.downcast_ref::<Sequential>() {
        let layers = sequential
            .all_layers()
            .iter()
            .map(|layer| clone_inner(layer, clone_function))
            .collect::<Result<Vec<_>>>()?;
        return Sequential::named(layer.name(), layers).map(|model| model.as_layer().clone());
    }
    if layer.layer().is_model() {
        return Err(Error::new(
            ErrorKind::InvalidArgument,
            "Expected `model` argument to be a functional `Model` instance, but got a subclassed model instead",
        )
        .hint("make it again from its configuration: `copy_layer`"));
    }
    clone_function(layer)
}

fn clone_inner(layer: &LayerRef, clone_function: &mut dyn FnMut(&LayerRef) -> Result<LayerRef>) -> Result<LayerRef> {
    if layer.downcast_ref::<InputLayer>().is_some() {
        return copy_layer(layer);
    }
    clone_layer(layer, clone_function).at_with(|| layer.name().to_owned())
}

fn clone_functional(
    layer: &LayerRef,
    functional: &Functional,
    clone_function: &mut dyn FnMut(&LayerRef) -> Result<LayerRef>,
) -> Result<LayerRef> {
    let _fresh = Fresh::enter();
    let graph = &functional.graph;
    let mut copies: HashMap<usize, Arc<dyn Operation>> = HashMap::new();
    for operation in graph.operations() {
        let copy: Arc<dyn Operation> = match as_layer(&**operation) {
            Some(layer) => Arc::new(clone_inner(layer, clone_function)?),
            None => copy_operation(&**operation)?,
        };
        copies.insert(operation.id(), copy);
    }
    let copy_of =
        |id: usize| copies.get(&id).cloned().ok_or_else(|| Error::new(ErrorKind::Graph, "a layer was not copied"));
    let mut values: HashMap<(usize, usize), Tensor> = HashMap::new();
    for node in graph.nodes() {
        let copy = copy_of(node.operation.id())?;
        let outputs = match as_layer(&*copy).filter(|_| node.is_input()) {
            Some(input) => Nested::Leaf(InputLayer::output(input)?),
            None => {
                let args = node.args.try_map(&mut |tensor| {
                    let copied = tensor.history().and_then(|history| values.get(&history.key()));
                    Ok(Nested::Leaf(Item::Tensor(copied.unwrap_or(tensor).clone())))
                })?;
                copy.run(&args, &CallContext::inference())?
            }
        };
        for (index, output) in outputs.leaves().into_iter().enumerate() {
            values.insert((Arc::as_ptr(node) as usize, index), output.clone());
        }
    }
    let mut swap = |tensor: &Tensor| {
        let copied = tensor.history().and_then(|history| values.get(&history.key()));
        copied.cloned().ok_or_else(|| Error::new(ErrorKind::Graph, "an end of the graph was not copied"))
    };
    let (inputs, outputs) = (graph.inputs.try_map(&mut swap)?, graph.outputs.try_map(&mut swap)?);
    Ok(Functional::named(layer.name(), inputs, outputs)?.as_layer().clone())
}

fn copy_operation(operation: &dyn Operation) -> Result<Arc<dyn Operation>> {
    let form = operation.serialize()?;
    let copy = match form.as_dict().map(Form::of).transpose()?.flatten() {
        Some(form) => OpRef::from_form(&form)?,
        None => None,
    };
    let copy = copy.ok_or_else(|| Error::new(ErrorKind::Graph, format!("`{}` can't be copied", operation.name())))?;
    Ok(Arc::new(copy))
}
