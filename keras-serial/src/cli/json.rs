//! Prints results as JSON that every parser reads.

use serde::Serialize;

use super::terminal::Terminal;
use crate::error::{Error, ErrorKind, Result};

/// Prints a value as indented JSON. Numbers that JSON has no words for (NaN, infinities) are `null`.
///
/// # Errors
/// As [`Terminal::write`].
pub(super) fn print(value: &impl Serialize, terminal: &Terminal) -> Result<()> {
    let text = serde_json::to_string_pretty(value)
        .map_err(|error| Error::new(ErrorKind::Json, format!("the result has no JSON: {error}")).with_source(error))?;
    terminal.write(format!("{text}\n").as_bytes())
}
