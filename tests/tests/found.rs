//! Whole files that Keras wrote, in `fixtures/found`: loaded, trained, saved and compared.

use std::path::Path;

use keras_serial_tests::cases::{Outcome, run};
use keras_serial_tests::found;

#[test]
fn whole_files_of_keras_give_its_numbers() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/found");
    let cases = found::cases(&folder).unwrap();
    assert!(!cases.is_empty());
    let failed = cases.iter().filter_map(|case| match run(|| found::run(case)) {
        Outcome::Ok => None,
        Outcome::Fail(reason) | Outcome::Unsupported(reason) => Some(format!("{}: {reason}", case.name)),
    });
    let failed: Vec<String> = failed.collect();
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

#[test]
fn a_file_without_its_other_half_is_an_error() {
    let home = tempfile::tempdir().unwrap();
    assert!(found::cases(home.path()).unwrap().is_empty());
    std::fs::write(home.path().join("a.json"), "{}").unwrap();
    assert!(found::cases(home.path()).unwrap_err().to_string().contains("no model"));
    std::fs::write(home.path().join("a.keras"), "").unwrap();
    assert_eq!(found::cases(home.path()).unwrap()[0].name, "a.keras");
    std::fs::write(home.path().join("b.h5"), "").unwrap();
    assert!(found::cases(home.path()).unwrap_err().to_string().contains("no b.json"));
}
