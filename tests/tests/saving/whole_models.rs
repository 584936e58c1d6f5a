//! Counterparts of tests in `keras/src/saving/saving_lib_test.py` for whole models and their archives.

use std::io::Cursor;

use keras_serial::models::{Functional, Sequential};
use keras_serial::prelude::*;
use keras_serial::saving::{Limits, ZipReader, ZipWriter};

use crate::{bits, fixture, outputs, sequential, small};

/// Returns the model after saving and loading.
fn again(model: &Model) -> Model {
    let bytes = SaveOptions::new().save_model_to_bytes(model).unwrap();
    LoadOptions::new().load_model_from_bytes(bytes).unwrap()
}

fn predict(model: &Model, x: &Tensor) -> Vec<f32> {
    model.predict(x).unwrap().to_vec().unwrap()
}

#[test]
fn test_saving_preserve_unbuilt_state() {
    let model = Sequential::new([Dense::new(2).name("a").shared()]).unwrap();
    let again = again(&model);
    assert!(again.weights().is_empty());
    again.build([None, Some(3)]).unwrap();
    assert_eq!(again.weights().len(), 2);
}

#[test]
fn test_save_weights_only_with_unbuilt_model() {
    let home = tempfile::tempdir().unwrap();
    let model = Sequential::new([Dense::new(2).shared()]).unwrap();
    let path = home.path().join("w.weights.h5");
    let error = model.save_weights(&path).unwrap_err();
    assert!(error.to_string().contains("You are saving a model that has not yet been built"), "{error}");
    assert!(!path.exists());
}

#[test]
fn test_load_weights_only_with_unbuilt_model() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("w.weights.h5");
    sequential([Dense::new(2).shared()], 3).save_weights(&path).unwrap();
    let model = Sequential::new([Dense::new(2).shared()]).unwrap();
    let error = model.load_weights(&path).unwrap_err();
    assert!(error.to_string().contains("You are loading weights into a model that has not yet been built"), "{error}");
}

#[test]
fn test_compile_arg() {
    let path = fixture("small.keras");
    assert!(load_model(&path).unwrap().is_compiled());
    let without = LoadOptions::new().compile(false).load_model(&path).unwrap();
    assert!(!without.is_compiled());
    assert!(without.optimizer().is_none());
    assert_eq!(outputs(&without), outputs(&load_model(&path).unwrap()));
}

#[test]
fn test_model_api_endpoint() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("m.keras");
    let model = small();
    model.save(&path).unwrap();
    assert_eq!(bits(&load_model(&path).unwrap()), bits(&model));
    let again = small();
    model.save_weights(home.path().join("m.weights.h5")).unwrap();
    again.load_weights(home.path().join("m.weights.h5")).unwrap();
    assert_eq!(bits(&again), bits(&model));
}

#[test]
fn test_model_api_endpoint_h5() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("m.h5");
    let model = small();
    model.save(&path).unwrap();
    assert_eq!(bits(&load_model(&path).unwrap()), bits(&model));
}

#[test]
fn test_model_api_errors() {
    let home = tempfile::tempdir().unwrap();
    let error = small().save(home.path().join("m.notkeras")).unwrap_err();
    assert!(error.to_string().contains(".keras"), "{error}");
}

#[cfg(unix)]
#[test]
fn test_load_model_read_only_system() {
    use std::fs::{Permissions, set_permissions};
    use std::os::unix::fs::PermissionsExt;
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("m.keras");
    let model = small();
    model.save(&path).unwrap();
    set_permissions(&path, Permissions::from_mode(0o444)).unwrap();
    set_permissions(home.path(), Permissions::from_mode(0o555)).unwrap();
    let loaded = load_model(&path);
    let count = std::fs::read_dir(home.path()).unwrap().count();
    set_permissions(home.path(), Permissions::from_mode(0o755)).unwrap();
    assert_eq!(bits(&loaded.unwrap()), bits(&model));
    assert_eq!(count, 1, "nothing is written beside a file that is loaded");
}

#[test]
fn test_normalization_kpl() {
    let x = Tensor::from_slice(&[1.0f32, 20.0, -3.0, 2.0, 30.0, -4.0, 6.0, 70.0, -8.0], [3, 3]).unwrap();
    // With `adapt`: each column is brought to mean 0 and variance 1.
    let layer = Normalization::new().shared();
    layer.adapt(x.clone()).unwrap();
    let model = Sequential::new([Input::new([3]).layer(), layer]).unwrap();
    let y = predict(&model, &x);
    for column in 0..3 {
        let values: Vec<f32> = y.iter().skip(column).step_by(3).copied().collect();
        assert!(values.iter().sum::<f32>().abs() < 1e-5, "{values:?}");
        assert!((values.iter().map(|y| y * y).sum::<f32>() - 3.0).abs() < 1e-4, "{values:?}");
    }
    assert_eq!(predict(&again(&model), &x), y);
    // Without: by a mean and a variance that it is given.
    let (mean, variance) = ([1.0, 10.0, -2.0], [4.0, 100.0, 0.25]);
    let layer = Normalization::new().mean(mean.to_vec()).variance(variance.to_vec());
    let model = Sequential::new([Input::new([3]).layer(), layer.shared()]).unwrap();
    let y = predict(&model, &x);
    assert_eq!(y, [0.0, 1.0, -2.0, 0.5, 2.0, -4.0, 2.5, 6.0, -12.0]);
    assert_eq!(predict(&again(&model), &x), y);
}

#[test]
fn test_bidirectional_lstm_saving() {
    let inputs = Input::new([5, 3]).tensor().unwrap();
    let forward = LSTM::new(4).return_sequences(true);
    let y = Bidirectional::new(forward).unwrap().apply(&inputs).unwrap();
    let y = Bidirectional::new(LSTM::new(2)).unwrap().apply(&y).unwrap();
    let model = Functional::new(inputs, y).unwrap();
    let again = again(&model);
    assert_eq!(bits(&again), bits(&model));
    let x = Tensor::from_vec(vec![1.0f32; 30], [2, 5, 3]).unwrap();
    assert_eq!(predict(&again, &x), predict(&model, &x));
}

#[test]
fn weights_of_a_layer_that_is_not_there_change_nothing() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("w.weights.h5");
    sequential([Dense::new(3).name("a").shared(), Dense::new(2).name("b").shared()], 4).save_weights(&path).unwrap();
    let smaller = sequential([Dense::new(3).name("a").shared()], 4);
    let before = bits(&smaller);
    let error = smaller.load_weights(&path).unwrap_err();
    assert!(error.to_string().contains("dense_1") || error.to_string().contains("/b"), "{error}");
    assert_eq!(bits(&smaller), before);
}

#[test]
fn test_allows_incompressible_member() {
    let noise: Vec<u8> = (0u32..1 << 16).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    archive.add("noise", &noise).unwrap();
    let file = archive.finish().unwrap().into_inner();
    let reader = ZipReader::open(file.into(), &Limits::default()).unwrap();
    assert!(reader.read("noise").unwrap() == noise);
}
