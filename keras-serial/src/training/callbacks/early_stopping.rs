//! A callback that stops training when a metric no longer improves.

use super::monitor::{Monitor, MonitorMode};
use super::output::print_msg;
use super::{Callback, CallbackContext, Logs};
use crate::KerasSerializable;
use crate::error::Result;
use crate::tensor::Tensor;

/// A callback that stops training when a metric has not improved for some epochs.
///
/// # Arguments
/// - `monitor`: the metric's name; `val_loss` by default.
/// - `min_delta`: the smallest change that counts as an improvement; 0 by default.
/// - `patience`: the number of epochs to wait for an improvement; 0 by default.
/// - `verbose`: 1 prints a line when it stops; 0 by default.
/// - `mode`: `min`, `max`, or `auto` (the default), which decides by the metric.
/// - `baseline`: training stops after `patience` epochs that are not better than this; none by default.
/// - `restore_best_weights`: whether the model gets the weights of the best epoch; false by default.
/// - `start_from_epoch`: the epoch from which on the metric is watched; 0 by default.
///
/// Follows <https://keras.io/api/callbacks/early_stopping>.
///
/// ```
/// use keras_serial::prelude::*;
/// use keras_serial::training::callbacks::{Callback, CallbackContext, CallbackParams, EarlyStopping, Logs};
/// let model = Model::from(Sequential::new([Input::new([2]).layer(), Dense::new(1).into()])?);
/// let cx = CallbackContext::new(&model, CallbackParams::default());
/// let mut early_stopping = EarlyStopping::new().monitor("loss").patience(1);
/// early_stopping.on_train_begin(&mut Logs::new(), &cx)?;
/// for (epoch, loss) in [3.0, 2.0, 2.5].into_iter().enumerate() {
///     assert!(!model.stop_training());
///     early_stopping.on_epoch_end(epoch, &mut Logs::from([("loss".to_owned(), loss)]), &cx)?;
/// }
/// assert!(model.stop_training());
/// assert_eq!((early_stopping.stopped_epoch(), early_stopping.best_epoch()), (2, 1));
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[derive(KerasSerializable, Debug)]
#[keras(new, default, setters)]
pub struct EarlyStopping {
    #[keras(default = "val_loss".to_owned())]
    monitor: String,
    #[keras(default)]
    min_delta: f64,
    #[keras(default)]
    patience: usize,
    #[keras(default)]
    verbose: u8,
    #[keras(default)]
    mode: MonitorMode,
    #[keras(default)]
    baseline: Option<f64>,
    #[keras(default)]
    restore_best_weights: bool,
    #[keras(default)]
    start_from_epoch: usize,
    #[keras(skip)]
    watched: Monitor,
    #[keras(skip)]
    wait: usize,
    #[keras(skip)]
    stopped_epoch: usize,
    #[keras(skip)]
    best_epoch: usize,
    #[keras(skip)]
    best_weights: Option<Vec<Tensor>>,
}

impl EarlyStopping {
    /// Returns the best value so far.
    pub fn best(&self) -> Option<f64> {
        self.watched.best
    }

    /// Returns the epoch of the best value.
    pub fn best_epoch(&self) -> usize {
        self.best_epoch
    }

    /// Returns the epoch after which training was stopped; 0 if it was not.
    pub fn stopped_epoch(&self) -> usize {
        self.stopped_epoch
    }
}

impl Callback for EarlyStopping {
    fn on_train_begin(&mut self, _: &mut Logs, _: &CallbackContext<'_>) -> Result<()> {
        (self.wait, self.stopped_epoch, self.best_epoch) = (0, 0, 0);
        (self.watched.best, self.best_weights) = (None, None);
        Ok(())
    }

    fn on_epoch_end(&mut self, epoch: usize, logs: &mut Logs, cx: &CallbackContext<'_>) -> Result<()> {
        self.watched.set_up("EarlyStopping", &self.monitor, self.mode, cx.model())?;
        let Some(current) = logs.get(&self.monitor).copied() else {
            let known: Vec<&str> = logs.keys().map(String::as_str).collect();
            tracing::warn!(
                "Early stopping conditioned on metric `{}` which is not available. Available metrics are: {}",
                self.monitor,
                known.join(",")
            );
            return Ok(());
        };
        if epoch < self.start_from_epoch {
            return Ok(());
        }
        if self.restore_best_weights && self.best_weights.is_none() {
            // If no later epoch is better, even the weights of a NaN are the best.
            self.best_weights = Some(cx.model().get_weights());
            self.best_epoch = epoch;
        }
        self.wait += 1;
        if self.watched.improves(current, self.watched.best, self.min_delta) {
            self.watched.best = Some(current);
            self.best_epoch = epoch;
            if self.restore_best_weights {
                self.best_weights = Some(cx.model().get_weights());
            }
            // The patience restarts only if the baseline is beaten too.
            if self.baseline.is_none() || self.watched.improves(current, self.baseline, self.min_delta) {
                self.wait = 0;
            }
        } else if self.wait >= self.patience && epoch > 0 {
            self.stopped_epoch = epoch;
            cx.stop_training();
        }
        Ok(())
    }

    fn on_train_end(&mut self, _: &mut Logs, cx: &CallbackContext<'_>) -> Result<()> {
        if self.stopped_epoch > 0 && self.verbose > 0 {
            print_msg(&format!("Epoch {}: early stopping", self.stopped_epoch + 1));
        }
        match self.best_weights.as_ref().filter(|_| self.restore_best_weights) {
            Some(weights) => {
                if self.verbose > 0 {
                    let epoch = self.best_epoch + 1;
                    print_msg(&format!("Restoring model weights from the end of the best epoch: {epoch}."));
                }
                cx.model().set_weights(weights)
            }
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::training::callbacks::testing::{drive, model};

    /// Returns the epoch that stopped training, the best epoch, and the best value.
    fn stopped(mut callback: EarlyStopping, name: &str, values: &[f64]) -> (Option<usize>, usize, Option<f64>) {
        let model = model();
        let ran = drive(&mut callback, &model, name, values).unwrap();
        let stopped = model.stop_training().then(|| callback.stopped_epoch());
        assert_eq!(stopped.unwrap_or(values.len() - 1), ran - 1);
        (stopped, callback.best_epoch(), callback.best())
    }

    // class Feed(keras.callbacks.Callback):
    //     def on_epoch_end(self, epoch, logs): logs[NAME] = VALUES[epoch]
    // es = keras.callbacks.EarlyStopping(…)
    // model.fit(x, y, epochs=len(VALUES), callbacks=[Feed(), es], verbose=0); es.stopped_epoch, es.best_epoch, es.best
    #[test]
    fn stops_where_keras_stops() {
        let new = || EarlyStopping::new().monitor("loss");
        assert_eq!(stopped(new(), "loss", &[1.0, 2.0, 0.5]), (Some(1), 0, Some(1.0)));
        assert_eq!(stopped(new().patience(2), "loss", &[3.0, 2.0, 2.0, 2.5, 1.0]), (Some(3), 1, Some(2.0)));
        assert_eq!(stopped(new().min_delta(0.5).patience(1), "loss", &[2.0, 1.6, 1.4]), (Some(1), 0, Some(2.0)));
        assert_eq!(stopped(new().mode("max").patience(1), "loss", &[1.0, 2.0, 1.5]), (Some(2), 1, Some(2.0)));
        // With a baseline that is never beaten, every epoch counts, better or not.
        assert_eq!(stopped(new().baseline(0.1).patience(2), "loss", &[1.0, 0.9, 0.95]), (Some(2), 1, Some(0.9)));
        assert_eq!(stopped(new().start_from_epoch(2), "loss", &[1.0, 2.0, 3.0, 4.0]), (Some(3), 2, Some(3.0)));
        // NaN is better than no value, and no number is better than NaN.
        let (at, best_epoch, best) = stopped(new().patience(1), "loss", &[f64::NAN, 1.0, 0.5]);
        assert!(at == Some(1) && best_epoch == 0 && best.is_some_and(f64::is_nan));
        // An unknown metric gives a warning and stops nothing.
        assert_eq!(stopped(new(), "accuracy", &[1.0, 2.0]), (None, 0, None));
    }

    #[test]
    fn auto_needs_a_metric_that_says_which_way() {
        let mut callback = EarlyStopping::new().monitor("val_mystery");
        let error = drive(&mut callback, &model(), "val_mystery", &[1.0]).unwrap_err().to_string();
        assert!(error.contains("EarlyStopping callback received monitor=val_mystery"), "{error}");
    }

    #[test]
    fn the_best_weights_come_back() {
        let model = model();
        let weight = model.weights()[0].clone();
        let mut values = [3.0f32, 1.0, 2.0].into_iter();
        let mut callbacks = crate::training::CallbackList::new();
        callbacks.push(crate::training::callbacks::LambdaCallback::new().on_epoch_begin({
            let weight = weight.clone();
            move |_, _, _| weight.assign(&Tensor::from_slice(&[values.next().unwrap(); 2], [2, 1])?)
        }));
        callbacks.push(EarlyStopping::new().monitor("loss").restore_best_weights(true));
        drive(&mut callbacks, &model, "loss", &[3.0, 1.0, 2.0]).unwrap();
        assert_eq!(weight.read().to_vec::<f32>().unwrap(), [1.0, 1.0]);
    }
}
