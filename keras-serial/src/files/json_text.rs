//! Parses JSON texts of files within limits.

use super::Limits;
use super::io::Section;
use crate::error::Result;
use crate::json::{JsonLimits, Value};

/// Parses a text.
///
/// # Errors
/// [`ErrorKind::Limit`](crate::ErrorKind::Limit), and as [`Value::parse_bytes`].
pub(crate) fn json(text: &[u8], limits: &Limits) -> Result<Value> {
    Limits::check("bytes of a JSON text", text.len() as u64, limits.max_config_bytes)?;
    Value::parse_bytes(text, &JsonLimits::default().max_depth(limits.max_json_depth).max_items(limits.max_config_items))
}

/// Parses a whole file as JSON.
///
/// # Errors
/// As [`json`], and when the file can't be read.
pub(crate) fn json_of(file: &Section, limits: &Limits) -> Result<Value> {
    Limits::check("bytes of a JSON text", file.len(), limits.max_config_bytes)?;
    json(&file.read()?, limits)
}
