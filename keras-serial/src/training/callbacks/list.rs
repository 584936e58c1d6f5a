//! A list of callbacks.

use super::{Callback, ProgbarLogger};
use crate::error::Result;

/// A list of callbacks that are called in order (`keras.callbacks.CallbackList`).
#[derive(Default)]
pub struct CallbackList<'a>(Vec<Box<dyn Callback + 'a>>);

impl<'a> CallbackList<'a> {
    /// Creates an empty list.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a callback at the end (`CallbackList.append`).
    pub fn push(&mut self, callback: impl Callback + 'a) {
        self.0.push(Box::new(callback));
    }

    /// Returns the number of callbacks.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns true if there are no callbacks.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds the progress bar, unless the run is silent or one is there already.
    pub(crate) fn add_progbar(&mut self, verbose: u8) {
        if verbose > 0 && !self.shows_progress() {
            self.push(ProgbarLogger::new());
        }
    }

    pub(super) fn any(&self, is: impl Fn(&(dyn Callback + 'a)) -> bool) -> bool {
        self.0.iter().any(|callback| is(&**callback))
    }

    pub(super) fn each(&mut self, mut call: impl FnMut(&mut (dyn Callback + 'a)) -> Result<()>) -> Result<()> {
        self.0.iter_mut().try_for_each(|callback| call(&mut **callback))
    }
}

impl std::fmt::Debug for CallbackList<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "CallbackList({})", self.0.len())
    }
}
