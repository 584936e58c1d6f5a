//! Opens the files that commands read; `-` is standard input.

use std::io::Read;
use std::path::Path;

use crate::error::{Error, Result, ResultExt};
use crate::files::io::Look;
use crate::files::{Limits, ModelFile};

/// The name under which errors have standard input.
const STDIN: &str = "standard input";

/// Returns true for the name that stands for standard input or output.
pub(super) fn is_standard(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// Returns the name of an input for messages.
pub(super) fn name(path: &Path) -> String {
    if is_standard(path) { STDIN.to_owned() } else { path.display().to_string() }
}

/// Adds the name of the input to an error of writing the output, if the error does not name it.
pub(super) fn from(path: &Path, error: Error) -> Error {
    let name = name(path);
    if error.path().starts_with(&name) { error } else { error.and(format!(" (from `{name}`)")) }
}

/// Opens a file; reads it into memory if it is standard input, whose first bytes tell the format.
///
/// # Errors
/// As [`ModelFile::open`].
pub(super) fn open(path: &Path, limits: &Limits, look: Look) -> Result<ModelFile> {
    if is_standard(path) {
        return read_standard(limits).and_then(|bytes| ModelFile::from_bytes(bytes, limits)).at(STDIN);
    }
    ModelFile::look(path, limits, look)
}

/// Reads all of standard input.
///
/// # Errors
/// When it can't be read, or has more bytes than the limits allow for a file.
pub(super) fn read_standard(limits: &Limits) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let most = limits.max_total_bytes;
    std::io::stdin().lock().take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    Limits::check("bytes of standard input", bytes.len() as u64, most)?;
    Ok(bytes)
}

/// Loads a model. What it is compiled with is of no use here, so that losses, metrics and optimizers need not be known.
///
/// # Errors
/// As [`LoadOptions::load_model`](crate::saving::LoadOptions::load_model).
#[cfg(feature = "archive")]
pub(super) fn model(
    path: &Path,
    limits: &Limits,
    terminal: &super::terminal::Terminal,
) -> Result<crate::models::Model> {
    let _waiting = super::progress::Waiting::new("loading", terminal);
    let load = crate::saving::LoadOptions::new().limits(limits.clone()).compile(false);
    if is_standard(path) {
        return read_standard(limits).and_then(|bytes| load.load_model_from_bytes(bytes)).at(STDIN);
    }
    load.load_model(path)
}

/// Makes the model of a file; `None` if that needs a class that is not linked, or the file has no configuration.
///
/// # Errors
/// As [`LoadOptions::load_model_file`](crate::saving::LoadOptions::load_model_file).
#[cfg(feature = "archive")]
pub(super) fn model_of(
    file: &ModelFile,
    limits: &Limits,
    terminal: &super::terminal::Terminal,
) -> Result<Option<crate::models::Model>> {
    use crate::error::ErrorKind::{CodeRefused, UnknownObject, Unsupported};

    if file.config().is_none() {
        return Ok(None);
    }
    let _waiting = super::progress::Waiting::new("loading", terminal);
    let load = crate::saving::LoadOptions::new().limits(limits.clone()).compile(false);
    match load.load_model_file(file) {
        Ok((model, _)) => Ok(Some(model)),
        Err(error) if matches!(error.kind(), UnknownObject | CodeRefused | Unsupported) => {
            terminal.detail(&format!("made from the file alone: {error}"));
            Ok(None)
        }
        Err(error) => Err(error),
    }
}
