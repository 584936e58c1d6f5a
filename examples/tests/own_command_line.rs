//! A command line of one's own knows the layers of its program.

#[path = "../src/bin/own_command_line.rs"]
#[allow(dead_code, reason = "the program's `main` has no caller here")]
mod own;

use std::path::Path;
use std::process::Command;

use keras_serial::prelude::*;

/// Runs the command line, which must succeed, and returns its output.
fn run(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_own_command_line")).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Writes two rows as an array of NumPy.
fn write_rows(path: &Path) {
    let header = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 1), }";
    let mut file = b"\x93NUMPY\x01\x00".to_vec();
    file.extend((header.len() as u16).to_le_bytes());
    file.extend(header.bytes());
    file.extend([1.5f32, -2.0].iter().flat_map(|number| number.to_le_bytes()));
    std::fs::write(path, file).unwrap();
}

#[test]
fn own_layers_are_known() {
    let home = tempfile::tempdir().unwrap();
    let at = |name: &str| home.path().join(name).to_str().unwrap().to_owned();
    let layers = [Input::new([1]).layer(), own::Scale::new(3.0).name("scale").into()];
    Sequential::new(layers).unwrap().save(at("model.keras")).unwrap();
    write_rows(Path::new(&at("x.npy")));

    let objects = run(&["objects", "MyLayers"]);
    assert!(objects.contains("MyLayers>Scale") && objects.contains("own_command_line.rs"), "{objects}");
    // No class is missing: the scan ends with status 0.
    assert!(run(&["scan", &at("model.keras")]).contains("KS206 note"));
    assert!(run(&["summary", &at("model.keras")]).contains("scale (Scale)"));
    run(&["predict", &at("model.keras"), "-i", &at("x.npy"), "-o", &at("y.npy")]);
    let written = std::fs::read(at("y.npy")).unwrap();
    assert!(written.ends_with(&[4.5f32.to_le_bytes(), (-6.0f32).to_le_bytes()].concat()));
}
