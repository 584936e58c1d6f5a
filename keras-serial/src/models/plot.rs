//! `plot_model`: pictures of live models, of which all shapes are known.

use std::collections::HashMap;
use std::sync::Arc;

use super::graph::as_layer;
use super::{Functional, Model};
use crate::error::Result;
use crate::files::plot::{Facts, Plot, PlotOptions, layer_names};
use crate::json::Value;
use crate::layers::LayerRef;
use crate::object::Handle;
use crate::tensor::symbolic::Operation;
use crate::tensor::{Nested, Tensor};

/// Draws a model (`keras.utils.plot_model`); [`Plot::save`] writes the picture as SVG, HTML, DOT, or PNG.
///
/// ```
/// use keras_serial::files::plot::PlotOptions;
/// use keras_serial::{models::plot_model, prelude::*};
/// let model = Sequential::new([Input::new([8]).layer(), Dense::new(2).activation("relu").into()])?;
/// let plot = plot_model(&model, &PlotOptions::new().show_shapes(true))?;
/// assert!(plot.to_svg()?.contains("(None, 2)"));
/// # let home = tempfile::tempdir()?;
/// # let path = home.path().join("model.svg");
/// plot.save(path)?;
/// # Ok::<(), keras_serial::Error>(())
/// ```
///
/// # Errors
/// If a layer's configuration can't be serialized.
pub fn plot_model(model: &Model, options: &PlotOptions) -> Result<Plot<'static>> {
    let config = Handle::serialize(model.as_layer())?;
    let facts = of_operation(model.as_layer(), &config);
    Ok(Plot::with_facts(config, facts, options))
}

fn of_operation(operation: &dyn Operation, form: &Value) -> Facts {
    let mut facts = Facts::default();
    let inbound = operation.inbound();
    // As in Keras, what the first call tells.
    let call = (0..inbound.len()).find_map(|index| inbound.get(index));
    if let Some(call) = call {
        facts.input =
            Some(call.input_tensors()).filter(|inputs| !inputs.is_empty()).map(|inputs| flat(&inputs, &shape));
        facts.output = Some(flat(&call.outputs.leaves(), &shape));
        facts.dtype = Some(flat(&call.outputs.leaves(), &dtype));
    }
    let Some(layer) = as_layer(operation) else { return facts };
    facts.trainable = (!layer.weights().is_empty()).then(|| layer.is_trainable());
    if let Some(functional) = layer.downcast_ref::<Functional>() {
        facts.input = Some(structure(&functional.graph.inputs, &shape));
        facts.output = Some(structure(&functional.graph.outputs, &shape));
        facts.dtype = Some(structure(&functional.graph.outputs, &dtype));
    }
    facts.layers = of_layers(layer, form);
    facts
}

/// Returns the facts of the layers of a model, in the order of its configuration.
fn of_layers(model: &LayerRef, form: &Value) -> Vec<Facts> {
    let operations: Vec<Arc<dyn Operation>> = match (model.downcast_ref::<Functional>(), model.graph()) {
        (Some(functional), _) => functional.graph.operations().to_vec(),
        (None, Some(graph)) => graph.graph_layers().into_iter().map(|layer| Arc::new(layer) as _).collect(),
        (None, None) => return Vec::new(),
    };
    let by_name: HashMap<String, Arc<dyn Operation>> =
        operations.into_iter().map(|operation| (operation.name(), operation)).collect();
    let each = layer_names(form).map(|(name, form)| {
        by_name.get(name).map(|operation| of_operation(operation.as_ref(), form)).unwrap_or_default()
    });
    each.collect()
}

fn shape(tensor: &Tensor) -> Value {
    Value::Str(tensor.shape().to_string())
}

fn dtype(tensor: &Tensor) -> Value {
    Value::Str(tensor.dtype().name().to_owned())
}

/// Returns one value alone, and several as a list.
fn flat(tensors: &[&Tensor], value: &dyn Fn(&Tensor) -> Value) -> Value {
    match tensors {
        [tensor] => value(tensor),
        tensors => Value::List(tensors.iter().map(|tensor| value(tensor)).collect()),
    }
}

/// Returns the values in the structure of the tensors, with lists for tuples, as files have them.
fn structure(tensors: &Nested<Tensor>, value: &dyn Fn(&Tensor) -> Value) -> Value {
    match tensors {
        Nested::Leaf(tensor) => value(tensor),
        Nested::None => Value::Null,
        Nested::List(items) | Nested::Tuple(items) => {
            Value::List(items.iter().map(|item| structure(item, value)).collect())
        }
        Nested::Dict(entries) => {
            Value::Dict(entries.iter().map(|(key, entry)| (key.clone(), structure(entry, value))).collect())
        }
    }
}
