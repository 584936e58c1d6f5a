//! Counterparts of `keras/src/saving/saving_api_test.py`.

use keras_serial::prelude::*;
use keras_serial::saving::FileForm;

use crate::{bits, fixture, outputs, small};

#[test]
fn test_basic_saving() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("test_model.keras");
    let model = small();
    model.save(&path).unwrap();
    let loaded = load_model(&path).unwrap();
    assert_eq!(outputs(&loaded), outputs(&model));
    assert_eq!(bits(&loaded), bits(&model));
}

#[test]
fn test_invalid_save_format() {
    let home = tempfile::tempdir().unwrap();
    let error = small().save(home.path().join("model.tf")).unwrap_err();
    assert!(error.to_string().contains("Invalid filepath extension for saving"), "{error}");
    let path = home.path().join("model.keras");
    let error = SaveOptions::new().zipped(false).save_model(&small(), path).unwrap_err();
    assert!(error.to_string().contains("should not end in `.keras`"), "{error}");
}

#[test]
fn test_unsupported_arguments() {
    let home = tempfile::tempdir().unwrap();
    let model = small();
    for name in ["test_model.keras", "test_model.h5"] {
        let path = home.path().join(name);
        let error = SaveOptions::new().max_shard_size(1.0).save_model(&model, &path).unwrap_err();
        assert!(error.to_string().contains("The following argument(s) are not supported"), "{error}");
        assert!(error.to_string().contains("max_shard_size"), "{error}");
        assert!(!path.exists());
    }
    let error = SaveOptions::new().objects_to_skip(model.layers()).save_model_to_bytes(&model).unwrap_err();
    assert!(error.to_string().contains("objects_to_skip"), "{error}");
}

#[test]
fn test_save_h5_format() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("test_model.h5");
    small().save(&path).unwrap();
    assert!(path.exists());
}

#[test]
fn test_save_unsupported_extension() {
    let error = small().save("test_model.png").unwrap_err();
    assert!(error.to_string().contains("Invalid filepath extension for saving"), "{error}");
    assert!(error.path().contains("test_model.png"));
}

#[test]
fn test_objects_to_skip() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("test_model.weights.h5");
    let (source, target) = (small(), small());
    source.save_weights(&path).unwrap();
    let before = bits(&target);
    let skipped = target.get_layer("second").unwrap();
    let report = LoadOptions::new().objects_to_skip([skipped]).load_weights(&target, &path).unwrap();
    assert_eq!(bits(&target)[..2], bits(&source)[..2]);
    assert_eq!(bits(&target)[2..], before[2..]);
    assert_eq!(report.skipped, ["layers/dense_1/vars/0", "layers/dense_1/vars/1"]);
    // The same on saving.
    let skipped = source.get_layer("first").unwrap();
    SaveOptions::new().objects_to_skip([skipped]).save_weights(&source, &path).unwrap();
    let error = target.load_weights(&path).unwrap_err();
    assert!(error.to_string().contains("layers/dense/vars/0"), "{error}");
}

#[test]
fn test_basic_load() {
    let model = load_model(fixture("small.keras")).unwrap();
    let text = std::fs::read_to_string(fixture("small.json")).unwrap();
    let expected = keras_serial::json::Value::parse(&text).unwrap();
    for (y, expected) in outputs(&model).iter().zip(expected.get("y").unwrap().as_list().unwrap()) {
        assert!((f64::from(*y) - expected.as_f64().unwrap()).abs() < 1e-5);
    }
}

#[test]
fn test_load_unsupported_format() {
    let error = load_model("model.pkl").unwrap_err();
    assert!(error.to_string().contains("File format not supported"), "{error}");
    let error = load_model(fixture("small.weights.h5")).unwrap_err();
    assert!(error.to_string().contains("load_weights"), "{error}");
}

#[test]
fn test_load_keras_not_zip() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("model.keras");
    std::fs::write(&path, b"not a zip file").unwrap();
    let error = load_model(&path).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Archive, "{error}");
}

#[test]
fn test_load_h5_format() {
    let model = load_model(fixture("small.h5")).unwrap();
    assert_eq!(bits(&model), bits(&load_model(fixture("small.keras")).unwrap()));
    assert_eq!(model.get_compile_config().unwrap().unwrap().get("loss").unwrap().as_str(), Some("mean_squared_error"));
}

#[test]
fn test_save_unzipped() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("test_model");
    let model = small();
    SaveOptions::new().zipped(false).save_model(&model, &path).unwrap();
    for name in ["config.json", "metadata.json", "model.weights.h5"] {
        assert!(path.join(name).exists(), "{name}");
    }
    assert_eq!(FileForm::of(&path).unwrap(), FileForm::Directory);
    assert_eq!(bits(&load_model(&path).unwrap()), bits(&model));
}

#[test]
fn test_load_weights() {
    let home = tempfile::tempdir().unwrap();
    let source = small();
    for name in ["w.keras", "w.h5"] {
        source.save(home.path().join(name)).unwrap();
    }
    for name in ["w.weights.h5", "w.safetensors"] {
        source.save_weights(home.path().join(name)).unwrap();
    }
    for name in ["w.keras", "w.weights.h5", "w.h5", "w.safetensors"] {
        let target = small();
        let report = target.load_weights(home.path().join(name)).unwrap();
        assert!(report.is_complete(), "{report}");
        assert_eq!(report.applied.len(), 4);
        assert_eq!(bits(&target), bits(&source), "{name}");
    }
}

#[test]
fn test_load_weights_invalid_kwargs() {
    let model = small();
    let first = model.get_layer("first").unwrap();
    for file in ["small.keras", "small_weights.h5"] {
        let error =
            LoadOptions::new().objects_to_skip([first.clone()]).load_weights(&model, fixture(file)).unwrap_err();
        assert!(error.to_string().contains("only supports loading '.weights.h5' files"), "{error}");
    }
    for file in ["small.keras", "small.weights.h5"] {
        let error = LoadOptions::new().by_name(true).load_weights(&model, fixture(file)).unwrap_err();
        assert!(error.to_string().contains("only supports loading legacy '.h5' or '.hdf5' files"), "{error}");
    }
}

#[test]
fn test_load_weights_invalid_extension() {
    let error = small().load_weights("invalid_extension.pkl").unwrap_err();
    assert!(error.to_string().contains("File format not supported"), "{error}");
    let error = small().save_weights("invalid_extension.pkl").unwrap_err();
    assert!(error.to_string().contains("The filename must end in `.weights.h5`"), "{error}");
}

#[test]
fn test_load_weights_rejects_h5_external_link() {
    for file in ["external_link.weights.h5", "group_link.weights.h5"] {
        let error = small().load_weights(fixture(file)).unwrap_err();
        assert!(error.to_string().contains("link"), "{error}");
        assert!(error.path().contains("layers"), "{error}");
    }
}

#[test]
fn test_load_weights_rejects_h5_soft_link() {
    let error = small().load_weights(fixture("soft_link.weights.h5")).unwrap_err();
    assert!(error.to_string().contains("soft"), "{error}");
}

#[test]
fn test_load_sharded_weights() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("test_model.weights.json");
    let source = small();
    SaveOptions::new().max_shard_size(64.0 / f64::from(1 << 30)).save_weights(&source, &path).unwrap();
    assert!(home.path().join("test_model_00001.weights.h5").exists());
    let target = small();
    assert!(target.load_weights(&path).unwrap().is_complete());
    assert_eq!(bits(&target), bits(&source));
}
