//! Upgrades arguments of Keras 2's layers, initializers and dtype policies that Keras 3 does not accept.

use super::{class_of, graph, is_form, is_own, no_longer, own_form};
use crate::error::{Result, ResultExt};
use crate::json::{Dict, Value};

/// How an argument is upgraded.
pub(super) enum Rule {
    /// Dropped: it affects how the result is computed but not the result, or follows from other
    /// arguments.
    Drop,
    /// Dropped if it has this value; with another one the layer has no equivalent in Keras 3.
    Only(fn(&Value) -> bool, &'static str),
    /// Renamed.
    Rename(&'static str),
    /// Converted.
    Change(fn(Value) -> Value),
}

use Rule::{Change, Drop, Only, Rename};

const TRANSPOSED: &[&str] = &["Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose"];
const DEPTHWISE: &[&str] = &["DepthwiseConv1D", "DepthwiseConv2D", "SeparableConv1D", "SeparableConv2D"];
const RECURRENT: &[&str] = &["RNN", "SimpleRNN", "LSTM", "GRU", "ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D"];
const CELLS: &[&str] = &["SimpleRNN", "LSTM", "GRU", "SimpleRNNCell", "LSTMCell", "GRUCell"];
const LOOKUPS: &[&str] = &["StringLookup", "IntegerLookup", "TextVectorization"];
const RANDOM: &[&str] = &[
    "RandomBrightness",
    "RandomContrast",
    "RandomCrop",
    "RandomFlip",
    "RandomHeight",
    "RandomRotation",
    "RandomTranslation",
    "RandomWidth",
    "RandomZoom",
    "Dropout",
    "AlphaDropout",
    "GaussianDropout",
    "GaussianNoise",
    "SpatialDropout1D",
    "SpatialDropout2D",
    "SpatialDropout3D",
];
const NORMALIZATIONS: &[&str] = &["BatchNormalization", "LayerNormalization", "GroupNormalization"];
const INITIALIZERS: &[&str] = &[
    "Zeros",
    "Ones",
    "Constant",
    "RandomNormal",
    "RandomUniform",
    "TruncatedNormal",
    "VarianceScaling",
    "Orthogonal",
    "Identity",
    "GlorotNormal",
    "GlorotUniform",
    "HeNormal",
    "HeUniform",
    "LecunNormal",
    "LecunUniform",
];

/// The rules: classes (empty: all layers), argument, and how it is upgraded.
pub(super) static ARGUMENTS: &[(&[&str], &str, Rule)] = &[
    (&["InputLayer"], "batch_input_shape", Rename("batch_shape")),
    (&["InputLayer"], "ragged", Only(is_off, "ragged tensors are not supported")),
    (&["InputLayer"], "type_spec", Only(Value::is_null, "types of TensorFlow are not supported")),
    (&[], "batch_input_shape", Drop),
    (&[], "input_dtype", Drop),
    (&[], "dynamic", Only(is_off, "write the layer as a struct of your own")),
    (RECURRENT, "time_major", Only(is_off, "transpose the inputs before the layer: Keras 3 takes the batch first")),
    (RECURRENT, "num_constants", Only(is_none, "constants of recurrent layers are no more in Keras 3")),
    (&["Bidirectional"], "num_constants", Only(is_none, "constants of recurrent layers are no more in Keras 3")),
    (CELLS, "implementation", Drop),
    (TRANSPOSED, "groups", Only(is_one, "transposed convolutions have no groups")),
    (DEPTHWISE, "groups", Only(is_one, "depthwise convolutions have no groups")),
    (DEPTHWISE, "kernel_initializer", Drop),
    (DEPTHWISE, "kernel_regularizer", Drop),
    (DEPTHWISE, "kernel_constraint", Drop),
    (&["DepthwiseConv1D", "DepthwiseConv2D"], "filters", Drop),
    (&["Embedding"], "input_length", Drop),
    (&["LeakyReLU"], "alpha", Rename("negative_slope")),
    (&["ThresholdedReLU"], "theta", Rename("threshold")),
    (&["MultiHeadAttention"], "query_shape", Drop),
    (&["MultiHeadAttention"], "key_shape", Drop),
    (&["MultiHeadAttention"], "value_shape", Drop),
    (&["MultiHeadAttention"], "softmax_robust_masking", Drop),
    (&["Attention", "AdditiveAttention"], "causal", Only(is_off, "call the layer with `use_causal_mask=True`")),
    (RANDOM, "rng_type", Drop),
    (RANDOM, "force_generator", Drop),
    (&["SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D"], "noise_shape", Drop),
    (LOOKUPS, "has_input_vocabulary", Drop),
    (NORMALIZATIONS, "axis", Change(one_axis)),
    (&["BatchNormalization"], "renorm", Only(is_off, "batch renormalization is no more in Keras 3")),
    (&["BatchNormalization"], "renorm_clipping", Drop),
    (&["BatchNormalization"], "renorm_momentum", Drop),
    (&["BatchNormalization"], "virtual_batch_size", Only(Value::is_null, "virtual batches are no more in Keras 3")),
    (&["BatchNormalization"], "adjustment", Only(Value::is_null, "adjustments are no more in Keras 3")),
    (&["BatchNormalization"], "fused", Drop),
    (&["BatchNormalization"], "mode", Only(is_none, "modes are of Keras 1")),
    (INITIALIZERS, "dtype", Drop),
    (&["VarianceScaling"], "distribution", Change(distribution)),
];

/// Classes with another name in Keras 3, or with an equivalent class that computes the same.
pub(super) static CLASSES: &[(&str, &str)] = &[
    ("Model", "Functional"),
    ("BatchNormalizationV1", "BatchNormalization"),
    ("BatchNormalizationV2", "BatchNormalization"),
    ("SyncBatchNormalization", "BatchNormalization"),
    ("ThresholdedReLU", "ReLU"),
    ("GlorotUniformV2", "GlorotUniform"),
    ("GlorotNormalV2", "GlorotNormal"),
    ("OrthogonalV2", "Orthogonal"),
    ("ConstantV2", "Constant"),
    ("ZerosV2", "Zeros"),
    ("OnesV2", "Ones"),
    ("RandomNormalV2", "RandomNormal"),
    ("RandomUniformV2", "RandomUniform"),
    ("TruncatedNormalV2", "TruncatedNormal"),
    ("VarianceScalingV2", "VarianceScaling"),
    ("IdentityV2", "Identity"),
];

fn is_off(value: &Value) -> bool {
    matches!(value, Value::Null | Value::Bool(false))
}

fn is_none(value: &Value) -> bool {
    matches!(value, Value::Null | Value::Int(0))
}

fn is_one(value: &Value) -> bool {
    matches!(value, Value::Null | Value::Int(1))
}

/// Unwraps `[3]` to `3`, as in the axes of a layer that was built; converts `3.0` of some old files too.
fn one_axis(axis: Value) -> Value {
    match axis {
        Value::List(items) if items.len() == 1 => items.into_iter().next().unwrap_or_default(),
        Value::Float(number) => Value::Int(number as i64),
        axis => axis,
    }
}

/// Renames the distribution `normal`, an old name of `truncated_normal`.
fn distribution(name: Value) -> Value {
    if name.as_str() == Some("normal") { Value::from("truncated_normal") } else { name }
}

/// Upgrades a serialized object and all objects in it.
pub(super) fn upgrade(value: &mut Value) -> Result<()> {
    match value {
        Value::List(items) => items.iter_mut().try_for_each(upgrade),
        Value::Dict(dict) => {
            if let Some(items) = tuple(dict) {
                *value = Value::List(items);
                return upgrade(value);
            }
            if let Some(policy) = policy(dict) {
                *value = policy;
                return Ok(());
            }
            if is_form(dict) {
                let label = label(dict);
                return object(dict).at_with(|| label);
            }
            dict.values_mut().try_for_each(upgrade)
        }
        _ => Ok(()),
    }
}

fn label(form: &Dict) -> String {
    let name = form.get("config").and_then(|config| config.get("name")).and_then(Value::as_str);
    name.unwrap_or(class_of(form)).to_owned()
}

/// Returns the items of a tuple in the form that some files use.
fn tuple(dict: &Dict) -> Option<Vec<Value>> {
    let is_tuple = dict.get("class_name").and_then(Value::as_str) == Some("__tuple__");
    dict.get("items").and_then(Value::as_list).filter(|_| is_tuple).map(<[Value]>::to_vec)
}

/// Returns the name of a dtype policy, which `tf.keras` wrote as an object of another class.
fn policy(dict: &Dict) -> Option<Value> {
    matches!(class_of(dict), "Policy" | "PolicyV1").then(|| dict.get("config")?.get("name").cloned()).flatten()
}

fn object(form: &mut Dict) -> Result<()> {
    let is_own = is_own(form);
    let class = class_of(form).to_owned();
    // Before Keras 2.1 the config of a Sequential model was the list of its layers.
    if let Some(layers @ Value::List(_)) = form.get("config").filter(|_| class == "Sequential").cloned() {
        let config = Dict::from([("name".to_owned(), Value::from("sequential")), ("layers".to_owned(), layers)]);
        form.insert("config".into(), Value::Dict(config));
    }
    if let Some(Value::Dict(config)) = form.get_mut("config") {
        if class == "Sequential" {
            start_with_input(config);
        }
        for (key, value) in config.iter_mut() {
            upgrade(value).at_with(|| key.clone())?;
        }
        graph::upgrade(config)?;
        if is_own {
            arguments(&class, config)?;
            if let Some((_, name)) = CLASSES.iter().find(|(old, _)| *old == class) {
                arguments(name, config)?;
            }
            values(&class, config);
        } else if config.contains_key("trainable") {
            config.shift_remove("batch_input_shape");
        }
    }
    if !is_own {
        return Ok(());
    }
    if class == "RandomCrop" {
        resize_after_crop(form);
    }
    if let Some((_, name)) = CLASSES.iter().find(|(old, _)| *old == class) {
        if class == "SyncBatchNormalization"
            && let Some(Value::Dict(config)) = form.get_mut("config")
        {
            config.insert("synchronized".into(), Value::Bool(true));
        }
        form.insert("class_name".into(), Value::from(*name));
    }
    // Removed: calls build the layers with the shapes of all inputs, and Keras 2 wrote only the first
    // one. The layers of a feature space have one input.
    if !matches!(class.as_str(), "Sequential" | "FeatureSpace") {
        form.shift_remove("build_config");
    }
    // Keras 2 gives some of its own classes a registered name.
    if form.get("module").is_some_and(|module| !module.is_null()) && class != "function" {
        form.insert("registered_name".into(), Value::Null);
    }
    Ok(())
}

fn arguments(class: &str, config: &mut Dict) -> Result<()> {
    for (classes, key, rule) in ARGUMENTS {
        if !(classes.is_empty() || classes.contains(&class)) || !config.contains_key(*key) {
            continue;
        }
        match rule {
            Drop => {
                config.shift_remove(*key);
            }
            Only(is_usual, hint) => {
                let Some(value) = config.shift_remove(*key).filter(|value| !is_usual(value)) else { continue };
                let what =
                    format!("`{class}` of Keras 2 with `{key}={}` has no counterpart in Keras 3", value.to_json());
                return Err(no_longer(what, hint).at(*key));
            }
            Rename(name) => {
                if let Some(value) = config.shift_remove(*key) {
                    config.insert((*name).to_owned(), value);
                }
            }
            Change(change) => {
                if let Some(value) = config.get_mut(*key) {
                    *value = change(std::mem::take(value));
                }
            }
        }
    }
    Ok(())
}

/// Rewrites argument values that have another meaning in Keras 3.
fn values(class: &str, config: &mut Dict) {
    for key in ["activation", "recurrent_activation"] {
        if let Some(activation) = config.get_mut(key)
            && is_hard_sigmoid(activation)
        {
            *activation = hard_sigmoid();
        }
    }
    // Next to an array with an entry per feature, a single number stood for all features.
    if class == "Normalization"
        && let (Some(mean), Some(variance)) = (config.get("mean"), config.get("variance"))
    {
        let filled = match (mean, variance) {
            (Value::List(means), number) if number.as_f64().is_some() => Some(("variance", number, means.len())),
            (number, Value::List(variances)) if number.as_f64().is_some() => Some(("mean", number, variances.len())),
            _ => None,
        };
        if let Some((key, number, count)) = filled {
            let value = Value::List(vec![number.clone(); count]);
            config.insert(key.to_owned(), value);
        }
    }
}

/// Adds a resize after a random crop: at inference Keras 2 resizes to the crop's size, while Keras 3 returns
/// the image unchanged.
fn resize_after_crop(form: &mut Dict) {
    let Some(Value::Dict(crop)) = form.get_mut("config").map(std::mem::take) else { return };
    let mut config: Dict =
        crop.get_key_value("name").map(|(key, name)| (key.clone(), name.clone())).into_iter().collect();
    let mut resize = Dict::from([("crop_to_aspect_ratio".to_owned(), Value::Bool(true))]);
    let same = ["height", "width", "dtype"].into_iter().filter_map(|key| Some((key, crop.get(key)?)));
    resize.extend(same.map(|(key, value)| (key.to_owned(), value.clone())));
    let layers = vec![
        Value::Dict(own_form("keras.layers", "RandomCrop", crop)),
        Value::Dict(own_form("keras.layers", "Resizing", resize)),
    ];
    config.insert("layers".into(), Value::List(layers));
    form.insert("class_name".into(), Value::from("Pipeline"));
    form.insert("config".into(), Value::Dict(config));
}

fn is_hard_sigmoid(activation: &Value) -> bool {
    let name = match activation {
        Value::Dict(form) if class_of(form) == "function" => form.get("config"),
        name => Some(name),
    };
    name.and_then(Value::as_str) == Some("hard_sigmoid")
}

/// Returns the equivalent of Keras 2's `hard_sigmoid`, x / 5 + 1/2 clipped to 0 … 1; Keras 3's is x / 6
/// + 1/2.
fn hard_sigmoid() -> Value {
    let scale = Dict::from([("scale".to_owned(), Value::Float(0.2)), ("offset".to_owned(), Value::Float(0.5))]);
    let bound = Dict::from([("max_value".to_owned(), Value::Float(1.0))]);
    let layers = vec![
        Value::Dict(own_form("keras.layers", "Rescaling", scale)),
        Value::Dict(own_form("keras.layers", "ReLU", bound)),
    ];
    let config = Dict::from([("layers".to_owned(), Value::List(layers))]);
    Value::Dict(own_form("keras.layers", "Pipeline", config))
}

/// Adds an input layer to a Sequential model whose first layer has an input shape.
fn start_with_input(config: &mut Dict) {
    let Some(Value::List(layers)) = config.get_mut("layers") else { return };
    let Some(first) = layers.first() else { return };
    let inner = first.get("config");
    let shape = inner.and_then(|config| config.get("batch_input_shape")).filter(|shape| shape.as_list().is_some());
    let Some(shape) = shape.filter(|_| first.get("class_name").and_then(Value::as_str) != Some("InputLayer")) else {
        return;
    };
    let dtype = inner.and_then(|config| config.get("dtype")).filter(|dtype| dtype.as_str().is_some());
    let input = Dict::from([
        ("batch_shape".to_owned(), shape.clone()),
        ("dtype".to_owned(), dtype.cloned().unwrap_or_else(|| Value::from("float32"))),
    ]);
    layers.insert(0, Value::Dict(own_form("keras.layers", "InputLayer", input)));
}
