//! Scans of untrusted files.

use keras_serial::models::Sequential;
use keras_serial::prelude::*;
use keras_serial::saving::{Code, Severity, lint, scan};

use crate::{fixture, small};

fn codes(report: &keras_serial::saving::ScanReport) -> Vec<Code> {
    report.findings.iter().map(|finding| finding.code).collect()
}

#[test]
fn sound_files_have_no_grave_findings() {
    let report = scan(fixture("small.keras"), &Default::default());
    assert!(report.severity() < Some(Severity::Error), "{report}");
    assert_eq!(report.contents.unwrap().weights.len(), 14);
    let report = lint(fixture("small.keras"), &LoadOptions::new());
    assert!(report.severity() < Some(Severity::Error), "{report}");
}

#[test]
fn harm_is_named_by_code() {
    let of = |name: &str| codes(&scan(fixture(name), &Default::default()));
    assert_eq!(of("bomb_config.keras"), [Code::KS102]);
    assert_eq!(of("external_link.weights.h5"), [Code::KS103]);
    assert_eq!(of("virtual.weights.h5"), [Code::KS103]);
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("model.json");
    let text = small().to_json().unwrap();
    let text = text.replacen("\"class_name\": \"Dense\"", "\"class_name\": \"Lambda\"", 1);
    let text = text.replacen("\"name\": \"second\"", "\"vocabulary\": \"/etc/passwd\", \"name\": \"second\"", 1);
    std::fs::write(&path, text).unwrap();
    let report = scan(&path, &Default::default());
    assert!(codes(&report).contains(&Code::KS201) && codes(&report).contains(&Code::KS203), "{report}");
    assert_eq!(report.findings[0].severity, Severity::Error);
    assert!(report.to_json().unwrap().contains("\"code\": \"KS201\""));
}

#[test]
fn values_that_are_no_numbers_are_found() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("m.keras");
    let model = small();
    let nan = Tensor::from_slice(&[f32::NAN, 1.0, 2.0], [3]).unwrap();
    model.weight("first/bias").unwrap().assign(&nan).unwrap();
    model.save(&path).unwrap();
    let report = lint(&path, &LoadOptions::new());
    let finding = report.findings.iter().find(|finding| finding.code == Code::KS401).unwrap();
    assert_eq!(finding.place, "layers/dense/vars/1");
}

/// All models among the fixtures.
fn models() -> Vec<std::path::PathBuf> {
    fn list(folder: &std::path::Path, found: &mut Vec<std::path::PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                // What hides there is to be found.
                if !path.ends_with("fixtures/scan") {
                    list(&path, found);
                }
            } else if path
                .extension()
                .is_some_and(|suffix| ["keras", "h5", "json"].map(Some).contains(&suffix.to_str()))
            {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    list(fixture("").parent().unwrap(), &mut found);
    found
}

#[test]
fn files_that_load_have_notes_at_most() {
    let mut loaded = 0;
    for path in models() {
        // Data of tests are JSON too, and no models.
        if LoadOptions::new().load_model(&path).is_err() {
            continue;
        }
        loaded += 1;
        let report = scan(&path, &Default::default());
        assert!(report.severity() <= Some(Severity::Note), "{}: {report}", path.display());
    }
    assert!(loaded > 80, "{loaded}");
}

#[test]
fn words_of_a_vocabulary_are_no_paths() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("words.keras");
    let words: Vec<String> =
        (0..50).map(|i| format!("http://site{i}/a/b")).chain(["/etc/passwd".into(), "../x".into()]).collect();
    let lookup = StringLookup::new().vocabulary(words).shared();
    let model = Sequential::new([Input::new([1]).dtype(DType::String).layer(), lookup]).unwrap();
    model.save(&path).unwrap();
    assert!(scan(&path, &Default::default()).severity() <= Some(Severity::Note));
}

#[test]
fn the_loader_is_asked_what_an_object_stands_for() {
    let home = tempfile::tempdir().unwrap();
    let of = |text: &str| {
        let path = home.path().join("m.json");
        let config = r#"{"module": "keras", "class_name": "Sequential", "registered_name": null, "config":
            {"name": "m", "layers": [{"module": "keras.layers", "class_name": "Dense", "registered_name": null,
            "config": {"name": "d", "units": 1, "kernel_initializer": HERE}}]}}"#;
        std::fs::write(&path, config.replace("HERE", text)).unwrap();
        codes(&scan(&path, &Default::default()))
    };
    let with = |module: &str, class: &str| {
        of(&format!(r#"{{"module": {module}, "class_name": "{class}", "config": {{}}, "registered_name": null}}"#))
    };
    assert_eq!(with("\"keras.initializers\"", "Zeros"), [Code::KS301]);
    assert_eq!(with("null", "GlorotUniform"), [Code::KS301]);
    assert!(with("\"keras.initializers\"", "Nonsense").contains(&Code::KS205));
    assert!(with("\"mine\"", "Nonsense").contains(&Code::KS204));
    assert!(with("\"os\"", "system").contains(&Code::KS202));
    assert!(with("\"builtins\"", "__lambda__").contains(&Code::KS201));
    let activation =
        r#"{"class_name": "function", "module": "builtins", "config": "<lambda>", "registered_name": "function"}"#;
    assert!(of(activation).contains(&Code::KS201));
    assert!(of(r#"{"value": ["4wEAAA==", null, null]}"#).contains(&Code::KS201));
}
