//! Encoding of a graph as ONNX's protocol buffers (`onnx.proto`): the messages that hold no weights.

use crate::error::{Error, ErrorKind, Result};
use crate::program::onnx::{Attribute, Body, Dimension, Graph, Initializer, Operator, Value};
use crate::tensor::DType;
use crate::utils::Message;

/// Returns ONNX's number of a dtype (`TensorProto.DataType`).
pub(super) fn data_type(dtype: DType) -> Result<u64> {
    Ok(match dtype {
        DType::Float32 => 1,
        DType::UInt8 => 2,
        DType::Int8 => 3,
        DType::UInt16 => 4,
        DType::Int16 => 5,
        DType::Int32 => 6,
        DType::Int64 => 7,
        DType::Bool => 9,
        DType::Float16 => 10,
        DType::Float64 => 11,
        DType::UInt32 => 12,
        DType::UInt64 => 13,
        DType::BFloat16 => 16,
        DType::String => return Err(Error::new(ErrorKind::Unsupported, "strings have no ONNX form")),
    })
}

/// Returns the version of the format that an operator set came with.
fn ir_version(opset: i64) -> u64 {
    match opset {
        ..=14 => 7,
        15..=18 => 8,
        19..=20 => 9,
        21..=22 => 10,
        _ => 11,
    }
}

/// Returns a `ModelProto` without its graph, which the field 7 holds.
pub(super) fn model(graph: &Graph) -> Message {
    let opset = Message::default().bytes(1, b"").varint(2, graph.opset() as u64);
    Message::default()
        .varint(1, ir_version(graph.opset()))
        .bytes(2, b"keras-serial")
        .bytes(3, env!("CARGO_PKG_VERSION").as_bytes())
        .message(8, &opset)
}

/// Returns a `GraphProto` without its initializers, which the field 5 holds.
pub(super) fn graph(graph: &Graph, name: &str) -> Result<Message> {
    let mut message = Message::default();
    for operator in graph.operators() {
        message = message.message(1, &node(graph, operator)?);
    }
    message = message.bytes(2, name.as_bytes());
    for input in graph.inputs() {
        message = message.message(11, &value_info(graph, *input)?);
    }
    for output in graph.outputs() {
        message = message.message(12, &value_info(graph, *output)?);
    }
    Ok(message)
}

/// Returns a `NodeProto`.
fn node(graph: &Graph, operator: &Operator) -> Result<Message> {
    let mut message = Message::default();
    for input in &operator.inputs {
        message = message.bytes(1, graph.name(*input).as_bytes());
    }
    for output in &operator.outputs {
        message = message.bytes(2, graph.name(*output).as_bytes());
    }
    let name = operator.outputs.first().map_or("", |output| graph.name(*output));
    message = message.bytes(3, name.as_bytes()).bytes(4, operator.name.as_bytes());
    for (name, value) in &operator.attributes {
        message = message.message(5, &attribute(graph, name, value)?);
    }
    Ok(message)
}

/// Returns an `AttributeProto`.
fn attribute(graph: &Graph, name: &str, value: &Attribute) -> Result<Message> {
    let message = Message::default().bytes(1, name.as_bytes());
    Ok(match value {
        Attribute::Int(number) => message.varint(3, *number as u64).varint(20, 2),
        Attribute::DType(dtype) => message.varint(3, data_type(*dtype)?).varint(20, 2),
        Attribute::Text(text) => message.bytes(4, text.as_bytes()).varint(20, 3),
        Attribute::Body(body) => message.message(6, &subgraph(graph, body)?).varint(20, 5),
        Attribute::Ints(numbers) => {
            numbers.iter().fold(message, |message, number| message.varint(8, *number as u64)).varint(20, 7)
        }
    })
}

fn subgraph(graph: &Graph, body: &Body) -> Result<Message> {
    let mut message = Message::default();
    for operator in &body.operators {
        message = message.message(1, &node(graph, operator)?);
    }
    message = message.bytes(2, b"body");
    for input in &body.inputs {
        message = message.message(11, &value_info(graph, *input)?);
    }
    for output in &body.outputs {
        message = message.message(12, &value_info(graph, *output)?);
    }
    Ok(message)
}

/// Returns a `ValueInfoProto`: name, dtype, and the shape if it is known.
fn value_info(graph: &Graph, value: Value) -> Result<Message> {
    let mut tensor = Message::default().varint(1, data_type(graph.dtype(value))?);
    if graph.extents(value).is_some() {
        let shape = graph.dimensions(value).iter().fold(Message::default(), |shape, dimension| {
            let extent = match dimension {
                Dimension::Known(extent) => Message::default().varint(1, *extent as u64),
                Dimension::Named(name) => Message::default().bytes(2, name.as_bytes()),
                Dimension::Unknown => Message::default(),
            };
            shape.message(1, &extent)
        });
        tensor = tensor.message(2, &shape);
    }
    let of_tensor = Message::default().message(1, &tensor);
    Ok(Message::default().bytes(1, graph.name(value).as_bytes()).message(2, &of_tensor))
}

/// Returns a `TensorProto` without its elements.
pub(super) fn tensor(graph: &Graph, initializer: &Initializer) -> Result<Message> {
    let shape = initializer.stored_shape();
    let message = shape.iter().fold(Message::default(), |message, extent| message.varint(1, *extent as u64));
    let dtype = data_type(graph.dtype(initializer.value))?;
    Ok(message.varint(2, dtype).bytes(8, graph.name(initializer.value).as_bytes()))
}

/// Adds to a `TensorProto` where its elements are in another file.
pub(super) fn external(tensor: Message, location: &str, offset: u64, length: u64) -> Message {
    let entry = |key: &str, value: &str| Message::default().bytes(1, key.as_bytes()).bytes(2, value.as_bytes());
    tensor
        .message(13, &entry("location", location))
        .message(13, &entry("offset", &offset.to_string()))
        .message(13, &entry("length", &length.to_string()))
        .varint(14, 1)
}
