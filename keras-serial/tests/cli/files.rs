//! `inspect`, `diff`, `edit` and `convert` on files of every format.

use super::{Home, fixtures, json, keras_serial, run, small, stderr, stdout};

/// Returns the arrays of a file: path, dtype, shape.
fn arrays(file: &str) -> Vec<String> {
    let contents = json(&["inspect", file, "--json"], 0);
    let mut arrays: Vec<String> = contents["weights"].as_array().unwrap().iter().map(ToString::to_string).collect();
    arrays.sort();
    arrays
}

#[test]
fn every_format_is_inspected() {
    for (end, form, layers, weights) in [
        (".keras", "keras", 3, 14),
        (".h5", "legacy_h5", 3, 14),
        (".weights.h5", "weights_h5", 0, 14),
        ("_weights.h5", "legacy_h5", 0, 4),
    ] {
        let contents = json(&["inspect", &small(end), "--json"], 0);
        assert_eq!(contents["form"], form);
        assert_eq!(contents["layers"].as_array().unwrap().len(), layers, "{end}");
        assert_eq!(contents["weights"].as_array().unwrap().len(), weights, "{end}");
        let is_model = layers > 0;
        assert_eq!(contents["compiled"]["optimizer"], if is_model { "Adam".into() } else { serde_json::Value::Null });
        let text = stdout(&run(&["inspect", &small(end)], 0));
        assert!(text.contains(&format!("{weights} tensors")), "{text}");
    }
    let whole = stdout(&run(&["inspect", &small(".keras")], 0));
    assert!(whole.contains("compiled with optimizer Adam, loss mean_squared_error; 10 tensors"), "{whole}");
    let weights = stdout(&run(&["inspect", &small(".keras"), "--weights"], 0));
    assert!(weights.contains("layers/dense/vars/0") && !weights.contains("InputLayer"), "{weights}");
}

#[test]
fn unknown_classes_are_inspected() {
    let file = fixtures("saving/nested_container.keras").display().to_string();
    let contents = json(&["inspect", &file, "--json"], 0);
    assert_eq!(contents["model"]["class"], "nested_container>NestedDenseModel");
    let table = stdout(&run(&["summary", &file], 0));
    assert!(table.contains("Total params"), "{table}");
}

#[test]
fn standard_input_and_output_are_files_too() {
    let home = Home::new();
    let bytes = std::fs::read(small(".keras")).unwrap();
    let assert = keras_serial(&["inspect", "-"]).write_stdin(bytes.clone()).assert().code(0);
    assert_eq!(stdout(&assert), stdout(&run(&["inspect", &small(".keras")], 0)));
    keras_serial(&["scan", "-"]).write_stdin(bytes.clone()).assert().code(0);
    keras_serial(&["diff", "-", &small(".keras")]).write_stdin(bytes.clone()).assert().code(0).stdout("");
    let assert = keras_serial(&["convert", "-", "-", "--to-format", "weights-h5"]).write_stdin(bytes.clone()).assert();
    std::fs::write(home.at("a.weights.h5"), &assert.code(0).get_output().stdout).unwrap();
    assert_eq!(arrays(&home.at("a.weights.h5")), arrays(&small(".keras")));
    let assert = keras_serial(&["edit", "-", "-o", "-", "--rename", "first=one"]).write_stdin(bytes).assert().code(0);
    std::fs::write(home.at("b.keras"), &assert.get_output().stdout).unwrap();
    assert!(stdout(&run(&["inspect", &home.at("b.keras")], 0)).contains("small/one"));
    assert!(stderr(&run(&["convert", &small(".keras"), "-"], 2)).contains("--to-format"));
}

#[test]
fn equal_files_do_not_differ() {
    for end in [".keras", ".h5", ".weights.h5", "_weights.h5"] {
        let assert = run(&["diff", &small(end), &small(end)], 0);
        assert_eq!((stdout(&assert), stderr(&assert)), Default::default());
        let difference = json(&["diff", &small(end), &small(end), "--json"], 0);
        assert_eq!(difference["weights"].as_array().unwrap().len(), 0);
    }
    let error = stderr(&run(&["diff", &small(".keras"), &small(".h5")], 2));
    assert!(error.contains("keras-serial convert"), "{error}");
}

#[test]
fn changed_weights_and_configurations_are_named() {
    let home = Home::new();
    let (model, edited) = (small(".keras"), home.at("edited.keras"));
    std::fs::write(home.at("bias.npy"), npy(&[0.5, 0.0, f32::NAN])).unwrap();
    let add = format!("layers/dense/vars/1={}", home.at("bias.npy"));
    run(&["edit", &model, "-o", &edited, "--add", &add, "--rename", "second=head"], 0);
    let text = stdout(&run(&["diff", &model, &edited], 1));
    assert!(text.contains("weight layers/dense/vars/1: values differ by up to NaN"), "{text}");
    assert!(text.contains("config config/layers[second]: renamed to head\n"), "{text}");
    assert_eq!(text.lines().count(), 2, "{text}");
    assert!(!text.contains("layers/dense/vars/0"), "{text}");
    // JSON has no NaN.
    let difference = json(&["diff", &model, &edited, "--weights", "--json"], 1);
    assert_eq!(difference["weights"][0]["change"]["values"]["max_abs"], serde_json::Value::Null);
    assert_eq!(difference["config"].as_array().unwrap().len(), 0);
    std::fs::write(home.at("near.npy"), npy(&[0.5, 1.0, 1e-3])).unwrap();
    let near = format!("layers/dense/vars/1={}", home.at("near.npy"));
    run(&["edit", &model, "-o", &home.at("near.keras"), "--add", &near], 0);
    run(&["diff", &model, &home.at("near.keras"), "--tolerance", "2"], 0);
    run(&["diff", &model, &home.at("near.keras"), "--tolerance", "0.1"], 1);
}

#[test]
fn a_renamed_layer_is_one_change() {
    let home = Home::new();
    for end in [".keras", ".h5"] {
        let out = home.at(&format!("renamed{end}"));
        run(&["edit", &small(end), "-o", &out, "--rename", "first=one"], 0);
        let text = stdout(&run(&["diff", &small(end), &out], 1));
        assert_eq!(text, "config config/layers[first]: renamed to one\n", "{end}");
        let difference = json(&["diff", &small(end), &out, "--json"], 1);
        let change = serde_json::json!([
            { "path": "config/layers[first]", "change": "renamed", "before": "first", "after": "one" }
        ]);
        assert_eq!((&difference["config"], &difference["weights"]), (&change, &serde_json::json!([])), "{end}");
    }
    // Of files that name weights by layers, those of the renamed layer are compared.
    let other = home.at("other.h5");
    std::fs::write(home.at("bias.npy"), npy(&[0.5, 0.5, 0.5])).unwrap();
    let add = format!("model_weights/first/first/bias={}", home.at("bias.npy"));
    run(&["edit", &small(".h5"), "-o", &other, "--add", &add, "--rename", "first=one"], 0);
    let text = stdout(&run(&["diff", &small(".h5"), &other], 1));
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 2, "{text}");
    assert!(lines[1].starts_with("weight model_weights/one/first/bias: values differ by up to "), "{text}");
}

/// Returns a file of NumPy with these numbers.
fn npy(numbers: &[f32]) -> Vec<u8> {
    let header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({},), }}", numbers.len());
    let mut file = b"\x93NUMPY\x01\x00".to_vec();
    file.extend((header.len() as u16).to_le_bytes());
    file.extend(header.bytes());
    file.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
    file
}

#[test]
fn git_gets_a_diff() {
    let home = Home::new();
    let (old, new) = (small(".keras"), home.at("new.keras"));
    run(&["edit", &old, "-o", &new, "--rename", "first=one"], 0);
    let hash = "0000000";
    let text = stdout(&run(&["diff", "m.keras", &old, hash, "100644", &new, hash, "100644"], 0));
    assert!(
        text.starts_with("--- a/m.keras\n+++ b/m.keras\n") && text.contains("config/layers[first]: renamed to one"),
        "{text}"
    );
    let text = stdout(&run(&["diff", "m.keras", "/dev/null", ".", ".", &new, hash, "100644"], 0));
    assert!(text.contains("weight layers/dense/vars/0: added"), "{text}");
    run(&["diff", "m.keras", &old, hash, "100644", &old, hash, "100644"], 0).stdout("");

    let git = |arguments: &[&str]| {
        let mut git = assert_cmd::Command::new("git");
        let own = format!("diff.keras.command={} diff", env!("CARGO_BIN_EXE_keras-serial"));
        git.current_dir(&home.0).args(["-c", "user.name=a", "-c", "user.email=a@b", "-c", &own]).args(arguments);
        git.assert().success()
    };
    git(&["init", "-q"]);
    std::fs::write(home.at(".gitattributes"), "*.keras diff=keras\n").unwrap();
    home.copy(&old, "model.keras");
    git(&["add", "model.keras", ".gitattributes"]);
    git(&["commit", "-q", "-m", "first"]);
    home.copy(&new, "model.keras");
    let text = stdout(&git(&["diff"]));
    assert!(text.contains("+++ b/model.keras") && text.contains("config/layers[first]: renamed to one"), "{text}");
}

#[test]
fn edits_are_made_in_the_order_of_the_arguments() {
    let home = Home::new();
    let out = home.at("out.weights.h5");
    let weights = small(".weights.h5");
    std::fs::write(home.at("x.npy"), npy(&[1.0, 2.0])).unwrap();
    let add = format!("layers/new/vars/0={}", home.at("x.npy"));
    let edits = ["--rename", "layers/dense=a", "--rename", "layers/a=b", "--delete", "dense_1", "--add", &add];
    run(&[&["edit", &weights, "-o", &out][..], &edits].concat(), 0);
    let paths = stdout(&run(&["inspect", &out, "--weights"], 0));
    assert!(paths.contains("layers/b/vars/0") && paths.contains("layers/new/vars/0"), "{paths}");
    assert!(!paths.contains("dense"), "{paths}");
    run(&["edit", &out, "-o", &home.at("less.weights.h5"), "--delete", "layers/b/vars/1"], 0);
    assert_eq!(arrays(&home.at("less.weights.h5")).len(), arrays(&out).len() - 1);
    // A legacy file, whose weights have paths as names.
    let legacy = home.at("legacy.h5");
    let add = format!("model_weights/first/first/bias={}", home.at("x.npy"));
    run(&["edit", &small(".h5"), "-o", &legacy, "--add", &add, "--rename", "second=head"], 0);
    let text = stdout(&run(&["inspect", &legacy], 0));
    assert!(
        text.contains("model_weights/first/first/bias ")
            && text.contains("14 tensors, 70 elements")
            && text.contains("small/head"),
        "{text}"
    );
    let error = stderr(&run(&["edit", &weights, "-o", &out, "--delete", "layers/dens"], 2));
    assert!(error.contains(&weights) && error.contains("did you mean `layers/dense`"), "{error}");
    run(&["edit", &weights, "-o", &out], 2);
}

#[test]
fn values_of_configurations_are_set() {
    let home = Home::new();
    let activation = "config/layers[first]/config/activation";
    for end in [".keras", ".h5"] {
        let out = home.at(&format!("out{end}"));
        let set = format!("{activation}=tanh");
        run(&["edit", &small(end), "-o", &out, "--set", &set, "--rename", "second=head"], 0);
        let text = stdout(&run(&["diff", &small(end), &out], 1));
        assert!(text.contains("activation: \"relu\" -> \"tanh\"") && text.contains("head"), "{end}: {text}");
    }
    let json = home.at("model.json");
    run(&["convert", "-q", &small(".keras"), &json], 0);
    run(&["edit", &json, "-o", &home.at("edited.json"), "--set", "config/layers[first]/config/units=7"], 0);
    let text = stdout(&run(&["diff", &json, &home.at("edited.json")], 1));
    assert_eq!(text, "config config/layers[first]/config/units: 3 -> 7\n");
    let error = stderr(&run(&["edit", &small(".keras"), "-o", &json, "--force", "--set", "config/layer=1"], 2));
    assert!(error.contains("small.keras"), "{error}");
    let error = stderr(&run(&["edit", &small(".weights.h5"), "-o", &home.at("a.weights.h5"), "--set", "config=1"], 2));
    assert!(error.contains("no configuration"), "{error}");
}

#[test]
fn inputs_are_overwritten_by_force_only() {
    let home = Home::new();
    let model = home.copy(small(".keras"), "model.keras");
    let before = std::fs::read(&model).unwrap();
    let edit = ["edit", &model, "-o", &model, "--rename", "first=one"];
    let error = stderr(&run(&edit, 2));
    assert!(error.contains("--force") && error.contains("model.keras"), "{error}");
    assert_eq!(std::fs::read(&model).unwrap(), before);
    run(&[&edit[..], &["--force"]].concat(), 0);
    assert!(stdout(&run(&["inspect", &model], 0)).contains("small/one"));
    run(&["convert", &model, &home.at("./model.keras")], 2);
    run(&["convert", &model, &home.at("folder")], 0);
    run(&["convert", &home.at("folder"), &home.at("folder/model.weights.h5")], 2);
    run(&["convert", &home.at("folder"), &model], 0);
}

#[test]
fn formats_without_classes_are_converted_there_and_back() {
    let home = Home::new();
    let model = small(".keras");
    let all = arrays(&model);
    let chain = ["a", "b.keras", "c.weights.h5", "d.weights.json", "e.safetensors", "f.weights.h5"];
    let mut from = model.clone();
    for name in chain {
        run(&["convert", &from, &home.at(name), "--quiet"], 0).stderr("");
        from = home.at(name);
        let found: Vec<String> = arrays(&from);
        assert_eq!(found, all, "{name}");
        let weights = home.at("weights.weights.h5");
        run(&["convert", &from, &weights, "--quiet"], 0);
        run(&["diff", &home.at("c.weights.h5"), &weights], if name < "c" { 2 } else { 0 });
    }
    run(&["diff", &model, &home.at("b.keras")], 0);
    let note = stderr(&run(&["convert", &model, &home.at("g.json")], 0));
    assert!(note.contains("is without the weights, the optimizer's state"), "{note}");
    let note = stderr(&run(&["convert", &model, &home.at("h.weights.h5")], 0));
    assert!(note.contains("is without the configuration, the compile state"), "{note}");
    let small = ["convert", &model, &home.at("s.weights.json"), "--max-shard-size", "1e-7"];
    run(&small, 0);
    assert!(
        std::fs::read_dir(&home.0)
            .unwrap()
            .filter(|entry| { entry.as_ref().unwrap().file_name().to_string_lossy().starts_with("s_") })
            .count()
            > 1
    );
    let deterministic = |name: &str| {
        run(&["convert", &model, &home.at(name), "--deterministic"], 0);
        std::fs::read(home.at(name)).unwrap()
    };
    assert_eq!(deterministic("one.keras"), deterministic("two.keras"));
}

#[cfg(feature = "archive")]
#[test]
fn a_conversion_that_needs_an_unknown_class_names_it() {
    let home = Home::new();
    let [keras, legacy, blocks] = ["placeholders/model.keras", "placeholders/model.h5", "found/blocks.keras"]
        .map(|path| fixtures(path).display().to_string());
    for (from, to, class) in [
        (&blocks, "a.h5", "Found>Blocks"),
        (&keras, "a.safetensors", "Mine>KernelMult"),
        (&legacy, "a.keras", "Mine>KernelMult"),
        (&legacy, "a.weights.h5", "Mine>KernelMult"),
    ] {
        let to = home.at(to);
        let error = stderr(&run(&["convert", from, &to], 2));
        let because =
            format!("the weights can't be named for this file, because the class `{class}` is not registered");
        assert!(error.contains(&because) && error.contains(from.as_str()), "{error}");
        assert!(
            error.contains("Expected a file in the form that they come from") && error.contains("cli::main"),
            "{error}"
        );
        assert!(!std::path::Path::new(&to).exists());
    }
    // An unknown object in a layer of Keras is kept.
    let edited = home.at("edited");
    run(&["convert", &small(".keras"), &edited], 0);
    let config = std::path::Path::new(&edited).join("config.json");
    let odd = r#"{"module": "mine", "class_name": "function", "config": "odd", "registered_name": "Mine>odd"}"#;
    let text = std::fs::read_to_string(&config).unwrap().replacen("\"relu\"", odd, 1);
    std::fs::write(&config, text).unwrap();
    // The weights of the layer have the names that its own class gives them.
    run(&["convert", &edited, &home.at("b.h5")], 0);
    assert!(stdout(&run(&["scan", &home.at("b.h5"), "--deny", "all"], 1)).contains("`odd`"));
    assert_eq!(arrays(&home.at("b.h5")).len(), arrays(&small(".h5")).len());
    // A layer of Keras that can't be made without an unknown one inside.
    let cells = home.at("cells");
    run(&["convert", &fixtures("cases/layers/stacked_cells/model.keras").display().to_string(), &cells], 0);
    let config = std::path::Path::new(&cells).join("config.json");
    let text = std::fs::read_to_string(&config).unwrap().replacen("\"GRUCell\"", "\"OddCell\"", 1);
    std::fs::write(&config, text).unwrap();
    let error = stderr(&run(&["convert", &cells, &home.at("c.h5")], 2));
    assert!(error.contains("the layer of the class `RNN` can't be made: ") && error.contains("`OddCell`"), "{error}");
    // Forms that name weights alike need no class.
    run(&["convert", &keras, &home.at("b.weights.h5")], 0);
}
