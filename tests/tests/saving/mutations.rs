//! Files with bytes changed at random: always a model or an error, never a panic.

use keras_serial::prelude::*;
use keras_serial::saving::{FileEditor, Inspection, Limits, ModelFile};

use keras_serial_tests::fuzzing::{Numbers, TARGETS, archives, mutate_bytes};

use crate::{fixture, small};

fn load(bytes: Vec<u8>) {
    match ModelFile::from_bytes(bytes, &Default::default()) {
        Ok(file) => {
            Inspection::of(&file);
            if file.config().is_some() {
                let _ = LoadOptions::new().strict(false).load_model_file(&file);
            } else {
                let _ = LoadOptions::new().strict(false).load_weights_file(&small(), &file);
            }
            let _ = FileEditor::of(file).map(|editor| editor.summary());
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

#[test]
fn mutated_files_never_panic() {
    let home = tempfile::tempdir().unwrap();
    let safetensors = home.path().join("w.safetensors");
    small().save_weights(&safetensors).unwrap();
    let files = ["small.keras", "small.h5", "small.weights.h5", "small_weights.h5", "keras2_functional.h5"];
    let mut files: Vec<_> = files.into_iter().map(fixture).collect();
    files.push(safetensors);
    let mut numbers = Numbers::new(5);
    for file in files {
        let bytes = std::fs::read(file).unwrap();
        for _ in 0..150 {
            load(mutate_bytes(&mut numbers, &bytes));
        }
    }
}

#[test]
fn mutated_configurations_never_panic() {
    let model = load_model(fixture("small.keras")).unwrap();
    let text = model.to_json().unwrap();
    let mut numbers = Numbers::new(6);
    for _ in 0..600 {
        let mut bytes = text.clone().into_bytes();
        for _ in 0..=numbers.below(4) {
            let at = numbers.below(bytes.len());
            // Digits, quotes and brackets change more than letters do.
            bytes[at] = b"0123456789-[]{}\",:nul"[numbers.below(21)];
        }
        load(bytes);
    }
}

#[test]
fn every_cut_of_a_file_is_an_error() {
    for file in ["small.keras", "small.weights.h5"] {
        let bytes = std::fs::read(fixture(file)).unwrap();
        for length in (0..bytes.len()).step_by(997) {
            assert!(
                ModelFile::from_bytes(bytes[..length].to_vec(), &Default::default()).is_err(),
                "{file} cut at {length}"
            );
        }
    }
}

#[test]
fn nesting_is_bounded() {
    let deep = "[".repeat(200_000);
    assert!(ModelFile::from_bytes(format!("{{\"config\": {deep}").into_bytes(), &Default::default()).is_err());
    let open = "{\"module\": \"keras\", \"class_name\": \"Sequential\", \"config\": {\"layers\": [";
    for depth in [70, 80, 3000] {
        let text = format!("{}{}", open.repeat(depth), "]}}".repeat(depth));
        assert!(LoadOptions::new().load_model_from_bytes(text.clone().into_bytes()).is_err());
        // As deep as can be asked for.
        let limits = Limits::default().with_max_json_depth(512);
        assert!(LoadOptions::new().limits(limits).load_model_from_bytes(text.into_bytes()).is_err());
    }
}

/// A short run of the fuzzer: all parsers on mutations of its corpus.
#[test]
fn every_target_of_the_fuzzer_runs() {
    let corpus = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
    for target in TARGETS {
        let mut files: Vec<_> =
            std::fs::read_dir(corpus.join(target.name)).unwrap().map(|f| f.unwrap().path()).collect();
        files.sort();
        let files: Vec<_> = files.iter().map(|file| std::fs::read(file).unwrap()).collect();
        assert!(!files.is_empty(), "{} has a corpus", target.name);
        for execution in 0..100 {
            let mut numbers = Numbers::of_execution(2, execution);
            let file = numbers.pick(&files).clone();
            let start = std::time::Instant::now();
            (target.run)(&(target.mutate)(&mut numbers, &file));
            assert!(start.elapsed().as_secs() < 2, "{} took too long in execution {execution}", target.name);
        }
    }
}

/// Layers that are not in a model of a single layer: bases of others, and those called on images with
/// their labels or boxes.
const APART: [&str; 5] = ["Wrapper", "HashedCrossing", "CutMix", "MixUp", "MaxNumBoundingBoxes"];

#[test]
fn every_layer_is_in_a_model_that_is_mutated() {
    let texts: Vec<String> = archives()
        .unwrap()
        .into_iter()
        .map(|(_, archive)| LoadOptions::new().load_model_from_bytes(archive).unwrap().to_json().unwrap())
        .collect();
    for entry in keras_serial::registry::entries() {
        let is_layer = entry.module().is_some_and(|module| module == "keras.layers");
        let class = format!("\"class_name\": \"{}\"", entry.class_name());
        if is_layer && !APART.contains(&entry.class_name()) {
            assert!(texts.iter().any(|text| text.contains(&class)), "{} is in no model", entry.class_name());
        }
    }
}

/// Configurations of models with every layer, mutated but valid JSON: sizes that are negative, huge or
/// not numbers, wrong shapes, nodes that lead nowhere.
#[test]
fn mutated_layers_never_panic() {
    let archives = archives().unwrap();
    let target = TARGETS.iter().find(|target| target.name == "config").unwrap();
    for (class, archive) in &archives {
        LoadOptions::new().load_model_from_bytes(archive.clone()).unwrap();
        for execution in 0..8 {
            let mut numbers = Numbers::of_execution(3, execution);
            let start = std::time::Instant::now();
            (target.run)(&(target.mutate)(&mut numbers, archive));
            assert!(start.elapsed().as_secs() < 2, "{class} took too long in execution {execution}");
        }
    }
}
