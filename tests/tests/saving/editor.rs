//! Counterparts of `keras/src/saving/file_editor_test.py`.

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
