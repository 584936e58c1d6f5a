//! The results of each epoch.

use indexmap::IndexMap;

use super::{Callback, CallbackContext, CallbackParams, Logs};
use crate::error::Result;

/// The losses and metrics of each epoch, as returned by `fit`.
///
/// Follows <https://keras.io/api/callbacks>; `history.get("val_loss")` is Keras's
/// `history.history["val_loss"]`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct History {
    /// The values by name, one per epoch in which it was known.
    pub history: IndexMap<String, Vec<f64>>,
    /// The numbers of the epochs.
    pub epoch: Vec<usize>,
    /// The parameters of the run.
    pub params: CallbackParams,
    /// The numbers of the epochs of the values by name: not all are known in each epoch.
    pub(super) epochs_of: IndexMap<String, Vec<usize>>,
}

impl History {
    /// Creates an empty history.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the values with this name, one per epoch.
    pub fn get(&self, name: &str) -> Option<&[f64]> {
        self.history.get(name).map(Vec::as_slice)
    }

    /// Returns the last value with this name.
    pub fn last(&self, name: &str) -> Option<f64> {
        self.history.get(name)?.last().copied()
    }
}

impl Callback for History {
    fn on_train_begin(&mut self, _: &mut Logs, cx: &CallbackContext<'_>) -> Result<()> {
        self.epoch.clear();
        self.params = cx.params();
        Ok(())
    }

    fn on_epoch_end(&mut self, epoch: usize, logs: &mut Logs, cx: &CallbackContext<'_>) -> Result<()> {
        self.epoch.push(epoch);
        self.params = cx.params();
        for (name, value) in logs {
            self.history.entry(name.clone()).or_default().push(*value);
            self.epochs_of.entry(name.clone()).or_default().push(epoch);
        }
        Ok(())
    }
}
