//! The trait that a callback implements.

use std::cell::Cell;

use crate::error::Result;
pub use crate::layers::Logs;
use crate::models::Model;

/// What a run was asked for (`Callback.params`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct CallbackParams {
    /// How much is told: 0 nothing, 1 a bar, 2 a line each epoch.
    pub verbose: u8,
    /// The number of epochs, the first one's number included.
    pub epochs: usize,
    /// The number of batches in an epoch; `None` while it is not known.
    pub steps: Option<usize>,
}

/// What a callback sees of the run that it is called from.
#[derive(Debug)]
pub struct CallbackContext<'a> {
    model: &'a Model,
    params: CallbackParams,
    initial_epoch: Cell<Option<usize>>,
    resumes: Cell<bool>,
}

impl<'a> CallbackContext<'a> {
    /// For callbacks that are called by hand.
    pub fn new(model: &'a Model, params: CallbackParams) -> Self {
        Self { model, params, initial_epoch: Cell::new(None), resumes: Cell::new(false) }
    }

    /// The model: its weights, optimizer, and whether to stop.
    pub fn model(&self) -> &'a Model {
        self.model
    }

    /// What the run was asked for.
    pub fn params(&self) -> CallbackParams {
        self.params
    }

    pub(crate) fn set_steps(&mut self, steps: Option<usize>) {
        self.params.steps = steps;
    }

    /// Ends training after this batch (`model.stop_training = True`).
    pub fn stop_training(&self) {
        self.model.set_stop_training(true);
    }

    /// Called in `on_train_begin`: training starts with another epoch than it was asked to
    /// (as `BackupAndRestore` does).
    pub fn set_initial_epoch(&self, epoch: usize) {
        self.initial_epoch.set(Some(epoch));
    }

    /// Called in `on_train_begin`: the run goes on from the model's
    /// [`TrainingState`](crate::training::TrainingState), as with [`Fit::resume`](crate::training::Fit::resume).
    pub fn resume(&self) {
        self.resumes.set(true);
    }

    pub(crate) fn resumes(&self) -> bool {
        self.resumes.get()
    }

    /// The epoch that [`CallbackContext::set_initial_epoch`] gave.
    pub fn initial_epoch(&self) -> Option<usize> {
        self.initial_epoch.get()
    }
}

macro_rules! hooks {
    ($($(#[$doc:meta])* $name:ident($($number:ident)?);)*) => {
        /// What is done at certain points of `fit`, `evaluate` and `predict`.
        ///
        /// All methods do nothing by default. `logs` holds what is known at that point; what a callback
        /// puts in there is seen by those after it, and by [`History`](super::History). Numbers of
        /// epochs and batches count from 0. An error ends the run, and is what the run gives.
        ///
        /// A callback is given to a run by value, or by `&mut` to be looked at afterwards.
        ///
        /// ```
        /// use keras_serial::prelude::*;
        /// use keras_serial::training::callbacks::{Callback, CallbackContext, Logs};
        ///
        /// /// Stops when the loss is small enough.
        /// struct GoodEnough(f64);
        ///
        /// impl Callback for GoodEnough {
        ///     fn on_epoch_end(&mut self, _epoch: usize, logs: &mut Logs, cx: &CallbackContext<'_>) -> Result<()> {
        ///         if logs.get("loss").is_some_and(|loss| *loss < self.0) {
        ///             cx.stop_training();
        ///         }
        ///         Ok(())
        ///     }
        /// }
        /// ```
        pub trait Callback {
            $(
                $(#[$doc])*
                ///
                /// # Errors
                /// The callback's own.
                fn $name(&mut self, $($number: usize,)? logs: &mut Logs, cx: &CallbackContext<'_>) -> Result<()> {
                    let _ = ($($number,)? logs, cx);
                    Ok(())
                }
            )*

            /// Does it show how the run goes on, so that the run need not add a `ProgbarLogger`?
            fn shows_progress(&self) -> bool {
                false
            }
        }

        impl<C: Callback + ?Sized> Callback for &mut C {
            $(
                fn $name(&mut self, $($number: usize,)? logs: &mut Logs, cx: &CallbackContext<'_>) -> Result<()> {
                    (**self).$name($($number,)? logs, cx)
                }
            )*

            fn shows_progress(&self) -> bool {
                (**self).shows_progress()
            }
        }

        impl<C: Callback + ?Sized> Callback for Box<C> {
            $(
                fn $name(&mut self, $($number: usize,)? logs: &mut Logs, cx: &CallbackContext<'_>) -> Result<()> {
                    (**self).$name($($number,)? logs, cx)
                }
            )*

            fn shows_progress(&self) -> bool {
                (**self).shows_progress()
            }
        }

        impl Callback for super::CallbackList<'_> {
            $(
                fn $name(&mut self, $($number: usize,)? logs: &mut Logs, cx: &CallbackContext<'_>) -> Result<()> {
                    self.each(|callback| callback.$name($($number,)? logs, cx))
                }
            )*

            fn shows_progress(&self) -> bool {
                self.any(Callback::shows_progress)
            }
        }
    };
}

hooks! {
    /// Before `fit` does anything; `logs` is empty.
    on_train_begin();
    /// When `fit` is done; `logs` are those of the last epoch.
    on_train_end();
    /// Before an epoch; `logs` is empty.
    on_epoch_begin(epoch);
    /// After an epoch and its validation, whose results have the prefix `val_`.
    on_epoch_end(epoch);
    /// Before a batch of `fit`; `logs` is empty.
    on_train_batch_begin(batch);
    /// After a batch of `fit`; `logs` hold the metrics over the epoch so far.
    on_train_batch_end(batch);
    /// Before an evaluation, also one that `fit` makes to validate.
    on_test_begin();
    /// After an evaluation.
    on_test_end();
    /// Before a batch of an evaluation.
    on_test_batch_begin(batch);
    /// After a batch of an evaluation.
    on_test_batch_end(batch);
    /// Before a prediction.
    on_predict_begin();
    /// After a prediction.
    on_predict_end();
    /// Before a batch of a prediction.
    on_predict_batch_begin(batch);
    /// After a batch of a prediction.
    on_predict_batch_end(batch);
}
