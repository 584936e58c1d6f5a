//! Drives callbacks with given values, without a run.

use super::{Callback, CallbackContext, CallbackParams, Logs};
use crate::error::Result;
use crate::layers::{Dense, Input};
use crate::models::{Model, Sequential};

/// Returns a small built model.
pub fn model() -> Model {
    Sequential::new([Input::new([2]).layer(), Dense::new(1).into()]).unwrap()
}

/// Calls a callback as `fit` would, for epochs with these values of one metric; returns how many epochs
/// ran.
pub fn drive(callback: &mut impl Callback, model: &Model, name: &str, values: &[f64]) -> Result<usize> {
    let cx = CallbackContext::new(model, CallbackParams { verbose: 0, epochs: values.len(), steps: Some(1) });
    model.set_stop_training(false);
    callback.on_train_begin(&mut Logs::new(), &cx)?;
    let mut logs = Logs::new();
    let mut ran = 0;
    for (epoch, value) in values.iter().enumerate() {
        callback.on_epoch_begin(epoch, &mut Logs::new(), &cx)?;
        callback.on_train_batch_begin(0, &mut Logs::new(), &cx)?;
        logs = Logs::from([(name.to_owned(), *value)]);
        callback.on_train_batch_end(0, &mut logs.clone(), &cx)?;
        callback.on_epoch_end(epoch, &mut logs, &cx)?;
        ran += 1;
        if model.stop_training() {
            break;
        }
    }
    callback.on_train_end(&mut logs, &cx)?;
    Ok(ran)
}
