//! Skeletons: the Rust source to begin with for a class that a file has and the program lacks.

use std::collections::HashSet;

use super::{entries, find};
use crate::config::Config;
use crate::error::{Error, ErrorKind, Result};
use crate::json::{Dict, Value};
use crate::object::{Form, Kind};
use crate::utils::to_snake_case;

/// Returns the Rust source of a struct (or function) to begin with for a serialized object of a class that is not
/// registered: its registration, a field for each entry of its configuration, and the methods of its kind, which are
/// yet to be written.
///
/// The types of fields are what one configuration tells: an entry that can be something else needs another type.
///
/// ```
/// use keras_serial::{json::value, object::Kind, registry::skeleton};
///
/// let form = value!({
///     "module": "my.layers", "class_name": "KernelMult", "registered_name": "MyLayers>KernelMult",
///     "config": { "name": "kernel_mult", "trainable": true, "dtype": "float32", "units": 3, "kernel_initializer": "zeros" },
/// });
/// let source = skeleton(&form, Kind::Layer)?;
/// assert!(source.contains("#[register(package = \"MyLayers\")]"), "{source}");
/// assert!(source.contains("    units: usize,\n    kernel_initializer: Initializer,\n"), "{source}");
/// # Ok::<(), keras_serial::Error>(())
/// ```
///
/// # Errors
/// When the value is no serialized object, nor a name.
pub fn skeleton(form: &Value, kind: Kind) -> Result<String> {
    let is_object = match form {
        Value::Str(_) => true,
        Value::Dict(dict) => Form::of(dict)?.is_some(),
        _ => false,
    };
    if !is_object {
        return Err(Error::new(ErrorKind::Config, "not a serialized object")
            .expected("a dict with `class_name` and `config`, or a name")
            .received(form.short()));
    }
    Ok(skeleton_of(form, kind))
}

/// Returns the skeleton for a serialized object, or for a name.
pub(super) fn skeleton_of(form: &Value, kind: Kind) -> String {
    let text = |key: &str| form.get(key).and_then(Value::as_str);
    let class = text("class_name").or(form.as_str()).unwrap_or("Object");
    let name = text("registered_name").unwrap_or(class);
    if class == "function" || kind == Kind::Function && form.get("config").is_none() {
        let name = text("config").or(form.as_str()).unwrap_or(name);
        return function(name);
    }
    let empty = Dict::new();
    let config = form.get("config").and_then(Value::as_dict).unwrap_or(&empty);
    let (package, registered) = split(name);
    let identifier = identifier(class);
    let (imports, base, methods) = of_kind(kind, &identifier);
    let mut lines: Vec<String> = imports.iter().map(|import| format!("use keras_serial::{import};")).collect();
    lines.push("use keras_serial::prelude::*;".to_owned());
    lines.sort();
    lines.push(String::new());
    lines.push(format!("/// `{}`, as a file has it.", one_line(name)));
    lines.push(register(package, (registered != identifier).then_some(registered)));
    lines.push("#[derive(KerasSerializable)]".to_owned());
    if class != identifier {
        lines.push(format!("#[keras(class_name = {class:?})]"));
    }
    lines.push(format!("struct {identifier} {{"));
    lines.extend(base.map(|base| format!("    base: {base},")));
    fields(config, kind, &mut lines);
    lines.push("}".to_owned());
    lines.extend(Some(methods).filter(|methods| !methods.is_empty()));
    let mut source = lines.join("\n");
    source.push('\n');
    source
}

/// Splits a registered name into its package and the name in it.
fn split(name: &str) -> (&str, &str) {
    name.split_once('>').unwrap_or(("", name))
}

fn register(package: &str, name: Option<&str>) -> String {
    match name {
        Some(name) => format!("#[register(package = {package:?}, name = {name:?})]"),
        None => format!("#[register(package = {package:?})]"),
    }
}

/// Returns a text without line breaks, as a comment needs it: it comes from a file.
fn one_line(text: &str) -> String {
    text.chars().map(|character| if character.is_control() { ' ' } else { character }).collect()
}

/// Returns the text as the name of a type.
fn identifier(name: &str) -> String {
    let mut name: String = name.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
    if !name.starts_with(|first: char| first.is_ascii_alphabetic()) {
        name.insert_str(0, "Class");
    }
    if is_keyword(&name) { format!("{name}_") } else { name }
}

/// Keywords of Rust that can be the name of an entry in Python.
fn is_keyword(name: &str) -> bool {
    const KEYWORDS: &[&str] = &[
        "Self", "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate", "do",
        "dyn", "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let", "loop",
        "macro", "match", "mod", "move", "mut", "override", "priv", "pub", "ref", "return", "self", "static", "struct",
        "super", "trait", "true", "try", "type", "typeof", "unsafe", "unsized", "use", "virtual", "where", "while",
        "yield",
    ];
    KEYWORDS.contains(&name)
}

fn function(name: &str) -> String {
    let (package, short) = split(name);
    let ident = to_snake_case(&identifier(short));
    let register = register(package, (short != ident).then_some(short));
    format!(
        "use keras_serial::prelude::*;\n\n/// `{}`, as a file has it.\n{register}\nfn {ident}(x: &Tensor) -> \
         Result<Tensor> {{\n    let _ = x;\n{}}}\n",
        one_line(name),
        yet_to_be_written(&ident, "    ")
    )
}

fn yet_to_be_written(name: &str, indent: &str) -> String {
    format!("{indent}Err(Error::new(ErrorKind::Unsupported, \"`{name}` is yet to be written\"))\n")
}

/// Returns what the kind imports, its base, and its methods.
fn of_kind(kind: Kind, name: &str) -> (&'static [&'static str], Option<&'static str>, String) {
    let methods = |of_trait: &str, signatures: &[&str]| {
        let body = yet_to_be_written(name, "        ");
        let methods: Vec<String> =
            signatures.iter().map(|signature| format!("    fn {signature} {{\n{body}    }}\n")).collect();
        format!("\nimpl {of_trait} for {name} {{\n{}}}", methods.join("\n"))
    };
    match kind {
        Kind::Layer => (
            &[],
            Some("LayerBase"),
            methods("Layer", &["call(&self, _inputs: &CallArgs, _cx: &CallContext) -> Result<Nested<Tensor>>"]),
        ),
        Kind::Initializer => {
            (&[], None, methods("Initialize", &["init(&self, _shape: &Shape, _dtype: DType) -> Result<Tensor>"]))
        }
        Kind::Regularizer => (&[], None, methods("Regularize", &["penalty(&self, _x: &Tensor) -> Result<Tensor>"])),
        Kind::Constraint => (&[], None, methods("Constrain", &["project(&self, _w: &Tensor) -> Result<Tensor>"])),
        Kind::Function => (&[], None, methods("Activate", &["activate(&self, _x: &Tensor) -> Result<Tensor>"])),
        Kind::Loss => (
            &[],
            Some("LossBase"),
            methods("ComputeLoss", &["call(&self, _y_true: &Tensor, _y_pred: &Tensor) -> Result<Tensor>"]),
        ),
        Kind::Metric => (
            &["variable::Variable"],
            Some("MetricBase"),
            methods(
                "Measure",
                &[
                    "update_state(&self, _y_true: &Tensor, _y_pred: &Tensor, _weight: Option<&Tensor>) -> Result<()>",
                    "result(&self) -> Result<Nested<Tensor>>",
                    "variables(&self) -> Result<Vec<Variable>>",
                ],
            ),
        ),
        Kind::Optimizer => (
            &["optimizers::OptimizerBase", "variable::Variable"],
            Some("OptimizerBase"),
            methods(
                "Optimize",
                &[
                    "create_slots(&self, _variables: &[Variable]) -> Result<()>",
                    "update_step(&self, _gradient: &Tensor, _variable: &Variable, _rate: f64) -> Result<()>",
                ],
            ),
        ),
        Kind::LearningRateSchedule => {
            (&[], None, methods("Schedule", &["learning_rate(&self, _step: i64) -> Result<f64>"]))
        }
        _ => (&[], None, String::new()),
    }
}

/// Writes a field for each entry that is not one of the base's.
fn fields(config: &Config, kind: Kind, lines: &mut Vec<String>) {
    let of_base = base_entries(kind);
    let mut taken = HashSet::from(["base".to_owned()]);
    for (key, value) in config.iter().filter(|(key, _)| !of_base.contains(&key.as_str())) {
        let mut field: String = key.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
        if is_keyword(&field) {
            field.push('_');
        }
        if !field.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_') || field == "_" {
            field.insert_str(0, "entry_");
        }
        while !taken.insert(field.clone()) {
            field.push('_');
        }
        if field != *key {
            lines.push(format!("    #[keras(rename = {key:?})]"));
        }
        lines.push(format!("    {field}: {},", type_of(key, value)));
    }
}

/// Returns the entries that all objects of the kind have, from one of Keras's own.
fn base_entries(kind: Kind) -> Vec<&'static str> {
    let described = |entry: &super::Entry| entry.description().filter(|_| entry.kinds().contains(&kind))?.base;
    let base = entries().iter().filter(|entry| entry.module().is_some()).find_map(|entry| described(entry));
    base.map(|base| base.entries.iter().map(|entry| entry.name).collect()).unwrap_or_default()
}

/// Returns the type of a field for an entry.
fn type_of(key: &str, value: &Value) -> String {
    let is_null = value.is_null();
    let object = |of: &str| if is_null { format!("Option<{of}>") } else { of.to_owned() };
    match key.rsplit('_').next().unwrap_or(key) {
        "activation" => return "Activation".to_owned(),
        "initializer" => return object("Initializer"),
        "regularizer" => return object("Regularizer"),
        "constraint" => return object("Constraint"),
        _ => {}
    }
    match value {
        Value::Null => "Option<keras_serial::json::Value>".to_owned(),
        Value::Bool(_) => "bool".to_owned(),
        Value::Int(number) => if *number < 0 { "i64" } else { "usize" }.to_owned(),
        Value::Float(_) => "f64".to_owned(),
        Value::Str(_) => "String".to_owned(),
        Value::List(items) => {
            let mut types: Vec<String> = items.iter().map(|item| type_of("", item)).collect();
            types.dedup();
            match types.as_slice() {
                [one] => format!("Vec<{one}>"),
                _ => "Vec<keras_serial::json::Value>".to_owned(),
            }
        }
        Value::Dict(dict) => match Form::of(dict) {
            Ok(Some(form)) => type_of_object(key, &form).to_owned(),
            _ => "keras_serial::json::Value".to_owned(),
        },
        Value::BigInt(_) => "keras_serial::json::Value".to_owned(),
    }
}

/// Returns the handle for a serialized object.
fn type_of_object(key: &str, form: &Form<'_>) -> &'static str {
    let known = find(form).ok().and_then(|entry| entry.kinds().first().copied());
    match known {
        Some(Kind::Layer) => "LayerRef",
        Some(Kind::Initializer) => "Initializer",
        Some(Kind::Regularizer) => "Regularizer",
        Some(Kind::Constraint) => "Constraint",
        Some(Kind::Loss) => "Loss",
        Some(Kind::Metric) => "Metric",
        Some(Kind::Optimizer) => "Optimizer",
        Some(Kind::LearningRateSchedule) => "LearningRateSchedule",
        // Layers alone are serialized with how they were built.
        None if form.dict.contains_key("build_config") || matches!(key, "layer" | "cell") => "LayerRef",
        _ => "keras_serial::object::Object",
    }
}
