//! Wrong uses of the macros give errors that say what is wrong and how to fix it; right uses are in
//! `ui_pass.rs`.

use std::process::Command;

/// The texts are those of this compiler version; others format errors differently.
const COMPILER: &str = "rustc 1.95.";

#[test]
fn ui() {
    let version = Command::new("rustc").arg("--version").output().unwrap().stdout;
    let version = String::from_utf8(version).unwrap();
    if !version.starts_with(COMPILER) {
        eprintln!("not compared: the texts are of {COMPILER}, this is {version}");
        return;
    }
    trybuild::TestCases::new().compile_fail("tests/ui/[a-z]*/*.rs");
}
