//! The command line, as processes. Without the engine:
//! `cargo test -p keras-serial --no-default-features --features cli --test cli`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

mod arguments;
mod files;
mod hostile;
#[cfg(feature = "onnx")]
mod models;
#[cfg(all(feature = "onnx", feature = "plot"))]
mod pages;
#[cfg(feature = "plot")]
mod pictures;
mod scans;

use std::path::{Path, PathBuf};

use assert_cmd::Command;
use assert_cmd::assert::Assert;
use serde_json::Value;

/// The folder of files that Keras has saved.
fn fixtures(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures").join(folder)
}

/// The path of a file of the model `small`.
fn small(end: &str) -> String {
    fixtures("saving").join(format!("small{end}")).to_str().unwrap().to_owned()
}

/// Returns the command line with these arguments.
fn keras_serial(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_keras-serial"));
    command.args(arguments).env_remove("NO_COLOR");
    command
}

/// Runs the command line, which must end with this status.
fn run(arguments: &[&str], status: i32) -> Assert {
    keras_serial(arguments).assert().code(status)
}

fn stdout(assert: &Assert) -> String {
    String::from_utf8(assert.get_output().stdout.clone()).unwrap()
}

fn stderr(assert: &Assert) -> String {
    String::from_utf8(assert.get_output().stderr.clone()).unwrap()
}

/// Runs the command line, and parses its output as JSON.
fn json(arguments: &[&str], status: i32) -> Value {
    serde_json::from_slice(&run(arguments, status).get_output().stdout).unwrap()
}

/// A folder for what a test writes.
struct Home(tempfile::TempDir);

impl Home {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn at(&self, name: &str) -> String {
        self.0.path().join(name).to_str().unwrap().to_owned()
    }

    /// Copies a file into the folder.
    fn copy(&self, from: impl AsRef<Path>, name: &str) -> String {
        std::fs::copy(from, self.at(name)).unwrap();
        self.at(name)
    }
}
