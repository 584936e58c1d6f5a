//! What came of each epoch.

use indexmap::IndexMap;

use super::{Callback, CallbackContext, CallbackParams, Logs};
use crate::error::Result;

/// The losses and metrics of each epoch; what `fit` gives.
///
/// Follows <https://keras.io/api/callbacks>; `history.get("val_loss")` is Keras's
/// `history.history["val_loss"]`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct History {
    /// By name, one value for each epoch in which it was known.
    pub history: IndexMap<String, Vec<f64>>,
    /// The epochs' numbers.
    pub epoch: Vec<usize>,
    /// What the run was asked for.
    pub params: CallbackParams,
}

impl History {
    /// Of no epoch yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The values of one name, an epoch each.
    pub fn get(&self, name: &str) -> Option<&[f64]> {
        self.history.get(name).map(Vec::as_slice)
    }

    /// The last value of one name.
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
        }
        Ok(())
    }
}
