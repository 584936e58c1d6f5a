//! Python's regular expressions, where an argument is one.

use regex::Regex;

use crate::error::{Error, ErrorKind, Result};

/// A pattern that is searched for.
///
/// # Errors
/// When it is none, or looks around or back, which takes unbounded time.
pub(crate) fn search(pattern: &str) -> Result<Regex> {
    Regex::new(pattern).map_err(|error| {
        Error::new(ErrorKind::Unsupported, "this regular expression is not supported")
            .expected("a pattern without look-around and back-references")
            .received(format!("{pattern:?}"))
            .with_source(error)
    })
}

/// A pattern that the whole text must match (`re.fullmatch`).
///
/// # Errors
/// As [`search`].
pub(super) fn full_match(pattern: &str) -> Result<Regex> {
    search(pattern)?;
    search(&format!("^(?:{pattern})$"))
}
