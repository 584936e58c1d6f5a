//! JSON Schemas of objects and models, from the descriptions of registered classes.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Entry, entries, entry_named};
use crate::config::{FieldType, TypeDescription};
use crate::error::Result;
use crate::json::{Dict, Value, value};
use crate::object::Kind;

/// The dialect of all schemas.
const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

/// The kinds that have a definition of their own.
const KINDS: &[Kind] = &[
    Kind::Layer,
    Kind::Initializer,
    Kind::Regularizer,
    Kind::Constraint,
    Kind::Function,
    Kind::Loss,
    Kind::Metric,
    Kind::Optimizer,
    Kind::LearningRateSchedule,
    Kind::DTypePolicy,
    Kind::Quantizer,
    Kind::Operation,
    Kind::Tensor,
    Kind::Object,
];

/// Returns the JSON Schema (2020-12) of the serialized objects of one class: `{module, class_name, config,
/// registered_name}`. `name` is any that [`entry_named`] finds.
///
/// Definitions of all registered classes are part of it, as a configuration can hold other objects.
///
/// ```
/// let schema = keras_serial::registry::schema("keras.layers.Dense")?;
/// assert_eq!(schema["$ref"], "#/$defs/keras.layers.Dense".into());
/// # Ok::<(), keras_serial::Error>(())
/// ```
///
/// # Errors
/// As [`entry_named`].
pub fn schema(name: &str) -> Result<Value> {
    let entry = entry_named(name)?;
    Ok(document(&reference(&entry.full_name()), &format!("{}, serialized", entry.full_name())))
}

/// Returns the JSON Schema of the serialized objects of one kind: any layer, any loss.
pub fn schema_of_kind(kind: Kind) -> Value {
    document(&reference(&kind_name(kind)), &format!("Any {kind}, serialized"))
}

/// Returns the JSON Schema of models: of the `config.json` in a `.keras` file, and of `model.to_json()`.
pub fn model_schema() -> Value {
    document(&reference("model"), "A Keras model's config.json")
}

fn document(reference: &Value, title: &str) -> Value {
    let Value::Dict(mut schema) = value!({ "$schema": DIALECT, "title": title }) else { return Value::Null };
    if let Value::Dict(reference) = reference {
        schema.extend(reference.clone());
    }
    schema.insert("$defs".to_owned(), Value::Dict(definitions()));
    Value::Dict(schema)
}

/// Refers to a definition: a JSON pointer in a URI, in which most signs are escaped.
fn reference(name: &str) -> Value {
    let mut pointer = String::from("#/$defs/");
    for byte in name.replace('~', "~0").replace('/', "~1").bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => pointer.push(char::from(byte)),
            other => pointer.push_str(&format!("%{other:02X}")),
        }
    }
    value!({ "$ref": pointer })
}

fn kind_name(kind: Kind) -> String {
    kind.to_string()
}

fn definitions() -> Dict {
    let mut classes: BTreeMap<String, Arc<Entry>> = BTreeMap::new();
    for entry in entries() {
        classes.entry(entry.full_name()).or_insert(entry);
    }
    let mut definitions = Dict::new();
    definitions.insert("model".to_owned(), model());
    for &kind in KINDS {
        definitions.insert(kind_name(kind), of_kind(kind, &classes));
    }
    for (name, entry) in &classes {
        definitions.insert(name.clone(), class(entry));
    }
    definitions
}

/// A model is a layer with its compile configuration and the shapes that it was built with.
fn model() -> Value {
    value!({
        "allOf": [(reference("layer"))],
        "properties": {
            "build_config": { "type": ["object", "null"] },
            "compile_config": { "type": ["object", "null"] },
            "keras_version": { "type": "string" },
            "backend": { "type": "string" },
        },
    })
}

/// Any object of a kind: of a registered class, by its own schema, or of a custom class that is not registered here.
fn of_kind(kind: Kind, classes: &BTreeMap<String, Arc<Entry>>) -> Value {
    // A user's operation stands among a graph's layers.
    let operation = (kind == Kind::Layer).then_some(Kind::Operation);
    let is_one = |of: &Kind| *of == kind || Some(*of) == operation;
    let is_kind = |entry: &Entry| kind == Kind::Object || entry.kinds().iter().any(is_one);
    let members: Vec<(&String, &Arc<Entry>)> = classes.iter().filter(|(_, entry)| is_kind(entry)).collect();
    let mut conditions: Vec<Value> = Vec::new();
    for (name, entry) in &members {
        if entry.is_function() || kind == Kind::Object {
            continue;
        }
        conditions.push(value!({ "if": (is_of_class(entry)), "then": (reference(name)) }));
    }
    conditions.push(value!({ "if": (in_module(ELSEWHERE)), "then": { "properties": { "registered_name": { "type": "string" } }, "required": ["registered_name"] } }));
    let mut object = Dict::new();
    object.insert("type".to_owned(), "object".into());
    object.insert("required".to_owned(), ["class_name", "config"].into());
    object.insert("properties".to_owned(), entries_of_form(kind));
    if kind == Kind::Object || members.is_empty() {
        object.insert("allOf".to_owned(), Value::List(conditions));
        return Value::Dict(object);
    }
    if kind == Kind::Layer {
        let operations = value!({ "properties": { "class_name": { "enum": (super::operations::OPERATIONS) } } });
        conditions.push(value!({ "if": (in_module(OF_OPERATIONS)), "then": operations }));
    }
    // Keras's own classes of other kinds do not fit; custom ones that are not registered here may.
    let own = members.iter().filter(|(_, entry)| entry.module().is_some());
    let mut names: Vec<&str> =
        own.flat_map(|(_, entry)| entry.aliases().iter().copied().chain([entry.name()])).collect();
    names.extend(["__lambda__", "__typespec__", "function", "Lambda"]);
    names.sort_unstable();
    names.dedup();
    conditions
        .push(value!({ "if": (in_module(OF_KERAS)), "then": { "properties": { "class_name": { "enum": names } } } }));
    object.insert("allOf".to_owned(), Value::List(conditions));
    Value::Dict(object)
}

/// The modules of Keras's own classes, but for operations.
const OF_KERAS: &str = "^(tf_)?(keras|tensorflow\\.keras)(\\.(?!ops|src\\.ops)|$)";

/// The modules of Keras's operations, which stand among a graph's layers.
const OF_OPERATIONS: &str = "^keras\\.(src\\.)?ops";

/// The modules of custom classes.
const ELSEWHERE: &str = "^(?!(tf_)?(keras|tensorflow\\.keras)(\\.|$))";

fn in_module(pattern: &str) -> Value {
    value!({ "properties": { "module": { "type": "string", "pattern": pattern } }, "required": ["module"] })
}

/// What can stand in the serialized form of an object beside its configuration.
fn entries_of_form(kind: Kind) -> Value {
    let Value::Dict(mut properties) = value!({
        "class_name": { "type": "string" },
        "module": { "type": ["string", "null"] },
        "registered_name": { "type": ["string", "null"] },
    }) else {
        return Value::Null;
    };
    if kind == Kind::Layer {
        let optional = value!({ "type": ["object", "null"] });
        properties.insert("name".to_owned(), value!({ "type": "string" }));
        properties.insert("build_config".to_owned(), optional);
        properties.insert("inbound_nodes".to_owned(), value!({ "type": "array" }));
    }
    Value::Dict(properties)
}

/// The condition for an object to be of a class.
fn is_of_class(entry: &Entry) -> Value {
    match entry.module() {
        // Files also name private modules, and older ones.
        Some(_) => value!({
            "required": ["class_name", "module"],
            "properties": { "class_name": { "const": (entry.name()) }, "module": { "type": "string", "pattern": OF_KERAS } },
        }),
        None => value!({
            "required": ["class_name", "registered_name"],
            "properties": { "registered_name": { "const": (entry.registered_name()) } },
        }),
    }
}

/// The serialized form of an object of a class, or of a function.
fn class(entry: &Entry) -> Value {
    let (name, config) = match (entry.is_function(), entry.description()) {
        (true, _) => ("function", value!({ "const": (entry.name()) })),
        (false, Some(described)) => (entry.name(), configuration(described, entry.kinds().contains(&Kind::Operation))),
        (false, None) => (entry.name(), value!({ "type": ["object", "null"] })),
    };
    let mut properties = Dict::new();
    let module = match entry.module() {
        Some(_) => value!({ "type": ["string", "null"], "pattern": OF_KERAS }),
        None => value!({ "type": ["string", "null"] }),
    };
    properties.insert("module".to_owned(), module);
    // A custom class is found by its registered name, whatever its own name is in Python.
    let is_named = entry.module().is_some() || entry.is_function();
    properties.insert(
        "class_name".to_owned(),
        if is_named { value!({ "const": name }) } else { value!({ "type": "string" }) },
    );
    properties.insert("config".to_owned(), config);
    let registered = match entry.module() {
        Some(_) => value!({ "enum": [null, (entry.name()), "function"] }),
        None => value!({ "const": (entry.registered_name()) }),
    };
    properties.insert("registered_name".to_owned(), registered);
    let mut schema = Dict::new();
    if !entry.doc().is_empty() {
        schema.insert("description".to_owned(), first_sentence(entry.doc()).into());
    }
    schema.insert("type".to_owned(), "object".into());
    schema.insert("required".to_owned(), ["class_name", "config"].into());
    schema.insert("properties".to_owned(), Value::Dict(properties));
    Value::Dict(schema)
}

/// The configuration of a class: its entries, with their types, defaults and documentation.
fn configuration(described: &TypeDescription, is_operation: bool) -> Value {
    let mut properties = Dict::new();
    if is_operation {
        // The graph's name of the operation.
        properties.insert("name".to_owned(), value!({ "type": "string" }));
    }
    let mut required: Vec<Value> = Vec::new();
    for entry in described.entries() {
        let mut schema = match of_type(&entry.field_type()) {
            Value::Dict(schema) => schema,
            _ => Dict::new(),
        };
        if !entry.doc.is_empty() {
            schema.insert("description".to_owned(), first_sentence(entry.doc).into());
        }
        if let Some(Ok(default)) =
            described.fixed_default(entry).filter(|default| default.as_ref().is_ok_and(is_standard))
        {
            schema.insert("default".to_owned(), default);
        }
        for alias in entry.aliases {
            properties.insert((*alias).to_owned(), Value::Dict(schema.clone()));
        }
        properties.insert(entry.name.to_owned(), Value::Dict(schema));
        if entry.is_required() {
            let names = entry.names().map(|name| value!({ "required": [name] }));
            required.push(value!({ "anyOf": (names.collect::<Vec<_>>()) }));
        }
    }
    for ignored in described.ignored {
        properties.insert((*ignored).to_owned(), value!({}));
    }
    let mut schema = Dict::new();
    schema.insert("type".to_owned(), if required.is_empty() { ["object", "null"].into() } else { "object".into() });
    schema.insert("properties".to_owned(), Value::Dict(properties));
    if !required.is_empty() {
        schema.insert("allOf".to_owned(), Value::List(required));
    }
    if !described.allows_unknown {
        schema.insert("additionalProperties".to_owned(), false.into());
    }
    Value::Dict(schema)
}

/// Returns true if standard JSON has the value: it has no NaN and no infinities.
fn is_standard(value: &Value) -> bool {
    match value {
        Value::Float(number) => number.is_finite(),
        Value::List(items) => items.iter().all(is_standard),
        Value::Dict(items) => items.values().all(is_standard),
        _ => true,
    }
}

fn first_sentence(doc: &str) -> String {
    let paragraph = doc.split("\n\n").next().unwrap_or(doc);
    paragraph.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The values of a type.
fn of_type(field: &FieldType) -> Value {
    match field {
        FieldType::Any => value!({}),
        FieldType::Bool => value!({ "type": "boolean" }),
        // A float without fraction is an integer in JSON Schema too.
        FieldType::Integer { min, max } => {
            let mut schema = Dict::from([("type".to_owned(), Value::from("integer"))]);
            for (name, bound) in [("minimum", min), ("maximum", max)] {
                if let Ok(bound) = i64::try_from(*bound) {
                    schema.insert(name.to_owned(), bound.into());
                }
            }
            Value::Dict(schema)
        }
        FieldType::Number => value!({ "type": "number" }),
        FieldType::String => value!({ "type": "string" }),
        FieldType::Choices(choices) => value!({ "enum": (choices.as_slice()) }),
        FieldType::Nullable(inner) => any_of([of_type(inner), value!({ "type": "null" })]),
        FieldType::Omittable(inner) => of_type(inner),
        FieldType::List { item, length } => {
            let mut schema =
                Dict::from([("type".to_owned(), Value::from("array")), ("items".to_owned(), of_type(item))]);
            if let Some(length) = length {
                schema.insert("minItems".to_owned(), (*length).into());
                schema.insert("maxItems".to_owned(), (*length).into());
            }
            Value::Dict(schema)
        }
        FieldType::Tuple(items) => value!({
            "type": "array",
            "prefixItems": (items.iter().map(of_type).collect::<Vec<_>>()),
            "minItems": (items.len()),
            "maxItems": (items.len()),
        }),
        FieldType::Map(item) => value!({ "type": "object", "additionalProperties": (of_type(item)) }),
        FieldType::Object { kind, by_name: false } => reference(&kind_name(*kind)),
        FieldType::Object { kind, by_name: true } => {
            any_of([value!({ "type": "string" }), reference(&kind_name(*kind))])
        }
        FieldType::Either(types) => any_of(types.iter().map(of_type)),
    }
}

fn any_of(schemas: impl IntoIterator<Item = Value>) -> Value {
    value!({ "anyOf": (schemas.into_iter().collect::<Vec<_>>()) })
}
