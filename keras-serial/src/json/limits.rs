//! Limits on the contents of a JSON text.

use crate::error::{Error, ErrorKind, Result};

/// Limits on a JSON text; exceeding one is an [`ErrorKind::Limit`] error.
///
/// ```
/// use keras_serial::ErrorKind;
/// use keras_serial::json::{JsonLimits, Value};
/// let limits = JsonLimits::new().max_depth(2).max_items(3);
/// assert!(Value::parse_with("[[1]]", &limits).is_ok());
/// assert_eq!(Value::parse_with("[[[]]]", &limits).unwrap_err().kind(), ErrorKind::Limit);
/// assert_eq!(Value::parse_with("[1, 2, 3]", &limits).unwrap_err().kind(), ErrorKind::Limit);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct JsonLimits {
    /// See [`JsonLimits::max_depth()`].
    pub max_depth: usize,
    /// See [`JsonLimits::max_bytes()`].
    pub max_bytes: usize,
    /// See [`JsonLimits::max_items()`].
    pub max_items: usize,
}

impl JsonLimits {
    /// The deepest nesting that can be parsed, and the default of [`JsonLimits::max_depth`]: much deeper
    /// values could not be cloned or converted on a thread's usual stack of 2 MiB.
    pub const DEEPEST: usize = 512;

    /// Creates the default limits: 512 levels, 512 MiB of text, 2²⁴ values.
    pub const fn new() -> Self {
        Self { max_depth: Self::DEEPEST, max_bytes: 512 << 20, max_items: 1 << 24 }
    }

    /// Sets how deep lists and dicts may nest; 512 by default, which is also the maximum
    /// ([`JsonLimits::DEEPEST`]; more is an [`ErrorKind::InvalidArgument`] when parsing). A nested model
    /// takes about six levels.
    #[must_use]
    pub const fn max_depth(mut self, levels: usize) -> Self {
        self.max_depth = levels;
        self
    }

    /// Sets the maximum length of the text; 512 MiB by default.
    #[must_use]
    pub const fn max_bytes(mut self, bytes: usize) -> Self {
        self.max_bytes = bytes;
        self
    }

    /// Sets the maximum number of values, including lists, dicts and everything in them; 2²⁴ by default.
    #[must_use]
    pub const fn max_items(mut self, items: usize) -> Self {
        self.max_items = items;
        self
    }

    pub(super) fn check_bytes(&self, bytes: usize) -> Result<()> {
        if self.max_depth > Self::DEEPEST {
            return Err(Error::new(ErrorKind::InvalidArgument, "invalid value for argument `max_depth`")
                .expected(format!("at most {} levels", Self::DEEPEST))
                .received(self.max_depth.to_string()));
        }
        within(bytes, self.max_bytes, "the JSON text is too long", "bytes")
    }

    pub(super) fn check_depth(&self, depth: usize) -> Result<()> {
        within(depth, self.max_depth, "JSON is nested too deeply", "levels")
    }

    pub(super) fn check_items(&self, items: usize) -> Result<()> {
        within(items, self.max_items, "JSON holds too many values", "values")
    }
}

impl Default for JsonLimits {
    fn default() -> Self {
        Self::new()
    }
}

fn within(count: usize, most: usize, message: &'static str, unit: &str) -> Result<()> {
    if count <= most {
        return Ok(());
    }
    let error = Error::new(ErrorKind::Limit, message).expected(format!("at most {most} {unit}"));
    Err(error.hint("`JsonLimits` sets the limits"))
}
