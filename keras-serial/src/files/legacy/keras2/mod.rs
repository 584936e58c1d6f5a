//! Upgrades files of Keras 2 to the serialized form of Keras 3, before any object is deserialized.
//!
//! Keras 3 itself reads some such files. What it refuses is upgraded here too: removed arguments
//! ([`arguments`]), calls and node indices of graphs ([`graph`]), TensorFlow functions called on symbols
//! ([`operations`]), and the compile configuration ([`compile`]).

mod arguments;
mod compile;
mod graph;
mod operations;
mod shapes;
#[cfg(feature = "archive")]
#[cfg(test)]
mod tests;

pub(crate) use self::compile::{training_config, upgrade_compile};
use crate::error::{Error, ErrorKind, Result, ResultExt};
use crate::json::{Dict, Value};

/// Returns true for a version of Keras before 3.
pub(crate) fn is_old(version: Option<&str>) -> bool {
    version
        .and_then(|version| version.split('.').next())
        .and_then(|major| major.parse::<u32>().ok())
        .is_some_and(|major| major < 3)
}

/// Upgrades a serialized model, with all objects in it.
pub(crate) fn upgrade_model(form: &mut Value) -> Result<()> {
    arguments::upgrade(form)
}

/// Upgrades the configuration of an archive: a model, and how it was compiled.
pub(crate) fn upgrade_archive(form: &mut Value) -> Result<()> {
    upgrade_model(form)?;
    let model = form.clone();
    match form {
        Value::Dict(form) => match form.get_mut("compile_config") {
            Some(Value::Dict(compile)) => upgrade_compile(compile, &model).at("compile_config"),
            _ => Ok(()),
        },
        _ => Ok(()),
    }
}

/// Returns the class without its package's name: files of Keras 2 register some of Keras's own classes.
fn class_of(form: &Dict) -> &str {
    form.get("class_name").and_then(Value::as_str).unwrap_or_default()
}

fn is_form(dict: &Dict) -> bool {
    matches!(dict.get("class_name"), Some(Value::Str(_)))
        && matches!(dict.get("config"), Some(Value::Dict(_) | Value::List(_)))
}

/// Returns true if the class is one of Keras's own, to which the tables here apply. Files before Keras
/// 2.12 name no modules, and a custom class takes precedence over a Keras class of the same name.
fn is_own(form: &Dict) -> bool {
    let package = form.get("registered_name").and_then(Value::as_str).is_some_and(|name| name.contains('>'));
    match form.get("module") {
        Some(Value::Str(module)) => {
            let module = module.strip_prefix("tf_").unwrap_or(module);
            !package && (module == "keras" || module.starts_with("keras.") || module.starts_with("tensorflow."))
        }
        Some(_) => false,
        None => !class_of(form).contains('>'),
    }
}

/// Serializes one of Keras's own objects.
fn own_form(module: &str, class_name: &str, config: Dict) -> Dict {
    Dict::from([
        ("module".to_owned(), Value::from(module)),
        ("class_name".to_owned(), Value::from(class_name)),
        ("config".to_owned(), Value::Dict(config)),
        ("registered_name".to_owned(), Value::Null),
    ])
}

/// Returns the error for something in a Keras 2 file that has no equivalent in Keras 3.
fn no_longer(what: String, hint: &'static str) -> Error {
    Error::new(ErrorKind::Unsupported, what).hint(hint)
}
