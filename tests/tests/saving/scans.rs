//! Scans of untrusted files.

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
