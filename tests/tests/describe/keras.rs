//! The descriptions of Keras's own classes agree with the signatures of their Python classes.

use std::path::Path;

use keras_serial::config::TypeDescription;
use keras_serial::json::{Dict, Value};
use keras_serial::registry;

fn signatures() -> Dict {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/signatures/signatures.json");
    let text = std::fs::read_to_string(file).unwrap();
    Value::parse(&text).unwrap().as_dict().unwrap().clone()
}

/// Arguments that stand in no configuration, or under another name there, and why.
const NOT_IN_CONFIGS: &[(&str, &str)] = &[
    ("AveragePooling1D.pool_size", READ_FROM_OLD),
    ("AveragePooling2D.pool_size", READ_FROM_OLD),
    ("AveragePooling3D.pool_size", READ_FROM_OLD),
    ("AveragePooling1D.strides", COMPLETED),
    ("AveragePooling2D.strides", COMPLETED),
    ("AveragePooling3D.strides", COMPLETED),
    ("MaxPooling1D.strides", COMPLETED),
    ("MaxPooling2D.strides", COMPLETED),
    ("MaxPooling3D.strides", COMPLETED),
    ("Bidirectional.backward_layer", COMPLETED),
    ("Bidirectional.weights", "initial values"),
    ("CategoryEncoding.num_tokens", "required for all modes but one, which Keras can't save"),
    ("Embedding.weights", "initial values"),
    ("InputLayer.batch_size", "configurations have `batch_shape`"),
    ("InputLayer.ragged", COMPLETED),
    ("InputLayer.sparse", COMPLETED),
    ("Muon.exclude_layers", "null and no layers are the same"),
    ("OptimizerMap.optimizer_map", "null and no layers are the same"),
    ("RandomCrop.seed", "drawn"),
];

const COMPLETED: &str = "configurations have the value that null stands for";
const READ_FROM_OLD: &str = "files of Keras 2 can leave it out";

#[test]
fn every_class_is_described() {
    // Policies that are refused, with the reason.
    let refused = ["AWQDTypePolicy", "DTypePolicyMap", "GPTQDTypePolicy"];
    let undescribed: Vec<String> = registry::entries()
        .iter()
        .filter(|entry| entry.module().is_some() && !entry.is_function() && entry.description().is_none())
        .filter(|entry| !refused.contains(&entry.name()))
        .map(|entry| entry.full_name())
        .collect();
    assert!(undescribed.is_empty(), "{undescribed:?}");
}

#[test]
fn every_class_is_documented() {
    let undocumented: Vec<String> = registry::entries()
        .iter()
        .filter(|entry| entry.module().is_some() && entry.doc().is_empty())
        .map(|entry| entry.full_name())
        .collect();
    assert!(undocumented.is_empty(), "{undocumented:?}");
}

fn same(ours: &Value, keras: &Value) -> bool {
    match (ours, keras) {
        (Value::List(a), Value::List(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        // One number stands for the same one along every axis.
        (Value::List(items), number) if number.as_f64().is_some() => {
            // A factor is the range from nothing to it.
            let from_zero = items.first().is_some_and(|low| low.as_f64() == Some(0.0));
            items.iter().skip(usize::from(from_zero)).all(|item| same(item, number))
        }
        (Value::Bool(a), Value::Bool(b)) => a == b,
        (Value::Bool(_), _) | (_, Value::Bool(_)) => false,
        (a, b) if a.as_f64().is_some() => match (a.as_f64(), b.as_f64()) {
            (Some(a), Some(b)) => (a - b).abs() <= 1e-7 * b.abs(),
            _ => false,
        },
        (a, b) => a == b,
    }
}

/// Returns true if an object of Keras is the default by name (`zeros`), or its default name or dtype.
fn is_same_object(ours: &Value, keras: &Value) -> bool {
    let Some(name) = keras.as_str() else { return false };
    match ours {
        Value::Dict(form) => {
            let class = form.get("class_name").and_then(Value::as_str).unwrap_or_default();
            let named = |name: &str| registry::search(name).iter().any(|entry| entry.name() == class);
            form.get("config").and_then(Value::as_str) == Some(name) || class == name || named(name)
        }
        _ => false,
    }
}

fn compare(name: &str, described: &TypeDescription, arguments: &Dict, wrong: &mut Vec<String>) {
    for (argument, keras) in arguments {
        let of_class = name.rsplit('.').next().unwrap();
        if NOT_IN_CONFIGS.iter().any(|(known, _)| *known == format!("{of_class}.{argument}")) {
            continue;
        }
        let Some(entry) = described.field(argument) else {
            wrong.push(format!("{name} has no `{argument}`"));
            continue;
        };
        if keras.get("required").is_some() {
            if !entry.is_required() {
                wrong.push(format!("{name}: `{argument}` is required"));
            }
            continue;
        }
        let Some(default) = keras.get("default") else { continue };
        // What null stands for.
        let stands_for_null = default.is_null() && matches!(argument.as_str(), "data_format" | "activation");
        // Names and dtypes are generated, or the global ones.
        if matches!(argument.as_str(), "name" | "dtype") && (default.is_null() || argument == "dtype") {
            continue;
        }
        match described.default_of(entry) {
            Some(Ok(_)) if stands_for_null => {}
            Some(Ok(ours)) if same(&ours, default) || is_same_object(&ours, default) => {}
            Some(Ok(ours)) => {
                wrong.push(format!("{name}: `{argument}` is {} by default, not {}", default.short(), ours.short()))
            }
            other => wrong.push(format!("{name}: `{argument}` is {} by default, not {other:?}", default.short())),
        }
    }
}

#[test]
fn arguments_and_defaults_are_those_of_keras() {
    let mut wrong = Vec::new();
    let mut compared = 0;
    for (name, arguments) in signatures() {
        let (module, class) = name.rsplit_once('.').unwrap();
        let Ok(entry) = registry::entry_named(&name) else { continue };
        if entry.module() != Some(module) || entry.name() != class {
            continue;
        }
        compare(&name, entry.description().unwrap(), arguments.as_dict().unwrap(), &mut wrong);
        compared += 1;
    }
    assert!(wrong.is_empty(), "{} of {compared} classes\n{}", wrong.len(), wrong.join("\n"));
    assert!(compared > 230, "{compared}");
}

#[test]
fn a_description_reads_as_help() {
    let text = registry::describe("keras.layers.Dense").unwrap().to_string();
    assert!(text.starts_with("keras.layers.Dense, a layer\nregistered at "), "{text}");
    assert!(text.contains("\nDense(units, "), "{text}");
    assert!(text.contains("    units: non-negative integer, required\n"), "{text}");
    assert!(text.contains("    use_bias: boolean, true by default\n"), "{text}");
    assert!(text.contains("State:\n    kernel: Weight\n"), "{text}");
    let data = registry::describe("mean_squared_error").unwrap_err().to_string();
    assert!(data.contains("`keras.metrics.MeanSquaredError`"), "{data}");
    let data = registry::describe("Dense").unwrap().to_value().unwrap();
    assert_eq!(data["arguments"][0]["name"], "name".into());
}
