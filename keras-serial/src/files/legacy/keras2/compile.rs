//! Upgrades the compile configuration of Keras 2 models: old names of optimizers, losses and metrics.

use super::{is_form, own_form};
use crate::config::wrong_type;
use crate::error::{Result, ResultExt};
use crate::json::{Dict, Value};
use crate::registry::has_class;

use super::no_longer;

/// Converts the `training_config` of a legacy file from any Keras to a `compile_config`.
pub(crate) fn training_config(training: &Value) -> Result<Dict> {
    let dict = training.as_dict().ok_or_else(|| wrong_type("a dict", training))?;
    let mut compile = Dict::new();
    if let Some(optimizer) = dict.get("optimizer_config") {
        compile.insert("optimizer".into(), optimizer.clone());
    }
    compile.extend(dict.iter().filter(|(key, _)| *key != "optimizer_config").map(|(k, v)| (k.clone(), v.clone())));
    Ok(compile)
}

/// Upgrades a `compile_config` of Keras 2, for the model with this config.
pub(crate) fn upgrade_compile(compile: &mut Dict, model: &Value) -> Result<()> {
    let outputs = Outputs::of(model);
    compile.shift_remove("sample_weight_mode");
    for (key, value) in compile.iter_mut() {
        match key.as_str() {
            "optimizer" => optimizer(value).at("optimizer")?,
            "loss" => losses(value),
            "metrics" | "weighted_metrics" => *value = outputs.metrics(std::mem::take(value)),
            _ => {}
        }
    }
    Ok(())
}

fn config_of(form: &mut Dict) -> Option<&mut Dict> {
    match form.get_mut("config") {
        Some(Value::Dict(config)) => Some(config),
        _ => None,
    }
}

fn optimizer(value: &mut Value) -> Result<()> {
    let Value::Dict(form) = value else { return Ok(()) };
    let class = form.get("class_name").and_then(Value::as_str).unwrap_or_default().to_owned();
    // Keras 2 registers its own optimizers as if they were custom.
    let own = match class.strip_prefix("Custom>").unwrap_or(&class) {
        "LossScaleOptimizerV3" | "LossScaleOptimizerV1" => "LossScaleOptimizer",
        own => own,
    };
    let foreign = form
        .get("registered_name")
        .and_then(Value::as_str)
        .is_some_and(|name| name.contains('>') && name != class && name.strip_prefix("Custom>") != Some(own));
    if foreign || !has_class("keras.optimizers", own) {
        return Ok(());
    }
    let mut config = config_of(form).cloned().unwrap_or_default();
    match own {
        "LossScaleOptimizer" => loss_scale(&mut config)?,
        own => optimizer_arguments(own, &mut config),
    }
    *value = Value::Dict(own_form("keras.optimizers", own, config));
    Ok(())
}

fn optimizer_arguments(class: &str, config: &mut Dict) {
    for key in ["jit_compile", "is_legacy_optimizer", "schedule_decay"] {
        config.shift_remove(key);
    }
    if let Some(rate) = config.shift_remove("lr") {
        config.entry("learning_rate".to_owned()).or_insert(rate);
    }
    if config.get("epsilon").is_some_and(Value::is_null) {
        config.shift_remove("epsilon");
    }
    let decay = config.shift_remove("decay").and_then(|decay| decay.as_f64()).unwrap_or(0.0);
    // For Nadam it was the decay of the momentum, which is a constant in Keras 3.
    if decay != 0.0
        && class != "Nadam"
        && let Some(rate) = config.get("learning_rate").filter(|rate| rate.as_f64().is_some()).cloned()
    {
        // rate / (1 + decay · step), as in Keras 2.
        let schedule = Dict::from([
            ("initial_learning_rate".to_owned(), rate),
            ("decay_steps".to_owned(), Value::Int(1)),
            ("decay_rate".to_owned(), Value::Float(decay)),
            ("staircase".to_owned(), Value::Bool(false)),
        ]);
        let schedule = own_form("keras.optimizers.schedules", "InverseTimeDecay", schedule);
        config.insert("learning_rate".into(), Value::Dict(schedule));
    }
    if let Some(Value::Dict(schedule)) = config.get_mut("learning_rate")
        && let Some(schedule) = config_of(schedule)
        && schedule.get("name").is_some_and(Value::is_null)
    {
        schedule.shift_remove("name");
    }
}

fn loss_scale(config: &mut Dict) -> Result<()> {
    if config.shift_remove("dynamic").is_some_and(|dynamic| dynamic == Value::Bool(false)) {
        return Err(no_longer(
            "a `LossScaleOptimizer` with `dynamic=False` has no counterpart in Keras 3".into(),
            "load with `compile(false)`",
        ));
    }
    if let Some(inner) = config.shift_remove("optimizer") {
        config.insert("inner_optimizer".into(), inner);
    }
    // Before TensorFlow 2.4 the scale was an object.
    if let Some(scale) = config.shift_remove("loss_scale") {
        let scale = scale.get("config").cloned().unwrap_or_default();
        for (old, new) in [("initial_loss_scale", "initial_scale"), ("increment_period", "dynamic_growth_steps")] {
            if let Some(value) = scale.get(old) {
                config.insert(new.to_owned(), value.clone());
            }
        }
    }
    let Some(inner) = config.get_mut("inner_optimizer") else { return Ok(()) };
    optimizer(inner)
}

/// Names of losses and metrics that Keras 3 does not know, with their replacements.
const NAMES: &[(&str, &str)] = &[
    ("cosine", "cosine_similarity"),
    ("cosine_proximity", "cosine_similarity"),
    ("huber_loss", "huber"),
    ("kullback_leibler_divergence", "kl_divergence"),
    ("logcosh", "log_cosh"),
];

fn modern_name(name: &str) -> Option<&'static str> {
    NAMES.iter().find(|(old, _)| *old == name).map(|(_, new)| *new)
}

fn losses(value: &mut Value) {
    match value {
        Value::Str(name) => {
            if let Some(new) = modern_name(name) {
                *name = new.to_owned();
            }
        }
        Value::List(items) => items.iter_mut().for_each(losses),
        Value::Dict(form) if is_form(form) => {
            if let Some(config) = config_of(form) {
                config.shift_remove("fn");
                if config.get("reduction").and_then(Value::as_str) == Some("auto") {
                    config.insert("reduction".into(), Value::from("sum_over_batch_size"));
                }
            }
            own_module(form, "keras.losses");
        }
        Value::Dict(items) if !items.contains_key("class_name") => items.values_mut().for_each(losses),
        Value::Dict(function) => function_name(function),
        _ => {}
    }
}

/// Renames the function in `{class_name: "function", config: name}` to its name in Keras 3.
fn function_name(form: &mut Dict) {
    if let Some(new) = form.get("config").and_then(Value::as_str).and_then(modern_name) {
        form.insert("config".into(), Value::from(new));
    }
}

fn own_module(form: &mut Dict, module: &str) {
    let class = form.get("class_name").and_then(Value::as_str).unwrap_or_default();
    if !form.contains_key("module") && has_class(module, class) {
        let config = config_of(form).cloned().unwrap_or_default();
        let class = form.get("class_name").and_then(Value::as_str).unwrap_or_default().to_owned();
        *form = own_form(module, &class, config);
    }
}

/// The functions that Keras 2 wrapped in `MeanMetricWrapper`, with the metrics that compute the same.
const METRICS: &[(&str, &str)] = &[
    ("accuracy", "Accuracy"),
    ("binary_accuracy", "BinaryAccuracy"),
    ("categorical_accuracy", "CategoricalAccuracy"),
    ("sparse_categorical_accuracy", "SparseCategoricalAccuracy"),
    ("top_k_categorical_accuracy", "TopKCategoricalAccuracy"),
    ("sparse_top_k_categorical_accuracy", "SparseTopKCategoricalAccuracy"),
    ("binary_crossentropy", "BinaryCrossentropy"),
    ("categorical_crossentropy", "CategoricalCrossentropy"),
    ("sparse_categorical_crossentropy", "SparseCategoricalCrossentropy"),
    ("mean_squared_error", "MeanSquaredError"),
    ("mean_absolute_error", "MeanAbsoluteError"),
    ("mean_absolute_percentage_error", "MeanAbsolutePercentageError"),
    ("mean_squared_logarithmic_error", "MeanSquaredLogarithmicError"),
    ("cosine_similarity", "CosineSimilarity"),
    ("cosine_proximity", "CosineSimilarity"),
    ("hinge", "Hinge"),
    ("squared_hinge", "SquaredHinge"),
    ("categorical_hinge", "CategoricalHinge"),
    ("kl_divergence", "KLDivergence"),
    ("kullback_leibler_divergence", "KLDivergence"),
    ("log_cosh", "LogCoshError"),
    ("logcosh", "LogCoshError"),
    ("poisson", "Poisson"),
];

/// The outputs of a model, whose names Keras 2 puts in front of metric names.
enum Outputs {
    One,
    List(Vec<String>),
    Dict(Vec<String>),
}

impl Outputs {
    fn of(model: &Value) -> Self {
        let layer = |end: &Value| end.as_list().and_then(|end| end.first()?.as_str().map(str::to_owned));
        match model.get("config").and_then(|config| config.get("output_layers")) {
            Some(Value::Dict(outputs)) => {
                let mut names: Vec<String> = outputs.keys().cloned().collect();
                names.sort();
                Self::Dict(names)
            }
            Some(Value::List(outputs)) if outputs.len() > 1 && outputs.iter().all(|end| layer(end).is_some()) => {
                Self::List(outputs.iter().filter_map(layer).collect())
            }
            _ => Self::One,
        }
    }

    /// Converts metrics to the structure of Keras 3: `.h5` files hold one list per output, whatever the
    /// user gave.
    fn metrics(&self, value: Value) -> Value {
        let names = match self {
            Self::One => &[],
            Self::List(names) | Self::Dict(names) => names.as_slice(),
        };
        match (self, value) {
            (_, Value::Dict(items)) if !items.contains_key("class_name") => Value::Dict(
                items
                    .into_iter()
                    .map(|(name, item)| {
                        let item = metrics(item, Some(&name));
                        (name, item)
                    })
                    .collect(),
            ),
            (Self::One, Value::List(mut items)) => match items.as_mut_slice() {
                [Value::List(inner)] => metrics(Value::List(std::mem::take(inner)), None),
                _ => metrics(Value::List(items), None),
            },
            (Self::List(_), Value::List(items)) if items.len() == names.len() => {
                Value::List(items.into_iter().zip(names).map(|(item, name)| metrics(item, Some(name))).collect())
            }
            (Self::Dict(_), Value::List(items)) if items.len() == names.len() => {
                let items = names.iter().zip(items).map(|(name, item)| (name.clone(), metrics(item, Some(name))));
                Value::Dict(items.collect())
            }
            (_, value) => metrics(value, None),
        }
    }
}

fn metrics(value: Value, output: Option<&str>) -> Value {
    match value {
        Value::List(items) => {
            let items = items.into_iter().filter(|item| !item.is_null());
            Value::List(items.map(|item| metrics(item, output)).collect())
        }
        Value::Str(name) => metric_name(name),
        Value::Dict(mut form) => {
            if is_form(&form) {
                metric(&mut form, output);
            } else if form.contains_key("class_name") {
                function_name(&mut form);
            }
            Value::Dict(form)
        }
        other => other,
    }
}

/// Upgrades the name of a metric, which logs keep: Keras 3 does not know some of these names.
fn metric_name(name: String) -> Value {
    let class = match name.as_str() {
        "cosine" | "cosine_proximity" => "CosineSimilarity",
        "kld" | "KLD" | "kullback_leibler_divergence" => "KLDivergence",
        "logcosh" | "log_cosh" => "LogCoshError",
        _ => return Value::from(name),
    };
    let config = Dict::from([("name".to_owned(), Value::from(name))]);
    Value::Dict(own_form("keras.metrics", class, config))
}

fn metric(form: &mut Dict, output: Option<&str>) {
    let Some(config) = config_of(form) else { return };
    // Keras 3 itself puts the output's name in front of the metric's.
    if let (Some(output), Some(Value::Str(name))) = (output, config.get_mut("name"))
        && let Some(own) =
            name.strip_prefix(output).and_then(|name| name.strip_prefix('_')).filter(|own| !own.is_empty())
    {
        *name = own.to_owned();
    }
    let function = config.get("fn").map(|function| function.get("config").unwrap_or(function));
    let function = function.and_then(Value::as_str).map(str::to_owned);
    let wraps = form.get("class_name").and_then(Value::as_str) == Some("MeanMetricWrapper");
    if let Some(function) = function.filter(|_| wraps) {
        let mut config = config_of(form).cloned().unwrap_or_default();
        match METRICS.iter().find(|(known, _)| *known == function) {
            Some((_, class)) => {
                config.shift_remove("fn");
                *form = own_form("keras.metrics", class, config);
            }
            None => {
                let function = Dict::from([
                    ("module".to_owned(), Value::from("builtins")),
                    ("class_name".to_owned(), Value::from("function")),
                    ("config".to_owned(), Value::from(function)),
                    ("registered_name".to_owned(), Value::from("function")),
                ]);
                config.insert("fn".into(), Value::Dict(function));
                *form = own_form("keras.metrics", "MeanMetricWrapper", config);
            }
        }
        return;
    }
    own_module(form, "keras.metrics");
}
