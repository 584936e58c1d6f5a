//! The trait that callbacks implement.

use std::cell::Cell;

use crate::error::Result;
pub use crate::layers::Logs;
use crate::models::Model;

/// The parameters of a run (`Callback.params`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct CallbackParams {
    /// The verbosity: 0 silent, 1 a progress bar, 2 a line per epoch.
    pub verbose: u8,
    /// The number of epochs, including those before `initial_epoch`.
    pub epochs: usize,
    /// The number of batches in an epoch; `None` while unknown.
    pub steps: Option<usize>,
}

/// What a callback can see of, and do to, the run that calls it.
#[derive(Debug)]
pub struct CallbackContext<'a> {
    model: &'a Model,
    params: CallbackParams,
    initial_epoch: Cell<Option<usize>>,
    resumes: Cell<bool>,
}

impl<'a> CallbackContext<'a> {
    /// Creates a context, to call callbacks by hand.
    pub fn new(model: &'a Model, params: CallbackParams) -> Self {
        Self { model, params, initial_epoch: Cell::new(None), resumes: Cell::new(false) }
    }

    /// Returns the model.
    pub fn model(&self) -> &'a Model {
        self.model
    }

    /// Returns the parameters of the run.
    pub fn params(&self) -> CallbackParams {
        self.params
    }

    pub(crate) fn set_steps(&mut self, steps: Option<usize>) {
        self.params.steps = steps;
    }

    /// Makes training stop after this batch (`model.stop_training = True`).
    pub fn stop_training(&self) {
        self.model.set_stop_training(true);
    }

    /// Makes training start with another epoch (as `BackupAndRestore` does); only in `on_train_begin`.
    pub fn set_initial_epoch(&self, epoch: usize) {
        self.initial_epoch.set(Some(epoch));
    }

    /// Makes the run continue from the model's [`TrainingState`](crate::training::TrainingState), as
    /// with [`Fit::resume`](crate::training::Fit::resume); only in `on_train_begin`.
    pub fn resume(&self) {
        self.resumes.set(true);
    }

    pub(crate) fn resumes(&self) -> bool {
        self.resumes.get()
    }

    /// Returns the epoch set with [`CallbackContext::set_initial_epoch`].
    pub fn initial_epoch(&self) -> Option<usize> {
        self.initial_epoch.get()
    }
}

macro_rules! hooks {
    ($($(#[$doc:meta])* $name:ident($($number:ident)?);)*) => {
        /// Code that `fit`, `evaluate` and `predict` call at certain points.
        ///
        /// All methods do nothing by default. `logs` holds the values known at that point; what a
        /// callback adds is seen by later callbacks, and by [`History`](super::History). Epochs and
        /// batches count from 0. An error ends the run, and the run returns it.
        ///
        /// Pass a callback to a run by value, or by `&mut` to inspect it afterwards.
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
                /// Those of the callback.
                fn $name(&mut self, $($number: usize,)? logs: &mut Logs, cx: &CallbackContext<'_>) -> Result<()> {
                    let _ = ($($number,)? logs, cx);
                    Ok(())
                }
            )*

            /// Returns true if the callback shows progress, so that the run does not add a
            /// `ProgbarLogger`.
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
    /// Called before `fit` does anything; `logs` is empty.
    on_train_begin();
    /// Called when `fit` is done, with the last epoch's `logs`.
    on_train_end();
    /// Called before an epoch; `logs` is empty.
    on_epoch_begin(epoch);
    /// Called after an epoch and its validation, whose results have the prefix `val_`.
    on_epoch_end(epoch);
    /// Called before a batch of `fit`; `logs` is empty.
    on_train_batch_begin(batch);
    /// Called after a batch of `fit`; `logs` hold the metrics over the epoch so far.
    on_train_batch_end(batch);
    /// Called before an evaluation, including the validation in `fit`.
    on_test_begin();
    /// Called after an evaluation.
    on_test_end();
    /// Called before a batch of an evaluation.
    on_test_batch_begin(batch);
    /// Called after a batch of an evaluation.
    on_test_batch_end(batch);
    /// Called before a prediction.
    on_predict_begin();
    /// Called after a prediction.
    on_predict_end();
    /// Called before a batch of a prediction.
    on_predict_batch_begin(batch);
    /// Called after a batch of a prediction.
    on_predict_batch_end(batch);
}
