//! Upgrades files of Keras 2 to the form that Keras 3 writes, before any object is made from them.
//!
//! Keras 3 itself reads a part of such files. What it refuses is upgraded here as well: arguments that
//! are no more ([`arguments`]), calls and node indices of graphs ([`graph`]), TensorFlow functions
//! called on symbols ([`operations`]), and how a model was compiled ([`compile`]).

mod arguments;
mod compile;
mod graph;
mod operations;
mod shapes;
mod state;

pub(super) use self::compile::{training_config, upgrade_compile};
pub(super) use self::state::upgrade_state;
use crate::error::{Error, ErrorKind, Result, ResultExt};
use crate::json::{Dict, Value};

/// Is this the version of a Keras before 3?
pub(super) fn is_old(version: Option<&str>) -> bool {
    version
        .and_then(|version| version.split('.').next())
        .and_then(|major| major.parse::<u32>().ok())
        .is_some_and(|major| major < 3)
}

/// Upgrades the form of a model, with all objects in it.
pub(super) fn upgrade_model(form: &mut Value) -> Result<()> {
    arguments::upgrade(form)
}

/// Upgrades the configuration of an archive: a model, and how it was compiled.
pub(super) fn upgrade_archive(form: &mut Value) -> Result<()> {
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

/// The class of a form without the name of its package: files of Keras 2 register some of Keras's own.
fn class_of(form: &Dict) -> &str {
    form.get("class_name").and_then(Value::as_str).unwrap_or_default()
}

fn is_form(dict: &Dict) -> bool {
    matches!(dict.get("class_name"), Some(Value::Str(_)))
        && matches!(dict.get("config"), Some(Value::Dict(_) | Value::List(_)))
}

/// Is this one of Keras's own classes, so that the tables here speak of it? Files before Keras 2.12
/// name no modules, and custom classes come before Keras's own of the same name.
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

/// The form of one of Keras's own objects.
fn own_form(module: &str, class_name: &str, config: Dict) -> Dict {
    Dict::from([
        ("module".to_owned(), Value::from(module)),
        ("class_name".to_owned(), Value::from(class_name)),
        ("config".to_owned(), Value::Dict(config)),
        ("registered_name".to_owned(), Value::Null),
    ])
}

/// The error for what a file of Keras 2 says and Keras 3 has no way to.
fn no_longer(what: String, hint: &'static str) -> Error {
    Error::new(ErrorKind::Unsupported, what).hint(hint)
}
