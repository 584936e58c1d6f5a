//! Converts configurations of legacy files to the layout of Keras 3 and back.

use super::keras2;
use crate::config::{field, wrong_type};
use crate::error::{Error, ErrorKind, Result, ResultExt};
use crate::json::{Dict, Value};
use crate::registry::legacy_module;

/// Converts a model's config that names no modules to the one Keras 3 writes; with `is_old`, also from
/// Keras 2.
pub(crate) fn upgrade_model(mut form: Value, is_old: bool) -> Result<Value> {
    let Value::Dict(dict) = &mut form else {
        return Err(wrong_type("a dict", &form).hint("a list of layers is the configuration of a Sequential model"));
    };
    if !dict.contains_key("config") {
        return Err(field::missing(dict, "config"));
    }
    if is_old {
        keras2::upgrade_model(&mut form)?;
    }
    if let Value::Dict(dict) = &mut form {
        upgrade(dict, false, is_old);
    }
    Ok(form)
}

/// Upgrades a layer's config, and those of the layers in a model.
fn upgrade(form: &mut Dict, in_graph: bool, is_old: bool) {
    if !form.contains_key("module") {
        // Graphs of Keras 2 have no operations of Keras 3.
        let module = legacy_module(form, in_graph && !is_old);
        if form.get("class_name").and_then(Value::as_str) == Some("Model") {
            form.insert("class_name".into(), Value::from("Functional"));
        }
        // A custom object of this name takes precedence over Keras's own.
        form.insert("module".into(), Value::from(module));
        form.shift_remove("registered_name");
    }
    let Some(Value::Dict(config)) = form.get_mut("config") else { return };
    let is_graph = config.contains_key("output_layers");
    for (key, value) in config.iter_mut() {
        match (key.as_str(), value) {
            ("layers" | "cells", Value::List(items)) => items.iter_mut().for_each(|item| match item {
                Value::Dict(item) if is_form(item) => upgrade(item, is_graph, is_old),
                item => upgrade_inside(item, is_old),
            }),
            ("layer" | "cell" | "forward_layer" | "backward_layer", Value::Dict(inner)) if is_form(inner) => {
                upgrade(inner, false, is_old);
            }
            (_, value) => upgrade_inside(value, is_old),
        }
    }
}

/// Upgrades the objects in an argument: a model with a module lists its layers without modules.
fn upgrade_inside(value: &mut Value, is_old: bool) {
    match value {
        Value::Dict(form) if is_form(form) && form.contains_key("module") => upgrade(form, false, is_old),
        Value::Dict(items) => items.values_mut().for_each(|item| upgrade_inside(item, is_old)),
        Value::List(items) => items.iter_mut().for_each(|item| upgrade_inside(item, is_old)),
        _ => {}
    }
}

fn is_form(dict: &Dict) -> bool {
    dict.contains_key("class_name") && dict.contains_key("config")
}

/// Converts a model's config to the layout of legacy files.
pub(crate) fn downgrade_model(form: &Value) -> Result<Value> {
    let mut form = form.clone();
    let Value::Dict(dict) = &mut form else { return Err(wrong_type("a dict", &form)) };
    downgrade(dict)?;
    dict.retain(|key, _| matches!(key.as_str(), "class_name" | "config"));
    Ok(form)
}

/// The modules whose classes are looked up by name alone.
const MODULES: &[&str] = &["keras", "keras.layers", "keras.src.models.functional"];

/// Removes the modules, as Keras does. Operations keep theirs: Keras reads it, and finds no operation
/// without it.
fn downgrade(form: &mut Dict) -> Result<()> {
    let registered =
        form.get("registered_name").and_then(Value::as_str).filter(|name| name.contains('>')).map(str::to_owned);
    let module = form.get("module").and_then(Value::as_str);
    let is_found = registered.is_some() || module.is_none_or(|module| MODULES.contains(&module));
    if let Some(name) = registered {
        form.insert("class_name".into(), Value::from(name));
    }
    form.retain(|key, _| match key.as_str() {
        "class_name" | "config" | "name" | "inbound_nodes" | "shared_object_id" => true,
        "module" | "registered_name" => !is_found,
        _ => false,
    });
    let is_model = matches!(form.get("class_name").and_then(Value::as_str), Some("Functional" | "Sequential"));
    let Some(Value::Dict(config)) = form.get_mut("config") else { return Ok(()) };
    let is_model = is_model || config.contains_key("input_layers") || config.contains_key("build_input_shape");
    // Other classes deserialize their lists themselves, and need the modules.
    if let Some(Value::List(layers)) = config.get_mut("layers").filter(|_| is_model) {
        for layer in layers {
            let Value::Dict(layer) = layer else { continue };
            if is_form(layer) {
                downgrade(layer)?;
            }
        }
    }
    Ok(())
}

/// Converts the `training_config` of a legacy file to a `compile_config`, for the model with this
/// config.
pub(crate) fn compile_config(training: &Value, model: &Value, is_old: bool) -> Result<Value> {
    let mut compile = keras2::training_config(training)?;
    if is_old {
        keras2::upgrade_compile(&mut compile, model)?;
    }
    if let Some(optimizer) = compile.get_mut("optimizer") {
        let form = match optimizer {
            Value::Dict(form) => form,
            other => return Err(wrong_type("a dict", other).at("optimizer_config")),
        };
        let class = form.get("class_name").and_then(Value::as_str).unwrap_or_default().to_owned();
        if !form.contains_key("module") && !class.contains('>') {
            form.shift_insert(0, "module".into(), Value::from("keras.optimizers"));
            form.insert("registered_name".into(), Value::Null);
        } else if class.contains('>') {
            let short = class.rsplit('>').next().unwrap_or_default().to_owned();
            form.insert("class_name".into(), Value::from(short));
            form.insert("registered_name".into(), Value::from(class));
        }
    }
    Ok(Value::Dict(compile))
}

/// Converts a `compile_config` to the `training_config` of a legacy file, and returns the optimizer's
/// name.
pub(crate) fn training_config(compile: &Value) -> Result<Option<(Value, String)>> {
    let Some(dict) = compile.as_dict().filter(|dict| !dict.is_empty()) else { return Ok(None) };
    let mut training: Dict = dict
        .iter()
        .filter(|(key, _)| !matches!(key.as_str(), "optimizer" | OLD))
        .map(|(k, v)| (k.clone(), v.clone()))
        .collect();
    let Some(optimizer) = dict.get("optimizer").filter(|optimizer| !optimizer.is_null()) else { return Ok(None) };
    let (class, config) = match optimizer {
        Value::Str(name) => (name.clone(), Dict::new()),
        Value::Dict(form) => {
            let registered = form.get("registered_name").and_then(Value::as_str).filter(|name| name.contains('>'));
            let class = registered.or_else(|| form.get("class_name").and_then(Value::as_str));
            let class = class.ok_or_else(|| field::missing(form, "class_name")).at("optimizer")?;
            let config = form.get("config").and_then(Value::as_dict).cloned().unwrap_or_default();
            (class.to_owned(), config)
        }
        other => return Err(Error::new(ErrorKind::Config, "wrong type for `optimizer`").received(other.short())),
    };
    let name = config.get("name").and_then(Value::as_str).map_or_else(|| class.to_lowercase(), str::to_owned);
    let form = Dict::from([("class_name".to_owned(), Value::from(class)), ("config".to_owned(), Value::Dict(config))]);
    training.insert("optimizer_config".into(), Value::Dict(form));
    Ok(Some((Value::Dict(training), name.replace('/', "_"))))
}

/// The entry that marks a `compile_config` as readable by an old Keras only.
const OLD: &str = "keras_version";

/// Marks a `compile_config` as one that only this old version of Keras can read.
pub(crate) fn set_aside(compile: &mut Dict, version: &str) {
    compile.insert(OLD.to_owned(), Value::from(version));
}

/// The attribute of our legacy files with the version of the old Keras that can read their
/// `training_config`.
pub(crate) const TRAINING_VERSION: &str = "training_config_keras_version";

/// Returns the version of the old Keras that can read a `compile_config` that was set aside.
pub(crate) fn old_version(compile: &Value) -> Option<&str> {
    compile.get(OLD)?.as_str()
}

/// Removes from a model's config a `compile_config` that only an old Keras can read, as Keras 3 files
/// need.
pub(crate) fn without_old_compile(form: &mut Value) {
    if let Value::Dict(form) = form
        && form.get("compile_config").is_some_and(|compile| compile.get(OLD).is_some())
    {
        form.insert("compile_config".into(), Value::Dict(Dict::new()));
    }
}
