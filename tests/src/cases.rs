//! The cases in a folder, and their results.

use std::fmt;
use std::path::{Path, PathBuf};

use keras_serial::{Error, ErrorKind};

/// The result of a case.
#[derive(Debug)]
pub enum Outcome {
    /// The same as Keras.
    Ok,
    /// Different from Keras.
    Fail(String),
    /// Something that this crate reports as unsupported.
    Unsupported(String),
}

impl From<Error> for Outcome {
    fn from(error: Error) -> Self {
        match error.kind() {
            ErrorKind::Unsupported => Outcome::Unsupported(error.to_string()),
            // A custom Python class without a Rust counterpart.
            ErrorKind::UnknownObject => Outcome::Unsupported(error.to_string()),
            _ => Outcome::Fail(error.to_string()),
        }
    }
}

impl From<Result<(), Failure>> for Outcome {
    fn from(result: Result<(), Failure>) -> Self {
        match result {
            Ok(()) => Outcome::Ok,
            Err(Failure::Differs(text)) => Outcome::Fail(text),
            Err(Failure::Error(error)) => error.into(),
        }
    }
}

/// Why a case failed.
#[derive(Debug)]
pub enum Failure {
    /// The crate returned an error.
    Error(Error),
    /// The crate's result differs from Keras's.
    Differs(String),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Failure::Error(error)
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Failure::Differs(error.to_string())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Error(error) => error.fmt(f),
            Failure::Differs(text) => f.write_str(text),
        }
    }
}

/// Returns the entries of a folder, sorted by name.
pub fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut entries: Vec<PathBuf> =
        std::fs::read_dir(folder).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path())).collect();
    entries.sort();
    entries
}

/// Runs a case; a panic is a failure.
pub fn run(case: impl FnOnce() -> Result<(), Failure> + std::panic::UnwindSafe) -> Outcome {
    match std::panic::catch_unwind(case) {
        Ok(result) => result.into(),
        Err(panic) => {
            let text =
                panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
            Outcome::Fail(format!("panic: {}", text.unwrap_or("?")))
        }
    }
}
