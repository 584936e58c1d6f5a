//! Counterparts of `keras/src/saving/file_editor_test.py`.

use keras_serial::models::{Functional, Sequential};
use keras_serial::prelude::*;
use keras_serial::saving::FileEditor;

use crate::{bits, fixture, ones, sequential, small};

fn source() -> Model {
    sequential([Dense::new(3).shared(), Dense::new(3).shared()], 3)
}

fn target() -> Model {
    sequential([Dense::new(3).shared(), Dense::new(3).shared(), Dense::new(3).shared()], 3)
}

#[test]
fn test_basics() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("my_model.keras");
    let (model, other) = (source(), target());
    model.save(&path).unwrap();
    let mut editor = FileEditor::open(&path).unwrap();
    assert!(editor.summary().contains("dense_1\n"), "{}", editor.summary());
    let same = editor.compare(&model).unwrap();
    assert_eq!((same.status, same.error_count, same.match_count), ("success", 0, 4));
    assert_eq!(editor.compare(&other).unwrap().error_count, 1);

    editor.add_object("layers/dense_3", [("0", ones(&[3, 3]))]).unwrap();
    let comparison = editor.compare(&other).unwrap();
    assert_eq!((comparison.status, comparison.error_count), ("error", 2), "{comparison}");
    editor.rename_object("dense_3", "dense_4").unwrap();
    editor.rename_object("layers/dense_4", "dense_2").unwrap();
    editor.add_weights("dense_2", [("1", ones(&[3]))]).unwrap();
    assert_eq!(editor.compare(&other).unwrap().status, "success");

    editor.add_object("layers/dense_3", [("0", ones(&[3, 3]))]).unwrap();
    assert_eq!(editor.compare(&other).unwrap().error_count, 1);
    editor.delete_object("layers/dense_3").unwrap();
    assert_eq!(editor.compare(&other).unwrap().status, "success");

    let path = home.path().join("resaved.weights.h5");
    editor.save(&path).unwrap();
    other.load_weights(&path).unwrap();
    assert_eq!(bits(&other)[..4], bits(&model)[..]);
    assert_eq!(bits(&other)[5], ones(&[3]));

    let mut editor = FileEditor::open(&path).unwrap();
    assert_eq!(editor.compare(&other).unwrap().status, "success");
    editor.delete_weight("dense_2", "1").unwrap();
    assert_eq!(editor.compare(&other).unwrap().error_count, 1);
    editor.add_weights("dense_2", [("1", ones(&[7]))]).unwrap();
    assert_eq!(editor.compare(&other).unwrap().error_count, 1);
    editor.delete_weight("dense_2", "1").unwrap();
    editor.add_weights("dense_2", [("1", ones(&[3]))]).unwrap();
    assert_eq!(editor.compare(&other).unwrap().status, "success");
}

#[test]
fn names_must_be_unique_and_there() {
    let mut editor = FileEditor::open(fixture("small.keras")).unwrap();
    assert!(editor.rename_object("dense", "a/b").unwrap_err().to_string().contains("leaf name"));
    let error = editor.delete_object("dens").unwrap_err();
    assert!(
        error.to_string().contains("does not appear in the model") && error.to_string().contains("`dense`"),
        "{error}"
    );
    assert!(editor.delete_object("layers/none").is_err());
    assert!(editor.delete_weight("dense", "7").unwrap_err().to_string().contains("Weight 7 not found in object dense"));
    editor.add_object("other", [("0", ones(&[1]))]).unwrap();
    editor.add_object("other/dense", [("0", ones(&[1]))]).unwrap();
    let error = editor.delete_object("dense").unwrap_err();
    assert!(error.to_string().contains("occurs more than once"), "{error}");
    let error = editor.save("m.h5").unwrap_err();
    assert!(error.to_string().contains("`.weights.h5`"), "{error}");
}

#[test]
fn test_scalar_weight() {
    let editor = FileEditor::open(fixture("small.keras")).unwrap();
    // Two kernels, two biases, and Adam's two scalars and two slots for each weight.
    assert_eq!(editor.weights().paths().len(), 14);
    assert!(editor.weights().tensor("optimizer/vars/0").unwrap().shape().is_empty());
}

#[test]
fn legacy_files_are_edited_with_their_lists_of_names() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("edited.h5");
    let mut editor = FileEditor::open(fixture("small_weights.h5")).unwrap();
    editor.delete_object("second").unwrap();
    editor.save(&path).unwrap();
    let model = small();
    let report = LoadOptions::new().by_name(true).load_weights(&model, &path).unwrap();
    assert_eq!(report.applied.len(), 2);
    assert_eq!(report.skipped.len(), 2);
    editor.rename_object("first", "second").unwrap();
    editor.save(&path).unwrap();
    let error = LoadOptions::new().by_name(true).load_weights(&model, &path).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Weights, "{error}");
}

#[test]
fn test_rejects_external_link_at_group_level() {
    assert!(FileEditor::open(fixture("group_link.weights.h5")).unwrap_err().to_string().contains("link"));
}

#[test]
fn test_rejects_soft_link_at_group_level() {
    assert!(FileEditor::open(fixture("soft_link.weights.h5")).unwrap_err().to_string().contains("soft"));
}

#[test]
fn test_rejects_virtual_dataset() {
    assert!(FileEditor::open(fixture("virtual.weights.h5")).unwrap_err().to_string().contains("virtual"));
}

#[test]
fn test_rejects_decompression_bomb_config() {
    assert_eq!(FileEditor::open(fixture("bomb_config.keras")).unwrap_err().kind(), ErrorKind::Limit);
}

/// A dense layer that a model inside shares with the graph, a sum, two outputs.
fn graph() -> Model {
    let inputs = Input::new([3]).name("in").tensor().unwrap();
    let shared = Dense::new(3).name("shared").shared();
    let inner = Sequential::named("inner", [Input::new([3]).name("inner_in").layer(), shared.clone()]).unwrap();
    let x = shared.call(&inputs, &Default::default()).unwrap().into_single().unwrap();
    let x = Add::new().shared().call(vec![x, inputs.clone()], &Default::default()).unwrap().into_single().unwrap();
    let x = inner.as_layer().call(&x, &Default::default()).unwrap().into_single().unwrap();
    let y = Dense::new(2).name("left").apply(&x).unwrap();
    let z = Dense::new(1).name("right").apply(&x).unwrap();
    Functional::named("graph", inputs, vec![y, z]).unwrap()
}

fn predictions(model: &Model) -> Vec<f32> {
    let x = Tensor::from_slice(&[0.5f32, -1.0, 2.0], [1, 3]).unwrap();
    let outputs = model.predict_all(&x).unwrap();
    outputs.leaves().iter().flat_map(|output| output.to_vec::<f32>().unwrap()).collect()
}

#[test]
fn renamed_objects_are_renamed_in_the_configuration_of_every_form() {
    let home = tempfile::tempdir().unwrap();
    let model = graph();
    let losses = Losses::dict([("left", Losses::from("mse")), ("right", "mae".into())]);
    model.compile(Compile::new("sgd", losses)).unwrap();
    let expected = predictions(&model);
    let (keras, h5, folder) = (home.path().join("m.keras"), home.path().join("m.h5"), home.path().join("m"));
    let safetensors = home.path().join("m.safetensors");
    model.save(&keras).unwrap();
    model.save(&h5).unwrap();
    SaveOptions::new().zipped(false).save_model(&model, &folder).unwrap();
    SaveOptions::new().embed_config(true).save_weights(&model, &safetensors).unwrap();
    for (file, result) in [(keras, "e.keras"), (folder, "e"), (h5, "e.h5"), (safetensors, "e.safetensors")] {
        let mut editor = FileEditor::open(&file).unwrap();
        for (old, new) in [("left", "first"), ("first", "port"), ("shared", "common")] {
            editor.rename_object(old, new).unwrap_or_else(|error| panic!("{result}: {error}"));
        }
        let result = home.path().join(result);
        editor.save(&result).unwrap();
        let model = load_model(&result).unwrap_or_else(|error| panic!("{}: {error}", result.display()));
        let names: Vec<String> = model.layers().iter().map(|layer| layer.name().to_owned()).collect();
        assert!(names.iter().any(|name| name == "port") && names.iter().any(|name| name == "common"), "{names:?}");
        assert!(!names.iter().any(|name| name == "left" || name == "shared"), "{names:?}");
        assert_eq!(predictions(&model), expected, "{}", result.display());
        if model.is_compiled() {
            let losses = model.get_compile_config().unwrap().unwrap().to_json();
            assert!(losses.contains("\"port\"") && !losses.contains("\"left\""), "{losses}");
        }
    }
}

#[test]
fn names_that_are_taken_or_not_in_the_configuration_are_told() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("m.keras");
    graph().save(&path).unwrap();
    let mut editor = FileEditor::open(&path).unwrap();
    editor.rename_object("left", "right").unwrap();
    let error = editor.save(home.path().join("n.keras")).unwrap_err();
    assert!(error.to_string().contains("a layer of this name is in the configuration already"), "{error}");
    // Weights alone have no configuration.
    editor.save(home.path().join("n.weights.h5")).unwrap();
    let mut editor = FileEditor::open(fixture("small.keras")).unwrap();
    editor.rename_object("optimizer", "other").unwrap();
    let error = editor.save(home.path().join("o.keras")).unwrap_err();
    assert!(error.to_string().contains("the configuration has no name for the renamed object"), "{error}");
    let mut editor = FileEditor::open(fixture("small.h5")).unwrap();
    assert!(editor.rename_object("model_weights/first/first", "x").is_err());
}

#[test]
fn every_layer_of_a_graph_is_found_by_its_path() {
    fn list(folder: &std::path::Path, found: &mut Vec<std::path::PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                list(&path, found);
            } else if path.extension().is_some_and(|suffix| suffix == "keras") {
                found.push(path);
            }
        }
    }
    let (mut files, mut renamed) = (Vec::new(), 0);
    list(fixture("").parent().unwrap(), &mut files);
    let home = tempfile::tempdir().unwrap();
    let result = home.path().join("renamed.keras");
    for file in files {
        if load_model(&file).is_err() {
            continue;
        }
        let mut editor = FileEditor::open(&file).unwrap();
        let Some(layers) = editor.weights().group("layers") else { continue };
        let names: Vec<String> = layers.groups.keys().cloned().collect();
        let contents = keras_serial::saving::inspect(&file, &Default::default()).unwrap();
        // Keras 2 had other classes, and its files become whole models by conversion.
        if !contents.keras_version.is_some_and(|version| version.starts_with('3')) {
            continue;
        }
        // Models that a user's class makes have no layers in their configuration.
        let is_graph = contents.layers.len() >= names.len();
        for name in names.iter().filter(|_| is_graph) {
            editor.rename_object(&format!("layers/{name}"), &format!("new_{name}")).unwrap();
            renamed += 1;
        }
        editor.save(&result).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let model = load_model(&result).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        for name in names.iter().filter(|_| is_graph) {
            model.get_layer(&format!("new_{name}")).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        }
    }
    assert!(renamed > 100, "{renamed}");
}
