//! Serialization of graphs: layers, their calls, and the model's inputs and outputs.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::sync::Arc;

use super::graph::{Graph, as_layer};
use super::told::{ToldOutputs, call_or_keep};
use crate::config::{Config, ConfigField, wrong_type};
use crate::error::{Error, ErrorKind, Result, ResultExt, did_you_mean};
use crate::json::{Dict, Value};
use crate::layers::{InputLayer, LayerRef};
use crate::object::{CallTensor, Form, History, mark_first};
use crate::ops::OpRef;
use crate::registry::{Deserialized, deserialize, deserialize_form, keep, legacy_module};
use crate::tensor::symbolic::{Fresh, Node, Operation};
use crate::tensor::{CallArgs, DType, Item, Nested, Shape, Tensor, TensorValue};

/// Writes the entries `layers`, `input_layers` and `output_layers`.
pub(super) fn write(graph: &Graph, config: &mut Config) -> Result<()> {
    let mut layers = Vec::new();
    for operation in graph.operations() {
        let mut nodes = Vec::new();
        for index in 0..operation.inbound().len() {
            if let Some(node) = operation.inbound().get(index).filter(|_| graph.contains(&**operation, index))
                && !node.is_input()
            {
                nodes.push(write_node(graph, &node)?);
            }
        }
        let Value::Dict(mut form) = operation.serialize()? else { continue };
        form.insert("name".into(), Value::from(operation.name()));
        form.insert("inbound_nodes".into(), Value::List(nodes));
        layers.push((operation.id(), form));
    }
    // The mark is set here, because a layer that is also in an inner model has the same id in both places.
    let layers = layers.into_iter().map(|(id, mut form)| {
        mark_first(id, &mut form);
        Value::Dict(form)
    });
    config.insert("layers".into(), Value::List(layers.collect()));
    config.insert("input_layers".into(), write_ends(graph, &graph.inputs)?);
    config.insert("output_layers".into(), write_ends(graph, &graph.outputs)?);
    Ok(())
}

fn is_functional(operation: &dyn Operation) -> bool {
    as_layer(operation).and_then(|layer| layer.graph()).is_some_and(|graph| graph.is_functional())
}

fn write_ends(graph: &Graph, tensors: &Nested<Tensor>) -> Result<Value> {
    Ok(match tensors {
        Nested::Leaf(tensor) => {
            let history =
                tensor.history().ok_or_else(|| Error::new(ErrorKind::Graph, "an end of the graph is no symbol"))?;
            let node = &history.node;
            // Keras also counts the call by which a Functional model was constructed.
            let index = graph.position(node) + usize::from(is_functional(&*node.operation));
            Value::from(vec![Value::from(node.operation.name()), Value::from(index), Value::from(history.index)])
        }
        Nested::None => Value::Null,
        Nested::List(items) | Nested::Tuple(items) => {
            Value::List(items.iter().map(|item| write_ends(graph, item)).collect::<Result<_>>()?)
        }
        Nested::Dict(items) => {
            Value::Dict(items.iter().map(|(k, v)| Ok((k.clone(), write_ends(graph, v)?))).collect::<Result<_>>()?)
        }
    })
}

fn special(class_name: &str, config: Dict) -> Value {
    Value::Dict(Dict::from([
        ("class_name".to_owned(), Value::from(class_name)),
        ("config".to_owned(), Value::Dict(config)),
    ]))
}

fn write_node(graph: &Graph, node: &Node) -> Result<Value> {
    let args = node.args.positional.iter().map(|arg| write_arg(graph, arg)).collect::<Result<Vec<_>>>()?;
    let kwargs = node.args.keywords.iter().map(|(k, arg)| Ok((k.clone(), write_arg(graph, arg)?)));
    Ok(Value::Dict(Dict::from([
        ("args".to_owned(), Value::List(args)),
        ("kwargs".to_owned(), Value::Dict(kwargs.collect::<Result<_>>()?)),
    ])))
}

fn write_arg(graph: &Graph, arg: &Nested<Item>) -> Result<Value> {
    Ok(match arg {
        Nested::Leaf(Item::Tensor(tensor)) => match tensor.history() {
            Some(history) => special(
                "__keras_tensor__",
                Dict::from([
                    ("shape".to_owned(), tensor.shape().to_value()?),
                    ("dtype".to_owned(), Value::from(tensor.dtype().name())),
                    (
                        "keras_history".to_owned(),
                        Value::from(vec![
                            Value::from(history.node.operation.name()),
                            Value::from(graph.position(&history.node)),
                            Value::from(history.index),
                        ]),
                    ),
                ]),
            ),
            None => TensorValue::new(tensor.clone(), "__tensor__").to_value()?,
        },
        Nested::Leaf(Item::Array(array)) => TensorValue::numpy(array.clone()).to_value()?,
        Nested::Leaf(Item::Value(value)) => value.clone(),
        Nested::Leaf(Item::Slice(start, stop, step)) => Deserialized::slice(*start, *stop, *step).serialize()?,
        Nested::Leaf(Item::Ellipsis) => Deserialized::Ellipsis.serialize()?,
        Nested::None => Value::Null,
        Nested::List(items) | Nested::Tuple(items) => {
            Value::List(items.iter().map(|item| write_arg(graph, item)).collect::<Result<_>>()?)
        }
        Nested::Dict(items) => {
            Value::Dict(items.iter().map(|(k, v)| Ok((k.clone(), write_arg(graph, v)?))).collect::<Result<_>>()?)
        }
    })
}

/// A deserialized layer or operation, and the outputs of its calls so far.
struct Made {
    operation: Arc<dyn Operation>,
    calls: Vec<Vec<Tensor>>,
}

/// Deserializes a graph and returns its inputs and outputs.
pub(super) fn read(config: &Config) -> Result<(Nested<Tensor>, Nested<Tensor>)> {
    let _fresh = Fresh::enter();
    let layers = crate::config::field::entry(config, "layers", &[])
        .ok_or_else(|| crate::config::field::missing(config, "layers"))?;
    let layers = layers.as_list().ok_or_else(|| wrong_type("a list", layers).at("layers"))?;
    let mut made: HashMap<String, Made> = HashMap::new();
    let mut layers_calls: Vec<(String, Vec<&Value>)> = Vec::new();
    for (i, layer) in layers.iter().enumerate() {
        let (name, one, calls) = make(layer).at_with(|| format!("layers[{i}]"))?;
        if made.insert(name.clone(), one).is_some() {
            return Err(
                Error::new(ErrorKind::Graph, format!("two layers are called `{name}`")).at(format!("layers[{i}]"))
            );
        }
        layers_calls.push((name, calls));
    }
    run_calls(&mut made, &layers_calls, config)?;
    let ends = |key: &'static str| {
        let value = config.get(key).ok_or_else(|| crate::config::field::missing(config, key))?;
        read_ends(value, &made).at(key)
    };
    Ok((ends("input_layers")?, ends("output_layers")?))
}

/// Runs the calls of all layers. A call waits until all of its inputs are computed, because shared layers
/// have calls at several depths, and a file can list layers in any order.
///
/// Keras repeatedly goes through the list and runs every call that it can. This function keeps that order,
/// because it determines which random numbers initialize which weights; but it revisits a layer only when
/// what its next call waits for is computed.
fn run_calls(made: &mut HashMap<String, Made>, layers: &[(String, Vec<&Value>)], config: &Config) -> Result<()> {
    let told = OnceCell::new();
    let told = || told.get_or_init(|| told_outputs(layers, config));
    let positions: HashMap<&str, usize> = layers.iter().enumerate().map(|(i, (name, _))| (name.as_str(), i)).collect();
    // Pairs of the round through the list and the position in it.
    let mut ready: BinaryHeap<Reverse<(usize, usize)>> = (0..layers.len()).map(|i| Reverse((0, i))).collect();
    // For each layer the number of calls done, and the number of results that its next call waits for.
    let (mut done, mut missing) = (vec![0; layers.len()], vec![0_usize; layers.len()]);
    // The layers that wait for a call, by the position of the called layer and the call's index.
    let mut waiting: HashMap<(usize, usize), Vec<usize>> = HashMap::new();
    // Whether a call ran since the last pass over all layers; whether calls are tried without looking at what
    // they wait for.
    let (mut moved, mut by_trial) = (false, false);
    while let Some(Reverse((round, position))) = ready.pop() {
        let Some((name, calls)) = layers.get(position) else { continue };
        let mut next = done.get(position).copied().unwrap_or_default();
        while let Some(call) = calls.get(next) {
            let mut lacks = 0;
            for (needed, index) in if by_trial { Vec::new() } else { needs(call) } {
                if let Some(at) = positions.get(needed)
                    && made.get(needed).is_some_and(|one| one.calls.len() <= index)
                {
                    waiting.entry((*at, index)).or_default().push(position);
                    lacks += 1;
                }
            }
            if lacks > 0 {
                missing.get_mut(position).into_iter().for_each(|missing| *missing = lacks);
                break;
            }
            let args = read_call(call, made).at_with(|| format!("inbound_nodes[{next}]")).at_with(|| name.clone())?;
            let Some(args) = args else { break };
            let Some(one) = made.get_mut(name) else { break };
            let outputs = call_or_keep(&one.operation, &args, || told().of(name, next))?;
            one.calls.push(outputs.leaves().into_iter().cloned().collect());
            (next, moved) = (next + 1, true);
            for waiter in waiting.remove(&(position, one.calls.len() - 1)).unwrap_or_default() {
                let Some(lacks) = missing.get_mut(waiter) else { continue };
                *lacks = lacks.saturating_sub(1);
                if *lacks == 0 {
                    ready.push(Reverse((round + usize::from(waiter <= position), waiter)));
                }
            }
        }
        done.get_mut(position).into_iter().for_each(|done| *done = next);
        // A call can refer to its inputs in a way that `needs` does not recognize: try all that are left.
        if ready.is_empty() && std::mem::take(&mut moved) {
            by_trial = true;
            let left = layers.iter().zip(&done).enumerate().filter(|(_, ((_, calls), done))| **done < calls.len());
            ready.extend(left.map(|(position, _)| Reverse((round + 1, position))));
        }
    }
    let left = layers.iter().zip(&done).filter(|((_, calls), done)| **done < calls.len());
    let names: Vec<&str> = left.map(|((name, _), _)| name.as_str()).collect();
    if names.is_empty() {
        return Ok(());
    }
    let more = if names.len() > 10 { format!(" and {} more", names.len() - 10) } else { String::new() };
    let names = names.into_iter().take(10).collect::<Vec<_>>().join(", ");
    Err(Error::new(
        ErrorKind::Graph,
        "Invalid Functional model configuration. The graph of the Functional model either has loops or disconnected nodes",
    )
    .received(format!("nodes that can't be resolved: {names}{more}")))
}

/// Returns what the calls of a graph, and its ends, tell of the outputs that they use.
fn told_outputs<'a>(layers: &'a [(String, Vec<&'a Value>)], config: &'a Config) -> ToldOutputs<'a> {
    let mut told = ToldOutputs::default();
    for call in layers.iter().flat_map(|(_, calls)| calls) {
        CallTensor::of_call(call).into_iter().for_each(|tensor| told.note(tensor.source, tensor.config));
    }
    if let Some(ends) = config.get("output_layers") {
        History::of_ends(ends).into_iter().for_each(|end| told.note(end, None));
    }
    told
}

/// Returns the calls whose results a call needs, by layer name and call index.
fn needs(call: &Value) -> Vec<(&str, usize)> {
    CallTensor::of_call(call).iter().map(|tensor| (tensor.source.name, tensor.source.node)).collect()
}

/// Adds the module to a serialized layer, which legacy files leave out.
pub(super) fn with_module(form: &Dict, in_graph: bool) -> Cow<'_, Dict> {
    if form.contains_key("module") || form.get("class_name").and_then(Value::as_str).is_none() {
        return Cow::Borrowed(form);
    }
    let mut form = form.clone();
    form.insert("module".into(), Value::from(legacy_module(&form, in_graph)));
    Cow::Owned(form)
}

fn make(layer: &Value) -> Result<(String, Made, Vec<&Value>)> {
    let dict = layer.as_dict().ok_or_else(|| wrong_type("a layer's form, a dict", layer))?;
    let modern = with_module(dict, true);
    let form = Form::of(&modern)?.ok_or_else(|| {
        Error::new(ErrorKind::Config, "not a layer's form")
            .expected("entries `class_name` and `config`")
            .received(layer.short())
    })?;
    let name = match dict.get("name") {
        Some(name) => name.as_str().ok_or_else(|| wrong_type("a string", name).at("name"))?.to_owned(),
        None => return Err(crate::config::field::missing(dict, "name")),
    };
    let operation: Arc<dyn Operation> = match OpRef::from_form(&form) {
        Ok(Some(operation)) => Arc::new(operation),
        Err(error) => Arc::new(keep::<LayerRef>(layer, error)?),
        Ok(None) => Arc::new(deserialize_form::<LayerRef>(&form, layer)?),
    };
    let mut calls = Vec::new();
    if let Some(layer) = as_layer(&*operation)
        && layer.downcast_ref::<InputLayer>().is_some()
    {
        calls.push(vec![InputLayer::output(layer)?]);
    }
    let nodes = dict
        .get("inbound_nodes")
        .ok_or_else(|| crate::config::field::missing(dict, "inbound_nodes").at(name.clone()))?;
    let nodes = nodes.as_list().ok_or_else(|| wrong_type("a list", nodes).at("inbound_nodes").at(name.clone()))?;
    // Files of Keras 2 give input layers an empty call.
    let nodes = nodes.iter().filter(|node| node.as_list().is_none_or(|node| !node.is_empty())).collect();
    Ok((name, Made { operation, calls }, nodes))
}

/// Returns a result of a call, or `None` if it is not computed yet.
fn find(name: &str, node: usize, index: usize, made: &HashMap<String, Made>) -> Result<Option<Tensor>> {
    let one = made.get(name).ok_or_else(|| {
        let error =
            Error::new(ErrorKind::Graph, format!("Invalid Functional model configuration. Missing node: {name}"));
        match did_you_mean(name, made.keys().map(String::as_str)) {
            Some(near) => error.hint(near),
            None => error,
        }
    })?;
    let Some(outputs) = one.calls.get(node) else { return Ok(None) };
    outputs.get(index).cloned().map(Some).ok_or_else(|| {
        Error::new(ErrorKind::Graph, format!("`{name}` has no output {index}"))
            .expected(format!("an output below {}", outputs.len()))
    })
}

fn history(value: &Value) -> Result<(&str, usize, usize)> {
    match value.as_list() {
        Some([Value::Str(name), node, index, ..]) => Ok((name, usize::from_value(node)?, usize::from_value(index)?)),
        _ => Err(wrong_type("[layer's name, call, output]", value)),
    }
}

fn read_ends(value: &Value, made: &HashMap<String, Made>) -> Result<Nested<Tensor>> {
    match value {
        Value::List(items) if items.len() == 3 && matches!(items.first(), Some(Value::Str(_))) => {
            let (name, node, index) = history(value)?;
            let functional = made.get(name).is_some_and(|one| is_functional(&*one.operation));
            let node = if functional { node.saturating_sub(1) } else { node };
            let tensor = find(name, node, index, made)?;
            tensor.map(Nested::Leaf).ok_or_else(|| Error::new(ErrorKind::Graph, format!("`{name}` has no call {node}")))
        }
        Value::List(items) => Ok(Nested::List(items.iter().map(|item| read_ends(item, made)).collect::<Result<_>>()?)),
        Value::Dict(items) => {
            let items = items.iter().map(|(k, v)| Ok((k.clone(), read_ends(v, made).at_with(|| k.clone())?)));
            Ok(Nested::Dict(items.collect::<Result<_>>()?))
        }
        other => Err(wrong_type("[layer's name, call, output], or lists and dicts of them", other)),
    }
}

/// Reads the arguments of a call; `None` if one of them is not computed yet.
fn read_call(call: &Value, made: &HashMap<String, Made>) -> Result<Option<CallArgs>> {
    if let Value::List(tensors) = call {
        return read_legacy_call(tensors, made);
    }
    let dict = call.as_dict().ok_or_else(|| wrong_type("a dict with `args` and `kwargs`", call))?;
    let entry = |name: &'static str| dict.get(name).ok_or_else(|| crate::config::field::missing(dict, name));
    let (args, kwargs) = (entry("args")?, entry("kwargs")?);
    let args = args.as_list().ok_or_else(|| wrong_type("a list", args).at("args"))?;
    let kwargs = kwargs.as_dict().ok_or_else(|| wrong_type("a dict", kwargs).at("kwargs"))?;
    let mut out = CallArgs::none();
    for (i, arg) in args.iter().enumerate() {
        let Some(arg) = read_arg(arg, made).at_with(|| format!("args[{i}]"))? else { return Ok(None) };
        out.positional.push(arg);
    }
    for (name, arg) in kwargs {
        let Some(arg) = read_arg(arg, made).at_with(|| name.clone())? else { return Ok(None) };
        out.keywords.insert(name.clone(), arg);
    }
    Ok(Some(out))
}

/// Reads a call in the Keras 2 format: a list of [layer name, call, output, keywords].
fn read_legacy_call(tensors: &[Value], made: &HashMap<String, Made>) -> Result<Option<CallArgs>> {
    let mut inputs = Vec::new();
    let mut out = CallArgs::none();
    for tensor in tensors {
        let (name, node, index) = history(tensor)?;
        let Some(tensor_value) = find(name, node, index, made)? else { return Ok(None) };
        inputs.push(Nested::Leaf(Item::Tensor(tensor_value)));
        if let Some(Value::Dict(kwargs)) = tensor.as_list().and_then(|items| items.get(3)) {
            for (name, arg) in kwargs {
                let Some(arg) = read_arg(arg, made).at_with(|| name.clone())? else { return Ok(None) };
                out.keywords.insert(name.clone(), arg);
            }
        }
    }
    out.positional.push(if inputs.len() == 1 { inputs.remove(0) } else { Nested::List(inputs) });
    Ok(Some(out))
}

fn read_arg(arg: &Value, made: &HashMap<String, Made>) -> Result<Option<Nested<Item>>> {
    let collect = |items: &[Value]| items.iter().map(|item| read_arg(item, made)).collect::<Result<Option<Vec<_>>>>();
    match arg {
        Value::Null => Ok(Some(Nested::None)),
        Value::List(items) => Ok(collect(items)?.map(Nested::List)),
        Value::Dict(dict) => match Form::of(dict)? {
            Some(form) if form.class_name == "__keras_tensor__" => read_symbol(&form, made),
            Some(_) => read_special(arg),
            None => {
                let mut items = indexmap::IndexMap::new();
                for (key, item) in dict {
                    let Some(item) = read_arg(item, made).at_with(|| key.clone())? else { return Ok(None) };
                    items.insert(key.clone(), item);
                }
                Ok(Some(Nested::Dict(items)))
            }
        },
        plain => Ok(Some(Nested::Leaf(Item::Value(plain.clone())))),
    }
}

fn read_symbol(form: &Form<'_>, made: &HashMap<String, Made>) -> Result<Option<Nested<Item>>> {
    let config = form.config_dict()?;
    match config.get("keras_history") {
        Some(value) if !value.is_null() => {
            let (name, node, index) = history(value).at("keras_history")?;
            Ok(find(name, node, index, made)?.map(|tensor| Nested::Leaf(Item::Tensor(tensor))))
        }
        _ => {
            let shape = crate::config::field::required(&config, "shape", &[], Shape::from_value)?;
            let dtype = config.get("dtype").and_then(Value::as_str).unwrap_or("float32").parse::<DType>()?;
            Ok(Some(Nested::Leaf(Item::Tensor(Tensor::symbol(shape, dtype)))))
        }
    }
}

fn read_special(arg: &Value) -> Result<Option<Nested<Item>>> {
    Ok(Some(match deserialize(arg)? {
        Deserialized::Slice(bounds) => {
            let integer = |bound: &Deserialized| match bound {
                Deserialized::Plain(value) => Option::<i64>::from_value(value),
                _ => Err(Error::new(ErrorKind::Unsupported, "a slice's bounds have to be integers")),
            };
            let [start, stop, step] = bounds.as_ref();
            Nested::Leaf(Item::Slice(integer(start)?, integer(stop)?, integer(step)?))
        }
        Deserialized::Ellipsis => Nested::Leaf(Item::Ellipsis),
        Deserialized::Object(object) => match object.downcast_ref::<TensorValue>() {
            Some(value) if value.is_numpy() => Nested::Leaf(Item::Array(value.tensor().clone())),
            Some(value) => Nested::Leaf(Item::Tensor(value.tensor().clone())),
            // Any other object, such as a dtype policy or a function, stays in its serialized form.
            None => Nested::Leaf(Item::Value(arg.clone())),
        },
        _ => Nested::Leaf(Item::Value(arg.clone())),
    }))
}
