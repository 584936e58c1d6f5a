//! What a model is trained with.

use std::sync::atomic::Ordering;

use crate::models::Model;

impl Model {
    /// Is a run of training asked to end after this batch (`Model.stop_training`)?
    pub fn stop_training(&self) -> bool {
        self.base().stop_training.load(Ordering::Relaxed)
    }

    /// Asks a run of training to end after this batch, from any thread; `fit` begins by taking it back.
    pub fn set_stop_training(&self, stop: bool) {
        self.base().stop_training.store(stop, Ordering::Relaxed);
    }
}
