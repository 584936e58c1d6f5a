//! Skeletons of classes that are not registered: what is written compiles, as it is compiled here.
//! `UPDATE_SKELETONS=1` writes the files anew.

use std::path::Path;

use keras_serial::json::{Value, value};
use keras_serial::object::Kind;
use keras_serial::prelude::*;
use keras_serial::registry::skeleton;

/// The modules that were written; what they define is used by the registry alone.
mod written {
    mod activation;
    mod constraint;
    mod function;
    mod initializer;
    mod layer;
    mod loss;
    mod metric;
    mod object;
    mod optimizer;
    mod regularizer;
    mod schedule;
}

fn form(class: &str, config: Value) -> Value {
    value!({
        "module": "my.objects", "class_name": class, "registered_name": (format!("Skeletons>{class}")), "config": config,
    })
}

fn cases() -> Vec<(&'static str, Kind, Value)> {
    let dense = Dense::new(2).name("inner").shared().serialize().unwrap();
    let unknown = value!({
        "module": null, "class_name": "Other", "config": {}, "registered_name": "Skeletons>Other", "build_config": {},
    });
    let layer = value!({
        "name": "all", "trainable": true, "dtype": "float32", "units": 3, "axis": (-1), "rate": 0.5, "training": false,
        "mode": "fast", "limits": [1, 2], "words": ["a"], "mixed": [1, "a"], "nothing": null, "type": 1, "2d": true,
        "kernel-size": [3, 3], "activation": "relu", "kernel_initializer": "zeros", "bias_regularizer": null,
        "kernel_constraint": null, "inner": (dense.clone()), "layers": [(dense.clone()), dense], "cell": unknown,
        "settings": { "deep": 1 },
    });
    let function = value!({
        "module": "builtins", "class_name": "function", "config": "Skeletons>wave", "registered_name": "function",
    });
    vec![
        ("layer", Kind::Layer, form("KernelMult", layer)),
        ("initializer", Kind::Initializer, form("Ramp", value!({ "slope": 0.5 }))),
        ("regularizer", Kind::Regularizer, form("Sparse", value!({ "l1": 0.1 }))),
        ("constraint", Kind::Constraint, form("Sphere", value!({ "radius": 1.0, "axis": 0 }))),
        ("activation", Kind::Function, form("Growth", value!({ "factor": 2.0 }))),
        ("function", Kind::Function, function),
        ("loss", Kind::Loss, form("Power", value!({ "name": "power", "reduction": "sum", "exponent": 3.0 }))),
        ("metric", Kind::Metric, form("Largest", value!({ "name": "largest", "dtype": "float32", "top": 2 }))),
        (
            "optimizer",
            Kind::Optimizer,
            form("Steady", value!({ "name": "steady", "learning_rate": 0.1, "momentum": 0.9 })),
        ),
        ("schedule", Kind::LearningRateSchedule, form("Stairs", value!({ "steps": [10, 20] }))),
        ("object", Kind::Object, form("Settings", value!({ "depth": 3, "children": [] }))),
    ]
}

#[test]
fn skeletons_are_written_as_they_compile() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/describe/written");
    for (name, kind, form) in cases() {
        let source = skeleton(&form, kind).unwrap();
        let path = folder.join(format!("{name}.rs"));
        if std::env::var_os("UPDATE_SKELETONS").is_some() {
            std::fs::write(&path, &source).unwrap();
        }
        assert_eq!(std::fs::read_to_string(&path).unwrap(), source, "{}", path.display());
    }
}

/// What is registered with them is found under its name, and takes the configuration that it was made for.
#[test]
fn skeletons_take_the_configurations_that_they_were_made_for() {
    for (name, kind, form) in cases() {
        if matches!(name, "function" | "object" | "layer") {
            continue;
        }
        let class = form["class_name"].as_str().unwrap().to_owned();
        let object = keras_serial::registry::construct::<keras_serial::object::Object>(
            &format!("Skeletons>{class}"),
            form["config"].as_dict().unwrap().clone(),
        );
        assert_eq!(object.unwrap().kind(), kind, "{name}");
    }
}

#[test]
fn names_from_files_do_no_harm() {
    let odd = form("Bad\"]\nfn evil() {} //", value!({ "fn": 1, "a b": 2, "": 3, "x\"y": 4 }));
    let source = skeleton(&odd, Kind::Layer).unwrap();
    assert!(source.lines().all(|line| !line.starts_with("fn ")), "{source}");
    assert!(source.contains("    #[keras(rename = \"fn\")]\n    fn_: usize,"), "{source}");
    assert!(source.contains("    #[keras(rename = \"x\\\"y\")]\n    x_y: usize,"), "{source}");
    let error = skeleton(&value!([1]), Kind::Layer).unwrap_err();
    assert!(error.to_string().contains("Expected a dict with `class_name` and `config`, or a name"), "{error}");
}
