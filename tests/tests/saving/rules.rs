//! Rules of loads: the spellings of paths, and rules that match nothing.

use keras_serial::models::{Functional, Sequential};
use keras_serial::prelude::*;
use keras_serial::saving::{FileEditor, LoadReport};

use crate::{bits, fixture, small};

/// A model with another one inside: `encoder/inner`, and a head.
fn nested() -> Model {
    let inputs = Input::new([4]).name("in").tensor().unwrap();
    let encoder = Sequential::named("encoder", [Dense::new(3).name("inner").shared()]).unwrap();
    encoder.build([None, Some(4)]).unwrap();
    let x = encoder.as_layer().call(&inputs, &Default::default()).unwrap().into_single().unwrap();
    let y = Dense::new(2).name("head").apply(&x).unwrap();
    Functional::named("whole", inputs, y).unwrap()
}

fn load(options: LoadOptions, model: &Model, file: &std::path::Path) -> LoadReport {
    options.load_weights(model, file).unwrap()
}

#[test]
fn every_rule_takes_every_spelling_of_a_path() {
    let home = tempfile::tempdir().unwrap();
    let source = nested();
    for suffix in [".weights.h5", ".keras", ".safetensors"] {
        let file = home.path().join(format!("nested{suffix}"));
        if suffix == ".keras" { source.save(&file) } else { source.save_weights(&file) }.unwrap();
        let in_file = if suffix == ".safetensors" { "encoder/inner" } else { "layers/sequential/layers/dense" };
        let spellings = [
            "encoder",
            "/encoder/",
            "whole/encoder",
            "encoder/inner",
            "/whole/encoder/inner",
            in_file,
            "enc*",
            "*/inner/*",
        ];
        for spelling in spellings {
            let report = load(LoadOptions::new().only(spelling), &nested(), &file);
            assert_eq!((report.applied.len(), report.skipped.len()), (2, 2), "{suffix} only({spelling}): {report}");
            let report = load(LoadOptions::new().skip(spelling), &nested(), &file);
            assert_eq!((report.applied.len(), report.skipped.len()), (2, 2), "{suffix} skip({spelling}): {report}");
        }
        let kernel = source.weights()[2].path().to_owned();
        for spelling in ["head/kernel", "/head/kernel", "whole/head/kernel", kernel.as_str()] {
            let report = load(LoadOptions::new().only(spelling), &nested(), &file);
            assert_eq!(report.applied.len(), 1, "{suffix} only({spelling}): {report}");
        }
        let report = load(LoadOptions::new().filter(move |path| path == kernel), &nested(), &file);
        assert_eq!(report.applied.len(), 1, "{suffix}: {report}");
    }
}

#[test]
fn the_paths_of_errors_and_reports_are_spellings_too() {
    let report =
        load(LoadOptions::new().only("model.weights.h5/layers/dense/vars/0"), &small(), &fixture("small.keras"));
    assert_eq!(report.applied, ["layers/dense/vars/0"]);
    let report = load(LoadOptions::new().only("first/kernel:0"), &small(), &fixture("small_weights.h5"));
    assert_eq!(report.applied.len(), 1, "{report}");
    let report = load(LoadOptions::new().only("/first"), &small(), &fixture("small.h5"));
    assert_eq!(report.applied.len(), 2, "{report}");
}

#[test]
fn renames_take_names_of_layers_in_file_and_model() {
    let home = tempfile::tempdir().unwrap();
    let renamed = home.path().join("renamed.weights.h5");
    let mut editor = FileEditor::open(fixture("small.weights.h5")).unwrap();
    editor.rename_object("layers/dense", "encoder").unwrap();
    editor.save(&renamed).unwrap();
    let source = load_model(fixture("small.keras")).unwrap();
    let pairs = [
        ("layers/encoder", "layers/dense"),
        ("/layers/encoder/", "first"),
        ("encoder", "small/first"),
        ("layers/encoder/vars", "/layers/dense/vars"),
    ];
    for (from, to) in pairs {
        let model = small();
        load(LoadOptions::new().rename(from, to), &model, &renamed);
        assert_eq!(bits(&model), bits(&source), "{from} {to}");
    }
    // Single weights, of which one is left.
    let model = small();
    let options =
        LoadOptions::new().rename("encoder/kernel", "first/kernel").rename("layers/encoder/vars/1", "first/bias");
    load(options, &model, &renamed);
    assert_eq!(bits(&model), bits(&source));
    let one = LoadOptions::new().strict(false).rename("layers/encoder/vars/0", "first/kernel");
    let report = load(one, &small(), &renamed);
    assert_eq!((report.applied.len(), report.missing.len(), report.unexpected.len()), (3, 1, 1), "{report}");
}

#[test]
fn a_rule_that_matches_nothing_is_an_error_with_near_paths() {
    let cases = [
        (LoadOptions::new().only("frist"), "only(\"frist\") matches nothing: did you mean `first`"),
        (LoadOptions::new().skip("secnd/kernel"), "did you mean `second/kernel`"),
        (LoadOptions::new().skip("*/biass"), "did you mean `bias`"),
        (LoadOptions::new().only("nonsense"), "the weights are `first/kernel`, `first/bias`"),
        (LoadOptions::new().rename("nonsense", "first"), "in the file, there are `layers`"),
        (LoadOptions::new().rename("layers/dense", "frist"), "in the model, did you mean `first`"),
        (LoadOptions::new().filter(|path| path == "first"), "filter(…) matches nothing: it is false for all weights"),
    ];
    for (options, expected) in cases {
        for file in ["small.keras", "small.weights.h5"] {
            let model = small();
            let before = bits(&model);
            let error = options.load_weights(&model, fixture(file)).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidArgument);
            assert!(error.to_string().contains(expected), "{error}");
            assert_eq!(bits(&model), before);
            let report = load(options.clone().strict(false), &model, &fixture(file));
            assert!(report.notes.iter().any(|note| note.contains(expected)), "{report}");
        }
    }
    // All of them are told, and those that match are not.
    let options = LoadOptions::new().only("frist").only("second").skip("nothing");
    let error = options.load_weights(&small(), fixture("small.keras")).unwrap_err().to_string();
    assert!(error.contains("frist") && error.contains("nothing") && !error.contains("only(\"second\")"), "{error}");
    assert!(LoadOptions::new().only("frist").load_model(fixture("small.keras")).is_err());
    let error = LoadOptions::new().rename("first", "second").load_weights(&small(), fixture("small_weights.h5"));
    assert!(error.unwrap_err().to_string().contains("by_name(true)"));
}

#[test]
fn the_state_of_an_optimizer_is_left_out_where_a_rule_says_so() {
    let steps = |options: LoadOptions| {
        let model = options.load_model(fixture("small.keras")).unwrap();
        model.optimizer().unwrap().iterations().unwrap()
    };
    assert_ne!(steps(LoadOptions::new()), 0);
    assert_ne!(steps(LoadOptions::new().only("*")), 0);
    assert_eq!(steps(LoadOptions::new().skip("optimizer")), 0);
}

#[test]
fn a_failed_load_says_that_nothing_changed() {
    let model = crate::sequential([Dense::new(3).shared(), Dense::new(6).shared()], 4);
    let error = model.load_weights(fixture("small.keras")).unwrap_err().to_string();
    assert!(error.contains("which is unchanged\n2 would fit, 0 missing"), "{error}");
    assert!(!error.contains("applied"), "{error}");
}
