//! The upgrade table, row by row, and what becomes of the numbers.

use super::arguments::{ARGUMENTS, CLASSES};
use super::*;
use crate::models::Model;
use crate::saving::LoadOptions;
use crate::tensor::Tensor;

fn parse(text: &str) -> Value {
    Value::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// An argument of Keras 2, and what the configuration holds after the upgrade; `Err` with the hint.
type Case = (&'static str, &'static str, std::result::Result<&'static str, &'static str>);

/// At least one case for each argument of the table.
const ARGUMENT_CASES: &[Case] = &[
    ("batch_input_shape", "[null, 3]", Ok("{}")),
    ("ragged", "false", Ok("{}")),
    ("ragged", "true", Err("ragged tensors are not supported")),
    ("type_spec", "null", Ok("{}")),
    ("type_spec", r#"{"class_name": "TypeSpec"}"#, Err("types of TensorFlow")),
    ("input_dtype", r#""float32""#, Ok("{}")),
    ("dynamic", "false", Ok("{}")),
    ("dynamic", "true", Err("struct of your own")),
    ("time_major", "false", Ok("{}")),
    ("time_major", "true", Err("transpose the inputs")),
    ("num_constants", "null", Ok("{}")),
    ("num_constants", "0", Ok("{}")),
    ("num_constants", "1", Err("constants of recurrent layers")),
    ("implementation", "1", Ok("{}")),
    ("groups", "1", Ok("{}")),
    ("groups", "2", Err("have no groups")),
    ("kernel_initializer", r#""zeros""#, Ok("{}")),
    ("kernel_regularizer", "null", Ok("{}")),
    ("kernel_constraint", "null", Ok("{}")),
    ("filters", "null", Ok("{}")),
    ("input_length", "5", Ok("{}")),
    ("alpha", "0.25", Ok(r#"{"negative_slope": 0.25}"#)),
    ("theta", "0.5", Ok(r#"{"threshold": 0.5}"#)),
    ("query_shape", "[null, 4, 3]", Ok("{}")),
    ("key_shape", "[null, 4, 3]", Ok("{}")),
    ("value_shape", "[null, 4, 3]", Ok("{}")),
    ("softmax_robust_masking", "true", Ok("{}")),
    ("causal", "false", Ok("{}")),
    ("causal", "true", Err("use_causal_mask")),
    ("rng_type", r#""stateful""#, Ok("{}")),
    ("force_generator", "true", Ok("{}")),
    ("noise_shape", "null", Ok("{}")),
    ("has_input_vocabulary", "true", Ok("{}")),
    ("axis", "[3]", Ok(r#"{"axis": 3}"#)),
    ("axis", "-1.0", Ok(r#"{"axis": -1}"#)),
    ("axis", "[1, 2]", Ok(r#"{"axis": [1, 2]}"#)),
    ("renorm", "false", Ok("{}")),
    ("renorm", "true", Err("batch renormalization")),
    ("renorm_clipping", "{}", Ok("{}")),
    ("renorm_momentum", "0.99", Ok("{}")),
    ("virtual_batch_size", "null", Ok("{}")),
    ("virtual_batch_size", "2", Err("virtual batches")),
    ("adjustment", "null", Ok("{}")),
    ("adjustment", r#""f""#, Err("adjustments")),
    ("fused", "true", Ok("{}")),
    ("mode", "0", Ok("{}")),
    ("mode", "2", Err("Keras 1")),
    ("dtype", r#""float32""#, Ok("{}")),
    ("distribution", r#""normal""#, Ok(r#"{"distribution": "truncated_normal"}"#)),
    ("distribution", r#""uniform""#, Ok(r#"{"distribution": "uniform"}"#)),
];

/// Upgrades one of Keras's own classes; its form.
fn upgraded(class: &str, config: &str) -> Result<Value> {
    let mut form = parse(&format!(r#"{{"class_name": "{class}", "config": {config}}}"#));
    upgrade_model(&mut form)?;
    Ok(form)
}

/// The configuration of an upgraded layer, of a crop without the resize that is added to it.
fn config_of(form: &Value) -> Option<&Value> {
    let config = form.get("config")?;
    match form.get("class_name")?.as_str() {
        Some("Pipeline") => config.get("layers")?.as_list()?.first()?.get("config"),
        _ => Some(config),
    }
}

#[test]
fn every_argument_of_the_table_is_upgraded_in_every_class() {
    for (classes, key, _) in ARGUMENTS {
        let cases: Vec<&Case> = ARGUMENT_CASES.iter().filter(|case| case.0 == *key).collect();
        assert!(!cases.is_empty(), "no case for {key}");
        let classes = if classes.is_empty() { &["Dense", "Conv2D", "Bidirectional"] } else { *classes };
        for class in classes {
            for (_, value, expected) in &cases {
                let what = format!("{class}({key}={value})");
                // Input layers have a row of their own for this argument.
                let expected = match (*class, *key) {
                    ("InputLayer", "batch_input_shape") => &Ok(r#"{"batch_shape": [null, 3]}"#),
                    _ => expected,
                };
                match (upgraded(class, &format!(r#"{{"{key}": {value}}}"#)), expected) {
                    (Ok(form), Ok(expected)) => assert_eq!(config_of(&form), Some(&parse(expected)), "{what}"),
                    (Err(error), Err(hint)) => {
                        let text = error.to_string();
                        assert!(text.contains(hint) && text.contains(key) && text.contains(class), "{what}: {text}");
                    }
                    (received, expected) => panic!("{what}: {received:?}, expected {expected:?}"),
                }
            }
        }
    }
    for (key, ..) in ARGUMENT_CASES {
        assert!(ARGUMENTS.iter().any(|row| row.1 == *key), "{key} is in no row");
    }
}

#[test]
fn arguments_of_custom_classes_are_left_alone() {
    for class in ["Custom>LSTM", "my>LSTM"] {
        let form = upgraded(class, r#"{"time_major": true, "implementation": 2}"#).unwrap();
        assert_eq!(form.get("config"), Some(&parse(r#"{"time_major": true, "implementation": 2}"#)), "{class}");
    }
}

#[test]
fn classes_get_their_new_names() {
    for (old, new) in CLASSES {
        let form = upgraded(old, "{}").unwrap();
        assert_eq!(form.get("class_name").and_then(Value::as_str), Some(*new), "{old}");
    }
    for class in ["BatchNormalizationV1", "BatchNormalizationV2"] {
        let form = upgraded(class, r#"{"axis": [3], "fused": true, "renorm": false}"#).unwrap();
        assert_eq!(form.get("config"), Some(&parse(r#"{"axis": 3}"#)), "{class}");
    }
    let form = upgraded("SyncBatchNormalization", "{}").unwrap();
    assert_eq!(form.get("config"), Some(&parse(r#"{"synchronized": true}"#)));
    let form = upgraded("Dense", r#"{"units": 1, "kernel_initializer": {"class_name": "OnesV2", "config": {}}}"#);
    let class = form.unwrap().get("config").and_then(|c| c.get("kernel_initializer")?.get("class_name").cloned());
    assert_eq!(class, Some(Value::from("Ones")));
}

/// A Sequential model of Keras 2 with these layers, on inputs of these features.
fn model(features: usize, layers: &str) -> Model {
    let input = format!(r#"{{"class_name": "InputLayer", "config": {{"batch_input_shape": [null, {features}]}}}}"#);
    let text = format!(
        r#"{{"class_name": "Sequential", "keras_version": "2.3.1", "config": {{"name": "s", "layers": [{input}, {layers}]}}}}"#
    );
    let loaded = LoadOptions::new().load_model_from_bytes(text.clone().into_bytes());
    loaded.unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn numbers(layers: &str, x: &[f32]) -> Vec<f32> {
    let model = model(x.len(), layers);
    let x = Tensor::from_slice(x, [1, x.len()]).unwrap();
    model.predict(&x).unwrap().to_vec().unwrap()
}

#[test]
fn upgraded_layers_give_the_numbers_of_keras_2() {
    let cases: &[(&str, &[f32], &[f32])] = &[
        (r#"{"class_name": "LeakyReLU", "config": {"alpha": 0.5}}"#, &[-2.0, 2.0], &[-1.0, 2.0]),
        (r#"{"class_name": "ThresholdedReLU", "config": {"theta": 1.0}}"#, &[0.5, 1.0, 2.0], &[0.0, 0.0, 2.0]),
        // x / 5 + 1/2; that of Keras 3 gives 2/3.
        (r#"{"class_name": "Activation", "config": {"activation": "hard_sigmoid"}}"#, &[1.0, -9.0], &[0.7, 0.0]),
        (
            r#"{"class_name": "Normalization", "config": {"axis": -1, "mean": [1.0, 2.0], "variance": 4.0}}"#,
            &[3.0, 0.0],
            &[1.0, -1.0],
        ),
        (
            r#"{"class_name": "BatchNormalizationV1", "config": {"axis": [1], "epsilon": 0.0, "fused": true}}"#,
            &[3.0],
            &[3.0],
        ),
        (
            r#"{"class_name": "Dense", "config": {"units": 1, "kernel_initializer": {"class_name": "ConstantV2", "config": {"value": 2.0, "dtype": "float32"}}}}"#,
            &[3.0],
            &[6.0],
        ),
    ];
    for (layer, x, expected) in cases {
        let received = numbers(layer, x);
        assert!(received.iter().zip(*expected).all(|(a, b)| (a - b).abs() < 1e-6), "{layer}: {received:?}");
    }
}

#[test]
fn images_are_resized_to_the_crop_outside_of_training() {
    let text = r#"{"class_name": "Sequential", "config": {"name": "s", "layers": [
        {"class_name": "RandomCrop", "config": {"name": "crop", "dtype": "float32", "batch_input_shape": [null, 4, 6, 1],
         "height": 2, "width": 2, "seed": 1, "rng_type": "stateful"}}]}}"#;
    let model = LoadOptions::new().load_model_from_bytes(text.as_bytes().to_vec()).unwrap();
    let x: Vec<f32> = (0..24u8).map(f32::from).collect();
    let y = model.predict(Tensor::from_slice(&x, [1, 4, 6, 1]).unwrap()).unwrap();
    // The middle four columns, and of these the middle of each quarter.
    assert_eq!(y.to_vec::<f32>().unwrap(), [4.5, 6.5, 16.5, 18.5]);
}
