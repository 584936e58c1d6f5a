//! Checks model files against the JSON Schema of models.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use jsonschema::Validator;
use keras_serial::json::Value;
use keras_serial::{Error, ErrorKind, Result, registry};

/// Compiles the schema of models, with all classes that are linked.
///
/// # Errors
/// When the schema is no valid schema.
pub fn of_models() -> Result<Validator> {
    let schema = standard(&registry::model_schema())?;
    jsonschema::draft202012::new(&schema)
        .map_err(|error| Error::new(ErrorKind::Config, format!("no valid schema: {error}")))
}

/// Returns what is wrong with a model's configuration, each with its place; nothing if it fits the schema.
///
/// # Errors
/// When it is no standard JSON even without NaN and infinities.
pub fn faults(schema: &Validator, config: &Value) -> Result<Vec<String>> {
    let config = standard(&finite(config))?;
    Ok(schema.iter_errors(&config).map(|error| format!("{}: {error}", error.instance_path())).collect())
}

/// Reads the configuration of a `.keras` file.
///
/// # Errors
/// When the file is no archive, or its configuration no JSON.
pub fn read_config(file: &Path) -> Result<Value> {
    let refused =
        |error: &dyn std::fmt::Display| Error::new(ErrorKind::Archive, format!("{}: {error}", file.display()));
    let open = fs::File::open(file).map_err(|error| refused(&error))?;
    let mut archive = zip::ZipArchive::new(open).map_err(|error| refused(&error))?;
    let mut text = String::new();
    let mut entry = archive.by_name("config.json").map_err(|error| refused(&error))?;
    entry.read_to_string(&mut text).map_err(|error| refused(&error))?;
    Value::parse(&text)
}

/// Returns all `.keras` files below a folder, sorted.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let Ok(entries) = fs::read_dir(folder) else { return found };
    for path in entries.flatten().map(|entry| entry.path()) {
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.extension().is_some_and(|extension| extension == "keras") {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// Replaces what standard JSON has no numbers for.
fn finite(value: &Value) -> Value {
    match value {
        Value::Float(number) if !number.is_finite() => Value::Float(0.0),
        Value::List(items) => Value::List(items.iter().map(finite).collect()),
        Value::Dict(items) => Value::Dict(items.iter().map(|(key, item)| (key.clone(), finite(item))).collect()),
        other => other.clone(),
    }
}

fn standard(value: &Value) -> Result<serde_json::Value> {
    serde_json::Value::try_from(value)
}
