//! Keras's own files fit the JSON Schema of models; faults that a schema can see do not.

use std::path::Path;

use keras_serial::json::{Access, Value, value};
use keras_serial::object::Kind;
use keras_serial::registry;
use keras_serial_tests::schemas::{faults, files, of_models, read_config};

/// Files that do not fit, and why.
const UNFIT: &[(&str, &str)] =
    &[("bomb_config.keras", "no JSON"), ("lambdas.keras", "an activation that is a Python lambda")];

#[test]
fn files_of_keras_fit() {
    let schema = of_models().unwrap();
    let (mut fit, mut excused) = (0, 0);
    for file in files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")) {
        // The schema is that of Keras 3, without the arguments of Keras 2; what hides in files is for a scan to find.
        if ["/keras2", "/scan/"].iter().any(|folder| file.to_string_lossy().contains(folder)) {
            continue;
        }
        let wrong = read_config(&file).and_then(|config| faults(&schema, &config));
        let is_fit = wrong.as_ref().is_ok_and(Vec::is_empty);
        if UNFIT.iter().any(|(name, _)| file.ends_with(name)) {
            assert!(!is_fit, "{} fits", file.display());
            excused += 1;
        } else {
            assert!(is_fit, "{}: {wrong:?}", file.display());
            fit += 1;
        }
    }
    assert!(fit > 90, "{fit}");
    assert_eq!(excused, UNFIT.len());
}

fn model() -> Value {
    value!({
        "module": "keras", "class_name": "Functional", "registered_name": null,
        "config": {
            "name": "m", "trainable": true,
            "layers": [
                {
                    "module": "keras.layers", "class_name": "InputLayer", "registered_name": null, "name": "i",
                    "config": { "batch_shape": [null, 4], "dtype": "float32", "name": "i" }, "inbound_nodes": [],
                },
                {
                    "module": "keras.layers", "class_name": "Dense", "registered_name": null, "name": "d",
                    "config": { "name": "d", "units": 3, "activation": "relu", "use_bias": true },
                    "build_config": { "input_shape": [null, 4] }, "inbound_nodes": [],
                },
            ],
            "input_layers": [["i", 0, 0]], "output_layers": [["d", 0, 0]],
        },
    })
}

/// Faults by the names of hostile files: the entry of the layer that is set, or removed where there is no value.
fn mutations() -> Vec<(&'static str, &'static str, Option<Value>)> {
    let odd = value!([1, { "a": 2 }]);
    vec![
        ("key_class_name_list", "class_name", Some(odd.clone())),
        ("key_class_name_missing", "class_name", None),
        ("key_config_list", "config", Some(odd.clone())),
        ("key_config_missing", "config", None),
        ("key_config_number", "config", Some(7.into())),
        ("key_config_string", "config", Some("zzz".into())),
        ("key_registered_name_list", "registered_name", Some(odd.clone())),
        ("key_registered_name_number", "registered_name", Some(7.into())),
        ("key_registered_name_string", "registered_name", Some("zzz".into())),
        ("key_module_list", "module", Some(odd.clone())),
        ("key_module_string", "module", Some("zzz".into())),
        ("key_name_list", "name", Some(odd.clone())),
        ("key_build_config_list", "build_config", Some(odd)),
        ("key_build_config_number", "build_config", Some(7.into())),
        ("key_build_config_string", "build_config", Some("zzz".into())),
        ("key_inbound_nodes_number", "inbound_nodes", Some(7.into())),
        ("key_inbound_nodes_string", "inbound_nodes", Some("zzz".into())),
        ("param_act_dict", "config/activation", Some(value!({ "class_name": "x" }))),
        (
            "param_init_bad",
            "config/kernel_initializer",
            Some(
                value!({ "module": "keras.initializers", "class_name": "Nope", "config": {}, "registered_name": null }),
            ),
        ),
        ("param_reg_bad", "config/kernel_regularizer", Some(3.into())),
        ("param_units_float", "config/units", Some(3.5.into())),
        ("param_units_missing", "config/units", None),
    ]
}

#[test]
fn faults_that_a_schema_can_see_are_seen() {
    let schema = of_models().unwrap();
    assert_eq!(faults(&schema, &model()).unwrap(), Vec::<String>::new());
    for (name, entry, fault) in mutations() {
        let mut broken = model();
        let path = format!("config/layers[1]/{entry}");
        match fault {
            Some(value) => _ = broken.set_at(&path, value).unwrap(),
            None => _ = broken.remove_at(&path).unwrap(),
        }
        assert!(!faults(&schema, &broken).unwrap().is_empty(), "{name} fits");
    }
}

#[test]
fn each_kind_and_class_has_a_schema() {
    let of_dense = registry::schema("Dense").unwrap();
    let definition = of_dense.at("$defs[\"keras.layers.Dense\"]/properties/config").unwrap();
    assert_eq!(definition.at("properties/units/type").unwrap(), &"integer".into());
    assert_eq!(definition.at("properties/use_bias/default").unwrap(), &true.into());
    assert_eq!(definition.at("additionalProperties").unwrap(), &false.into());
    let of_losses = registry::schema_of_kind(Kind::Loss);
    assert_eq!(of_losses["$ref"], "#/$defs/loss".into());
}

/// The schema of models with Keras's own classes is a file of the repository: `UPDATE_SCHEMA=1` writes it.
#[test]
fn the_schema_of_keras_is_in_the_repository() {
    let _own = registry::isolate();
    registry::clear_custom_objects();
    let text = format!("{}\n", registry::model_schema().to_json_pretty(1));
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/keras-model.schema.json");
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        std::fs::write(&file, &text).unwrap();
    }
    let kept = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(kept == text, "docs/keras-model.schema.json is another one: run this test with UPDATE_SCHEMA=1");
}
