//! Making models whose weights come from a file.

use std::cell::Cell;

use super::Shape;

thread_local! {
    static DEFERRED: Cell<bool> = const { Cell::new(false) };
}

/// While it lives, weights are made without values of their own, as zeros that take no memory: a
/// file's values replace them.
pub(crate) struct Deferred(bool);

impl Deferred {
    pub(crate) fn enter() -> Self {
        Self(DEFERRED.replace(true))
    }

    pub(crate) fn is_active() -> bool {
        DEFERRED.get()
    }

    /// Is a tensor of this shape too large to compute with before the file has been seen to hold its
    /// like? A symbol takes its place: a configuration alone must not claim memory.
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
