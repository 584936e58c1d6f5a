//! The limit of objects nested in objects.

use std::cell::Cell;

use crate::error::{Error, ErrorKind, Result};

/// How deep objects may nest, unless a `NestingLimit` is set.
pub(crate) const MAX_NESTING: usize = 64;

thread_local! {
    /// The number of objects around the one that is being deserialized.
    static NESTING: Cell<usize> = const { Cell::new(0) };
    /// The limit of that number.
    static LIMIT: Cell<usize> = const { Cell::new(MAX_NESTING) };
}

/// A guard that sets the limit of nested objects on this thread until it is dropped.
#[cfg(feature = "archive")]
pub(crate) struct NestingLimit {
    before: usize,
}

#[cfg(feature = "archive")]
impl NestingLimit {
    pub(crate) fn enter(limit: usize) -> Self {
        Self { before: LIMIT.replace(limit) }
    }
}

#[cfg(feature = "archive")]
impl Drop for NestingLimit {
    fn drop(&mut self) {
        LIMIT.set(self.before);
    }
}

/// Counts one more enclosing object until it is dropped.
pub(super) struct Nested;

impl Nested {
    /// Returns true if no object is being deserialized on this thread.
    pub(super) fn is_outermost() -> bool {
        NESTING.get() == 0
    }

    pub(super) fn enter() -> Result<Self> {
        let depth = NESTING.get();
        let limit = LIMIT.get();
        if depth >= limit {
            return Err(Error::new(ErrorKind::Limit, "objects are nested too deeply")
                .expected(format!("at most {limit} levels"))
                .hint("if the file is to be trusted, raise `Limits::max_nesting` in `LoadOptions::limits`"));
        }
        NESTING.set(depth + 1);
        Ok(Self)
    }
}

impl Drop for Nested {
    fn drop(&mut self) {
        NESTING.set(NESTING.get().saturating_sub(1));
    }
}
