//! What pictures show of a layer beside its configuration: shapes, dtypes, and whether it is trained.
//!
//! A live model knows all of it. A file alone has the shapes and dtypes of tensors that a layer reads, those of
//! input layers, and the shapes for which layers were built; from them follow the outputs of the few classes in
//! [`infer`].

use std::collections::{BTreeMap, HashMap};

use super::family::Family;
use super::form::{Form, ModelKind};
use crate::json::Value;
use crate::object::History;

/// What is known of a layer beside its configuration.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Facts {
    /// The shapes of the inputs in their structure, as [`shape_text`] writes each.
    pub input: Option<Value>,
    /// The shapes of the outputs.
    pub output: Option<Value>,
    /// The dtypes of the outputs.
    pub dtype: Option<Value>,
    /// Whether the weights are trained; `None` without weights, or if the file does not tell.
    pub trainable: Option<bool>,
    /// The facts of a model's layers, in the order of its configuration.
    pub layers: Vec<Facts>,
}

/// A tensor's shape, and its dtype where that is known.
#[derive(Debug, Clone, PartialEq)]
struct Info {
    shape: Vec<Value>,
    dtype: Option<String>,
}

/// Returns the facts that the configuration of a model holds.
pub(super) fn of_config(model: &Value) -> Facts {
    Facts { layers: of_layers(Form(model), &[]), ..Facts::default() }
}

/// Returns the facts of a model's layers; `outputs` are what is known of the model's own.
fn of_layers(model: Form, outputs: &[Info]) -> Vec<Facts> {
    match model.model_kind() {
        Some(ModelKind::Functional) => of_functional(model, outputs),
        Some(ModelKind::Sequential) => of_sequential(model, outputs),
        None => Vec::new(),
    }
}

fn of_functional(model: Form, outputs: &[Info]) -> Vec<Facts> {
    // The outputs of each layer's first call, as far as other layers, or those around this model, read them.
    let mut read: HashMap<&str, BTreeMap<usize, Info>> = HashMap::new();
    for argument in model.layers().flat_map(Form::calls).flatten().filter(|argument| argument.source.node == 0) {
        if let Some(info) = argument.config.and_then(Info::of_tensor) {
            read.entry(argument.source.name).or_default().insert(argument.source.output, info);
        }
    }
    for (end, info) in model.ends("output_layers").into_iter().zip(outputs) {
        if end.node == 0 {
            read.entry(end.name).or_default().entry(end.output).or_insert_with(|| info.clone());
        }
    }
    let each = model.layers().map(|layer| {
        let call = layer.calls().next();
        let inputs: Option<Vec<Info>> =
            call.and_then(|call| call.iter().map(|argument| Info::of_tensor(argument.config?)).collect());
        let outputs = outputs_of(layer, read.get(layer.name()), inputs.as_deref());
        of_layer(layer, inputs.as_deref(), &outputs)
    });
    each.collect()
}

/// Returns the outputs that are known, without gaps.
fn outputs_of(layer: Form, read: Option<&BTreeMap<usize, Info>>, inputs: Option<&[Info]>) -> Vec<Info> {
    let mut known = Vec::new();
    if let Some(read) = read {
        known.extend(
            read.iter().enumerate().take_while(|(i, (index, _))| i == *index).map(|(_, (_, info))| info.clone()),
        );
        // Other states may follow that no layer reads.
        if layer.entry("return_state").and_then(Value::as_bool) == Some(true) && known.len() < 2 {
            known.clear();
        }
    }
    if known.is_empty() {
        let input = inputs.and_then(|inputs| inputs.first());
        known.extend(input_layer(layer).or_else(|| infer(layer, input?)));
    }
    known
}

fn of_sequential(model: Form, outputs: &[Info]) -> Vec<Facts> {
    let first = model.entry("layers").and_then(Value::as_list).and_then(|layers| layers.first()).map(Form);
    let given = || model.entry("build_input_shape").and_then(Info::of_shape);
    let current = first.and_then(input_layer).or_else(given);
    let layers: Vec<Form> = model.layers().collect();
    // The tensors before the first layer, between two, and behind the last.
    let mut tensors = vec![current];
    for (index, layer) in layers.iter().enumerate() {
        if let Some(input @ None) = tensors.last_mut() {
            *input = built_for(*layer);
        }
        let inferred = tensors.last().and_then(Option::as_ref).and_then(|input| infer(*layer, input));
        tensors.push(match layers.get(index + 1) {
            Some(next) => inferred.or_else(|| Some(Info { dtype: computed_dtype(*layer), ..built_for(*next)? })),
            None => outputs.first().cloned().or(inferred),
        });
    }
    for (index, layer) in layers.iter().enumerate().rev() {
        if let Some([input @ None, Some(output)]) = tensors.get_mut(index..index + 2) {
            let before = index.checked_sub(1).and_then(|before| layers.get(before));
            let dtype = before.and_then(|before| computed_dtype(*before));
            *input = keeps_shape(*layer).then(|| Info { shape: output.shape.clone(), dtype });
        }
    }
    let ends = tensors.iter().zip(tensors.iter().skip(1));
    layers
        .iter()
        .zip(ends)
        .map(|(layer, (input, output))| of_layer(*layer, Some(input.as_slice()), output.as_slice()))
        .collect()
}

fn of_layer(layer: Form, inputs: Option<&[Info]>, outputs: &[Info]) -> Facts {
    let mut own = Facts { layers: of_layers(layer, outputs), ..Facts::default() };
    own.input = inputs.filter(|inputs| !inputs.is_empty()).and_then(|inputs| flat(inputs, |info| Some(info.text())));
    own.output = flat(outputs, |info| Some(info.text()));
    own.dtype = flat(outputs, |info| info.dtype.clone().map(Value::Str));
    match layer.model_kind() {
        Some(ModelKind::Functional) => of_ends(layer, outputs, &mut own),
        Some(ModelKind::Sequential) => {
            let last = own.layers.last();
            own.output = own.output.or_else(|| last?.output.clone());
            own.dtype = own.dtype.or_else(|| last?.dtype.clone());
        }
        None => {}
    }
    own
}

/// Sets the inputs and outputs of a nested Functional model, in their structure.
fn of_ends(model: Form, outputs: &[Info], own: &mut Facts) {
    let named: HashMap<&str, &Facts> = model.layers().map(Form::name).zip(&own.layers).collect();
    let of_layer = |end: History, value: fn(&Facts) -> &Option<Value>| {
        value(named.get(end.name)?).clone().filter(|value| end.output == 0 && value.as_str().is_some())
    };
    let (inputs, ends) = (model.entry("input_layers"), model.entry("output_layers"));
    let input = inputs.and_then(|ends| structure(ends, &mut |end| of_layer(end, |facts| &facts.output)));
    let (mut shapes, mut dtypes) = (outputs.iter(), outputs.iter());
    let output = ends.and_then(|ends| {
        structure(ends, &mut |end| shapes.next().map(Info::text).or_else(|| of_layer(end, |facts| &facts.output)))
    });
    let dtype = ends.and_then(|ends| {
        let mut next = || dtypes.next()?.dtype.clone().map(Value::Str);
        structure(ends, &mut |end| next().or_else(|| of_layer(end, |facts| &facts.dtype)))
    });
    (own.input, own.output, own.dtype) = (input, output, dtype);
}

/// Returns one value alone, and several as a list; `None` if one is missing.
fn flat(infos: &[Info], value: impl Fn(&Info) -> Option<Value>) -> Option<Value> {
    let mut values: Vec<Value> = infos.iter().map(value).collect::<Option<_>>()?;
    if values.len() == 1 { values.pop() } else { (!values.is_empty()).then_some(Value::List(values)) }
}

/// Replaces each `[name, node index, tensor index]` in a structure.
fn structure<'a>(ends: &'a Value, leaf: &mut dyn FnMut(History<'a>) -> Option<Value>) -> Option<Value> {
    match (History::of(ends), ends) {
        (Some(end), _) => leaf(end),
        (None, Value::List(items)) => {
            items.iter().map(|item| structure(item, leaf)).collect::<Option<_>>().map(Value::List)
        }
        (None, Value::Dict(entries)) => {
            // Keras numbers the tensors by sorted keys.
            let mut keys: Vec<&String> = entries.keys().collect();
            keys.sort();
            let mut values = HashMap::new();
            for key in keys {
                values.insert(key, structure(entries.get(key)?, leaf)?);
            }
            let each = entries.keys().map(|key| Some((key.clone(), values.remove(key)?)));
            each.collect::<Option<_>>().map(Value::Dict)
        }
        _ => None,
    }
}

/// Returns the output of an input layer.
fn input_layer(layer: Form) -> Option<Info> {
    if layer.class() != "InputLayer" {
        return None;
    }
    let shape = layer.entry("batch_shape").or_else(|| layer.entry("batch_input_shape"))?;
    Some(Info { dtype: layer.entry("dtype").and_then(dtype_name), ..Info::of_shape(shape)? })
}

fn built_for(layer: Form) -> Option<Info> {
    Info::of_shape(layer.0.get("build_config")?.get("input_shape")?)
}

impl Info {
    fn of_shape(shape: &Value) -> Option<Self> {
        let shape = shape.as_list()?;
        let is_shape = shape.iter().all(|extent| matches!(extent, Value::Null | Value::Int(_)));
        is_shape.then(|| Self { shape: shape.to_vec(), dtype: None })
    }

    fn of_tensor(config: &Value) -> Option<Self> {
        Some(Self { dtype: config.get("dtype").and_then(dtype_name), ..Self::of_shape(config.get("shape")?)? })
    }

    fn text(&self) -> Value {
        Value::Str(shape_text(self.shape.iter().map(Value::as_i64)))
    }
}

/// Writes a shape as Python does: `(None, 8)`.
fn shape_text(extents: impl Iterator<Item = Option<i64>>) -> String {
    let extents: Vec<String> =
        extents.map(|extent| extent.map_or_else(|| "None".to_owned(), |extent| extent.to_string())).collect();
    let comma = if extents.len() == 1 { "," } else { "" };
    format!("({}{comma})", extents.join(", "))
}

/// Returns the dtype in which a layer of this dtype or policy computes.
fn dtype_name(dtype: &Value) -> Option<String> {
    let name = dtype.as_str().or_else(|| dtype.get("config")?.get("name")?.as_str())?;
    Some(name.strip_prefix("mixed_").unwrap_or(name).to_owned())
}

/// Classes of `keras.layers` whose output has the shape of the input, and the layer's dtype.
const SAME_SHAPE: &[&str] = &[
    "Activation",
    "ActivityRegularization",
    "AlphaDropout",
    "BatchNormalization",
    "Dropout",
    "ELU",
    "GaussianDropout",
    "GaussianNoise",
    "GroupNormalization",
    "LayerNormalization",
    "LeakyReLU",
    "PReLU",
    "RMSNormalization",
    "ReLU",
    "Rescaling",
    "Softmax",
    "SpatialDropout1D",
    "SpatialDropout2D",
    "SpatialDropout3D",
    "UnitNormalization",
];

/// Returns true for layers whose output has the shape of the input.
fn keeps_shape(layer: Form) -> bool {
    !is_custom(layer) && SAME_SHAPE.contains(&layer.class())
}

fn is_custom(layer: Form) -> bool {
    layer.0.get("registered_name").and_then(Value::as_str).is_some_and(|name| name.contains('>'))
}

/// Returns the dtype in which a layer computes, if its class has its outputs in that.
fn computed_dtype(layer: Form) -> Option<String> {
    use Family::{Attention, Convolution, Normalization, Pooling, Recurrent};
    let family = Family::of(layer.0, layer.class());
    let is_known = matches!(family, Convolution | Pooling | Normalization | Recurrent | Attention);
    layer.entry("dtype").filter(|_| is_known).and_then(dtype_name)
}

/// Returns the output of a layer of one of the simplest classes, which need no engine for it.
fn infer(layer: Form, input: &Info) -> Option<Info> {
    if is_custom(layer) {
        return None;
    }
    let mut shape = input.shape.clone();
    match layer.class() {
        _ if keeps_shape(layer) => {}
        "Dense" => *shape.last_mut()? = layer.entry("units")?.clone(),
        "Embedding" => shape.push(layer.entry("output_dim")?.clone()),
        "Flatten" => {
            let extents = shape.get(1..)?.iter().map(Value::as_i64);
            let size = extents.map(Option::unwrap_or_default).try_fold(1i64, i64::checked_mul)?;
            shape.truncate(1);
            shape.push(if size == 0 { Value::Null } else { Value::Int(size) });
        }
        _ => return None,
    }
    Some(Info { shape, dtype: layer.entry("dtype").and_then(dtype_name) })
}
