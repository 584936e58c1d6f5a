//! Construction of models whose weights are loaded from a file.

use std::cell::Cell;

use super::Shape;

thread_local! {
    static DEFERRED: Cell<bool> = const { Cell::new(false) };
}

/// A guard: while it lives, weights are created as zeros that take no memory, because values from a file
/// replace them.
pub(crate) struct Deferred(bool);

impl Deferred {
    pub(crate) fn enter() -> Self {
        Self(DEFERRED.replace(true))
    }

    pub(crate) fn is_active() -> bool {
        DEFERRED.get()
    }

    /// Returns true if a tensor is too large to allocate before the file is known to contain it. A symbol
    /// takes its place, so that a configuration alone can't claim memory.
    pub(crate) fn keeps_out(shape: &Shape) -> bool {
        const MOST: usize = 1 << 22;
        Self::is_active() && shape.is_known() && shape.num_elements().is_none_or(|count| count > MOST)
    }
}

impl Drop for Deferred {
    fn drop(&mut self) {
        DEFERRED.set(self.0);
    }
}
