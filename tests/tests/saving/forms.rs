//! Conversion between file formats, options for loading, files of Keras 2.

use keras_serial::prelude::*;
use keras_serial::saving::{ModelFile, convert, diff, inspect};

use crate::{bits, fixture, outputs, small};

#[test]
fn conversion_keeps_every_bit() {
    let home = tempfile::tempdir().unwrap();
    let at = |name: &str| home.path().join(name);
    let (load, save) = (LoadOptions::new(), SaveOptions::new());
    let expected = bits(&load_model(fixture("small.keras")).unwrap());
    convert(fixture("small.keras"), at("a.h5"), &load, &save).unwrap();
    let embedded = save.clone().embed_config(true);
    convert(at("a.h5"), at("b.safetensors"), &load, &embedded).unwrap();
    convert(at("b.safetensors"), at("c.keras"), &load, &save).unwrap();
    convert(at("c.keras"), at("d"), &load, &save.clone().zipped(false)).unwrap();
    convert(at("d"), at("e.keras"), &load, &save).unwrap();
    assert_eq!(bits(&load_model(at("e.keras")).unwrap()), expected);
    // The optimizer's state and the configuration came along too.
    let open = |path| ModelFile::open(path, &Default::default()).unwrap();
    let difference = diff(&open(fixture("small.keras")), &open(at("e.keras")), 0.0, 0.0).unwrap();
    assert!(difference.weights.is_empty(), "{difference}");
    assert_eq!(difference.config, []);
}

#[test]
fn files_of_keras_2_are_read() {
    for file in ["keras2_sequential.h5", "keras2_functional.h5"] {
        let model = load_model(fixture(file)).unwrap();
        // kernel = arange(8).reshape(4, 2), bias = [1, -1]; x = arange(8).reshape(2, 4)
        assert_eq!(outputs(&model), [29.0, 33.0, 77.0, 97.0], "{file}");
    }
}

#[test]
fn weights_are_filtered_renamed_and_skipped() {
    let source = load_model(fixture("small.keras")).unwrap();
    let file = fixture("small.weights.h5");
    let load = |options: LoadOptions| {
        let model = small();
        let report = options.load_weights(&model, &file).unwrap();
        (bits(&model), report)
    };
    let (own, report) = load(LoadOptions::new().only("*/bias"));
    assert_eq!((report.applied.len(), report.skipped.len()), (2, 2));
    assert_eq!((&own[1], &own[3]), (&bits(&source)[1], &bits(&source)[3]));
    assert_ne!(own[0], bits(&source)[0]);
    let (_, report) = load(LoadOptions::new().skip("layers/dense_1"));
    assert_eq!(report.applied, ["layers/dense/vars/0", "layers/dense/vars/1"]);
    let (_, report) = load(LoadOptions::new().filter(|path| path.ends_with("kernel")));
    assert_eq!(report.applied.len(), 2);
    assert!(report.table().contains("skipped  layers/dense/vars/1"), "{}", report.table());
    assert!(report.to_json().unwrap().starts_with("{\"applied\": [\"layers/dense/vars/0\""));

    // A file whose first layer has another name.
    let home = tempfile::tempdir().unwrap();
    let renamed = home.path().join("renamed.weights.h5");
    let mut editor = keras_serial::saving::FileEditor::open(&file).unwrap();
    editor.rename_object("layers/dense", "encoder").unwrap();
    editor.save(&renamed).unwrap();
    let model = small();
    let error = model.load_weights(&renamed).unwrap_err();
    assert!(error.to_string().contains("layers/encoder/vars/0"), "{error}");
    LoadOptions::new().rename("layers/encoder", "layers/dense").load_weights(&model, &renamed).unwrap();
    assert_eq!(bits(&model), bits(&source));
}

#[test]
fn legacy_weights_by_order_and_by_name() {
    let source = load_model(fixture("small.keras")).unwrap();
    let (in_order, by_name) = (small(), small());
    assert!(in_order.load_weights(fixture("small_weights.h5")).unwrap().is_complete());
    LoadOptions::new().by_name(true).load_weights(&by_name, fixture("small_weights.h5")).unwrap();
    assert_eq!(bits(&in_order), bits(&source));
    assert_eq!(bits(&by_name), bits(&source));
    // Whole-model files hold weights too.
    let whole = small();
    whole.load_weights(fixture("small.h5")).unwrap();
    assert_eq!(bits(&whole), bits(&source));
    let other = crate::sequential([Dense::new(3).name("first").shared()], 4);
    let error = other.load_weights(fixture("small_weights.h5")).unwrap_err();
    assert!(error.to_string().contains("Layer count mismatch when loading weights from file"), "{error}");
    let report = LoadOptions::new().by_name(true).load_weights(&other, fixture("small_weights.h5")).unwrap();
    assert_eq!((report.applied.len(), report.skipped.len()), (2, 2));
}

#[test]
fn contents_are_told_without_reading_weights() {
    let contents = inspect(fixture("small.keras"), &Default::default()).unwrap();
    assert_eq!(contents.keras_version.as_deref(), Some("3.15.1"));
    assert_eq!(contents.layers.len(), 3);
    assert_eq!(contents.layers[1].path, "small/first");
    let kernel = contents.weights.iter().find(|weight| weight.path == "layers/dense/vars/0").unwrap();
    assert_eq!((kernel.shape.as_slice(), kernel.dtype.as_str(), kernel.bytes), ([4, 3].as_slice(), "float32", 48));
    assert!(contents.to_string().contains("14 tensors"), "{contents}");
    assert!(contents.to_json().unwrap().contains("\"form\": \"keras\""));
}

#[test]
fn differences_are_named() {
    let home = tempfile::tempdir().unwrap();
    let model = load_model(fixture("small.keras")).unwrap();
    model.weight("first/kernel").unwrap().assign(&Tensor::from_slice(&[0.5f32; 12], [4, 3]).unwrap()).unwrap();
    let path = home.path().join("m.keras");
    model.save(&path).unwrap();
    let open = |path| ModelFile::open(path, &Default::default()).unwrap();
    let (first, second) = (open(fixture("small.keras")), open(path));
    let difference = diff(&first, &second, 0.0, 0.0).unwrap();
    assert_eq!(difference.weights.len(), 1);
    assert_eq!(difference.weights[0].path, "layers/dense/vars/0");
    assert!(difference.to_string().contains("values differ by up to"), "{difference}");
    assert!(diff(&first, &second, 10.0, 0.0).unwrap().is_empty());
}

/// A model with a class that nobody has registered, and weights that would fit it.
fn strangers_model(folder: &std::path::Path) -> std::path::PathBuf {
    let path = folder.join("stranger");
    load_model(fixture("small.keras")).unwrap();
    SaveOptions::new().zipped(false).save_model(&load_model(fixture("small.keras")).unwrap(), &path).unwrap();
    let config = std::fs::read_to_string(path.join("config.json")).unwrap();
    let config = config.replacen("\"class_name\": \"Dense\"", "\"class_name\": \"Unknown\"", 1);
    let config = config.replacen(
        "\"module\": \"keras.layers\", \"class_name\": \"Unknown\"",
        "\"module\": \"mine\", \"class_name\": \"Unknown\"",
        1,
    );
    std::fs::write(path.join("config.json"), config).unwrap();
    path
}

#[test]
fn layouts_alike_convert_without_the_model() {
    let home = tempfile::tempdir().unwrap();
    let at = |name: &str| home.path().join(name);
    let (load, save) = (LoadOptions::new(), SaveOptions::new());
    let stranger = strangers_model(home.path());
    assert!(load_model(&stranger).is_err());
    let mut from = stranger.clone();
    for name in ["a.keras", "b.weights.h5", "c.safetensors", "d.weights.json", "e.safetensors", "f.weights.h5"] {
        convert(&from, at(name), &load, &save).unwrap();
        from = at(name);
    }
    let open = |path: &std::path::Path| ModelFile::open(path, &Default::default()).unwrap();
    let (first, last) = (open(&stranger), open(&at("f.weights.h5")));
    assert!(diff(&first, &last, 0.0, 0.0).unwrap().weights.is_empty());
    let name =
        |file: &ModelFile| file.weights().unwrap().group("layers/dense/vars").unwrap().attrs.get("name").cloned();
    assert!(name(&first).is_some());
    assert_eq!(name(&first), name(&last));
    assert_eq!(open(&at("a.keras")).config(), first.config());
    // The weights fit the model in every form.
    let source = load_model(fixture("small.keras")).unwrap();
    for name in ["b.weights.h5", "c.safetensors", "d.weights.json", "e.safetensors", "f.weights.h5"] {
        let model = small();
        assert!(model.load_weights(at(name)).unwrap().is_complete(), "{name}");
        assert_eq!(bits(&model), bits(&source), "{name}");
    }
    convert(&stranger, at("g.json"), &load, &save).unwrap();
    convert(at("a.keras"), at("h"), &load, &save.clone().zipped(false)).unwrap();
    assert!(diff(&first, &open(&at("h")), 0.0, 0.0).unwrap().is_empty());
    for name in ["small_weights.h5", "small.h5"] {
        convert(fixture(name), at("i.h5"), &load, &save).unwrap();
        assert!(diff(&open(&fixture(name)), &open(&at("i.h5")), 0.0, 0.0).unwrap().is_empty());
    }
}

#[test]
fn weights_alone_in_other_layouts_need_the_model() {
    let home = tempfile::tempdir().unwrap();
    let at = |name: &str| home.path().join(name);
    let (load, save) = (LoadOptions::new(), SaveOptions::new());
    small().save_weights(at("own.safetensors")).unwrap();
    convert(at("own.safetensors"), at("again.safetensors"), &load, &save).unwrap();
    assert_eq!(std::fs::read(at("own.safetensors")).unwrap(), std::fs::read(at("again.safetensors")).unwrap());
    for (from, to) in [
        (at("own.safetensors"), "a.weights.h5"),
        (at("own.safetensors"), "a.keras"),
        (fixture("small.weights.h5"), "a.keras"),
        (fixture("small.weights.h5"), "a.h5"),
        (fixture("small_weights.h5"), "a.weights.h5"),
    ] {
        let error = convert(from, at(to), &load, &save).unwrap_err();
        assert!(error.to_string().contains("only the model can tell"), "{error}");
        assert!(!at(to).exists());
    }
    let error = convert(strangers_model(home.path()), at("a.h5"), &load, &save).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnknownObject, "{error}");
}
