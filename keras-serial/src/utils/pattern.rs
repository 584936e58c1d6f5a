//! Python's regular expressions as arguments.

use regex::Regex;

use crate::error::{Error, ErrorKind, Result};

/// Compiles a pattern for searching.
///
/// # Errors
/// When it is invalid, or uses look-around or back-references, which take unbounded time.
pub(crate) fn search(pattern: &str) -> Result<Regex> {
    Regex::new(pattern).map_err(|error| {
        Error::new(ErrorKind::Unsupported, "this regular expression is not supported")
            .expected("a pattern without look-around and back-references")
            .received(format!("{pattern:?}"))
            .with_source(error)
    })
}

/// Compiles a pattern that must match the whole text (`re.fullmatch`).
///
/// # Errors
/// As [`search`].
pub(crate) fn full_match(pattern: &str) -> Result<Regex> {
    search(pattern)?;
    search(&format!("^(?:{pattern})$"))
}
