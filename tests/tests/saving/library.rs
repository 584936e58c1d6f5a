//! Counterparts of tests in `keras/src/saving/saving_lib_test.py` without training; the others are in
//! `compiled.rs`.

use std::io::Cursor;

use keras_serial::json::Value;
use keras_serial::prelude::*;
use keras_serial::saving::{ModelFile, Source, ZipReader};

use crate::{bits, fixture, outputs, sequential, small};

#[test]
fn test_inference_after_instantiation() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("m.keras");
    let model = sequential([Dense::new(2).shared(), Dense::new(1).shared()], 4);
    model.save(&path).unwrap();
    let loaded = load_model(&path).unwrap();
    assert_eq!(outputs(&loaded), outputs(&model));
    // Two saves are the same file but for the date.
    let options = SaveOptions::new().deterministic(true);
    assert!(options.save_model_to_bytes(&loaded).unwrap() == options.save_model_to_bytes(&loaded).unwrap());
}

#[test]
fn the_form_of_a_functional_model_is_keras_form() {
    let bytes = SaveOptions::new().save_model_to_bytes(&small()).unwrap();
    let archive = ZipReader::open(bytes.into(), &Default::default()).unwrap();
    let config = Value::parse_bytes(&archive.read("config.json").unwrap(), &Default::default()).unwrap();
    let text = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
    assert_eq!(text(&config, "class_name").as_deref(), Some("Functional"));
    assert_eq!(text(&config, "module").as_deref(), Some("keras.src.models.functional"));
    let layers = config.get("config").unwrap().get("layers").unwrap().as_list().unwrap();
    assert_eq!(text(&layers[1], "module").as_deref(), Some("keras.layers"));
    assert_eq!(text(&layers[1], "class_name").as_deref(), Some("Dense"));
}

#[test]
fn the_state_of_an_optimizer_is_kept_bit_for_bit() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("m.keras");
    let model = load_model(fixture("small.keras")).unwrap();
    model.save(&path).unwrap();
    let again = load_model(&path).unwrap();
    assert_eq!(again.get_compile_config().unwrap(), model.get_compile_config().unwrap());
    // The optimizer's state is part of the file, bit for bit.
    let state = |path: &std::path::Path| {
        let file = ModelFile::open(path, &Default::default()).unwrap();
        let group = file.weights().unwrap().group("optimizer/vars").unwrap().clone();
        group.tensors.iter().map(|(name, tensor)| (name.clone(), tensor.read().unwrap())).collect::<Vec<_>>()
    };
    assert_eq!(state(&path), state(&fixture("small.keras")));
    assert_eq!(state(&path).len(), 10);
}

#[test]
fn test_metadata() {
    let bytes = SaveOptions::new().save_model_to_bytes(&small()).unwrap();
    let file = ModelFile::from_bytes(bytes, &Default::default()).unwrap();
    assert_eq!(file.keras_version(), Some("3.15.1"));
    let date = file.metadata().unwrap().get("date_saved").unwrap().as_str().unwrap().to_owned();
    assert_eq!(date.len(), "2026-01-31@12:00:00".len());
}

#[test]
fn test_save_load_weights_only() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("w.weights.h5");
    let (source, target) = (small(), small());
    source.save_weights(&path).unwrap();
    target.load_weights(&path).unwrap();
    assert_eq!(bits(&target), bits(&source));
    let error = source.save_weights(home.path().join("w.h6")).unwrap_err();
    assert!(error.to_string().contains(".weights.h5"), "{error}");
}

#[test]
fn test_load_weights_only_with_keras_file() {
    let model = small();
    model.load_weights(fixture("small.keras")).unwrap();
    assert_eq!(bits(&model), bits(&load_model(fixture("small.keras")).unwrap()));
}

#[test]
fn test_partial_load() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("m.keras");
    let original = sequential([Dense::new(3).shared(), Dense::new(5).shared()], 4);
    original.save(&path).unwrap();
    let larger = sequential([Dense::new(3).shared(), Dense::new(6).shared()], 4);
    let before = bits(&larger);
    let error = larger.load_weights(&path).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Weights);
    assert_eq!(bits(&larger), before, "a failed load changes nothing");
    let report = LoadOptions::new().skip_mismatch(true).load_weights(&larger, &path).unwrap();
    assert_eq!(report.mismatched.len(), 2);
    assert_eq!(bits(&larger)[..2], bits(&original)[..2]);
    assert_eq!(bits(&larger)[2..], before[2..]);
}

#[test]
fn models_are_read_from_any_reader() {
    let model = small();
    let bytes = SaveOptions::new().save_model_to_bytes(&model).unwrap();
    let loaded = LoadOptions::new().load_model_from_reader(Cursor::new(bytes)).unwrap();
    assert_eq!(outputs(&loaded), outputs(&model));
}

#[test]
fn test_save_model_exception_raised() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("none").join("m.keras");
    let error = small().save(&path).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io);
    assert!(error.path().contains("m.keras"), "{error}");
    assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 0);
}

#[test]
fn test_load_model_exception_raised() {
    let error = load_model("/none/m.keras").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io);
    assert!(error.path().ends_with("m.keras"), "{error}");
}

#[test]
fn test_load_model_concurrently() {
    let expected = outputs(&load_model(fixture("small.keras")).unwrap());
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for file in ["small.keras", "small.h5", "small.keras"] {
                    assert_eq!(outputs(&load_model(fixture(file)).unwrap()), expected);
                }
            });
        }
    });
}

#[test]
fn test_load_model_containing_reused_layer() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("m.keras");
    let inputs = Input::new([4]).tensor().unwrap();
    let reused = Dense::new(4).activation("relu").shared();
    let x = reused.apply(&inputs).unwrap();
    let y = reused.apply(&x).unwrap();
    let model = Functional::new(inputs, y).unwrap();
    model.save(&path).unwrap();
    let loaded = load_model(&path).unwrap();
    assert_eq!(loaded.weights().len(), 2);
    assert_eq!(outputs(&loaded), outputs(&model));
}

#[test]
fn test_weights_sharding() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("w.weights.json");
    let model = small();
    let too_small = SaveOptions::new().max_shard_size(8.0 / f64::from(1 << 30)).save_weights(&model, &path);
    assert!(too_small.unwrap_err().to_string().contains("exceeds the maximum shard size"));
    SaveOptions::new().max_shard_size(64.0 / f64::from(1 << 30)).save_weights(&model, &path).unwrap();
    let index = Value::parse(&std::fs::read_to_string(&path).unwrap()).unwrap();
    assert_eq!(index.get("metadata").unwrap().to_json(), "{\"total_size\": 92.0}");
    let again = small();
    again.load_weights(&path).unwrap();
    assert_eq!(bits(&again), bits(&model));
}

#[test]
fn test_saving_api_errors() {
    let error = small().load_weights("hello").unwrap_err();
    assert!(error.to_string().contains("hello"), "{error}");
    let error = SaveOptions::new().max_shard_size(1.0).save_weights(&small(), "w.h6").unwrap_err();
    assert!(error.to_string().contains("`.weights.json`"), "{error}");
}

#[test]
fn test_legacy_h5_format() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("m.h5");
    let inner = small();
    let model = sequential([LayerRef::from(&inner), Dense::new(2).shared()], 4);
    model.save(&path).unwrap();
    let loaded = load_model(&path).unwrap();
    assert_eq!(outputs(&loaded), outputs(&model));
    assert_eq!(bits(&loaded), bits(&model));
}

#[test]
fn test_nested_functional_model_saving() {
    let home = tempfile::tempdir().unwrap();
    let inner = small();
    let inputs = Input::new([4]).tensor().unwrap();
    let x = inner.apply(&inputs).unwrap();
    let y = Dense::new(2).apply(&x).unwrap();
    let model = Functional::new(inputs, y).unwrap();
    for name in ["m.keras", "m.h5"] {
        let path = home.path().join(name);
        model.save(&path).unwrap();
        assert_eq!(outputs(&load_model(&path).unwrap()), outputs(&model), "{name}");
    }
}

#[test]
fn test_nested_shared_functional_model_saving() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("m.keras");
    let inputs = Input::new([4]).tensor().unwrap();
    let inner = {
        let inputs = Input::new([4]).tensor().unwrap();
        let y = Dense::new(4).apply(&inputs).unwrap();
        Functional::new(inputs, y).unwrap()
    };
    let x = inner.apply(&inputs).unwrap();
    let y = inner.apply(&x).unwrap();
    let model = Functional::new(inputs, y).unwrap();
    model.save(&path).unwrap();
    let loaded = load_model(&path).unwrap();
    assert_eq!(loaded.weights().len(), 2);
    assert_eq!(outputs(&loaded), outputs(&model));
}

#[test]
fn test_sharded_h5_io_store_cross_shard_read() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("w.weights.json");
    let model = sequential([Dense::new(3).shared()], 4);
    // Kernel and bias of one layer lie in two shards.
    SaveOptions::new().max_shard_size(50.0 / f64::from(1 << 30)).save_weights(&model, &path).unwrap();
    let index = std::fs::read_to_string(&path).unwrap();
    assert!(index.contains("w_00000.weights.h5") && index.contains("w_00001.weights.h5"), "{index}");
    let again = sequential([Dense::new(3).shared()], 4);
    again.load_weights(&path).unwrap();
    assert_eq!(bits(&again), bits(&model));
    std::fs::remove_file(home.path().join("w_00001.weights.h5")).unwrap();
    let error = again.load_weights(&path).unwrap_err();
    assert!(error.path().contains("weight_map"), "{error}");
}

#[test]
fn test_load_model_rejects_bomb_config() {
    let error = load_model(fixture("bomb_config.keras")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Limit, "{error}");
}

#[test]
fn test_load_model_rejects_bomb_weights() {
    let error = load_model(fixture("bomb_weights.keras")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Limit, "{error}");
}

#[test]
fn test_load_weights_rejects_shape_bomb() {
    let error = small().load_weights(fixture("shape_bomb.weights.h5")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Limit, "{error}");
    assert!(error.path().contains("layers/dense/vars/0"), "{error}");
}

#[test]
fn test_disk_io_store_rejects_path_traversal() {
    for name in ["../evil.txt", "assets/../../evil.txt", "/evil.txt", "a\\..\\evil.txt"] {
        let mut archive = keras_serial::saving::ZipWriter::new(Cursor::new(Vec::new()));
        let error = archive.add(name, b"evil").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Archive, "{error}");
    }
}

#[test]
fn test_safe_mode() {
    let bytes = SaveOptions::new().save_model_to_bytes(&small()).unwrap();
    let archive = ZipReader::open(Source::from(bytes).into_bytes(), &Default::default()).unwrap();
    let config = String::from_utf8(archive.read("config.json").unwrap().to_vec()).unwrap();
    let config = config.replacen("\"class_name\": \"Dense\"", "\"class_name\": \"Lambda\"", 1);
    let error = keras_serial::models::model_from_json(&config, &CustomObjects::default()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::CodeRefused, "{error}");
    assert!(error.to_string().contains("custom_objects"), "{error}");
}

#[test]
fn test_normalization_legacy_h5_format() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("custom_model.h5");
    let x: Vec<f32> = (0..64u8).map(|i| f32::from(i).sin()).collect();
    let x = Tensor::from_vec(x, [2, 32]).unwrap();
    let normalization = Normalization::new().shared();
    normalization.adapt(x.clone()).unwrap();
    let inputs = Input::new([32]).tensor().unwrap();
    let y = normalization.apply(&inputs).unwrap();
    let model = Functional::new(inputs, y).unwrap();
    let predict = |model: &Model| model.predict(&x).unwrap().to_vec::<f32>().unwrap();
    let expected = predict(&model);
    assert!(expected.iter().any(|y| (y.abs() - 1.0).abs() < 1e-3), "normalized: {expected:?}");
    model.save(&path).unwrap();
    assert_eq!(predict(&load_model(&path).unwrap()), expected);
}
