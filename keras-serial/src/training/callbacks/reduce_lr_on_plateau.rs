//! A callback that reduces the learning rate when a metric no longer improves.

use super::monitor::{Monitor, MonitorMode};
use super::output::print_msg;
use super::python_format::repr;
use super::rates::{log_rates, optimizer, with_rates};
use super::{Callback, CallbackContext, Logs};
use crate::KerasSerializable;
use crate::error::{Error, ErrorKind, Result};
use crate::optimizers::{LearningRate, Optimizer};

/// A callback that multiplies the learning rate by a factor when a metric has not improved for some
/// epochs.
///
/// # Arguments
/// - `monitor`: the metric's name; `val_loss` by default.
/// - `factor`: less than 1; 0.1 by default.
/// - `patience`: the number of epochs to wait for an improvement; 10 by default.
/// - `verbose`: 1 prints a line for each reduction; 0 by default.
/// - `mode`: `min`, `max`, or `auto` (the default), which decides by the metric.
/// - `min_delta`: the smallest change that counts as an improvement; 0.0001 by default.
/// - `cooldown`: the number of epochs after a reduction that don't count; 0 by default.
/// - `min_lr`: the lower bound of the learning rate; 0 by default.
///
/// The learning rate is added to the logs. Follows
/// <https://keras.io/api/callbacks/reduce_lr_on_plateau>.
///
/// ```
/// use keras_serial::training::callbacks::ReduceLROnPlateau;
/// use keras_serial::KerasSerializable;
/// let callback = ReduceLROnPlateau::new().monitor("loss").factor(0.2).patience(5).min_lr(0.001);
/// assert_eq!(callback.get_config()?.get("min_delta").and_then(|delta| delta.as_f64()), Some(1e-4));
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[derive(KerasSerializable, Debug)]
#[keras(new, default, setters)]
pub struct ReduceLROnPlateau {
    #[keras(default = "val_loss".to_owned())]
    monitor: String,
    #[keras(default = 0.1)]
    factor: f64,
    #[keras(default = 10)]
    patience: usize,
    #[keras(default)]
    verbose: u8,
    #[keras(default)]
    mode: MonitorMode,
    #[keras(default = 1e-4)]
    min_delta: f64,
    #[keras(default)]
    cooldown: usize,
    #[keras(default)]
    min_lr: f64,
    #[keras(skip)]
    watched: Monitor,
    #[keras(skip)]
    wait: usize,
    #[keras(skip)]
    cooldown_counter: usize,
}

impl ReduceLROnPlateau {
    /// Reduces one optimizer's learning rate, unless it is at the lower bound.
    fn reduce(&self, optimizer: &Optimizer, name: Option<&str>, epoch: usize) -> Result<bool> {
        let old = optimizer.learning_rate()?;
        if old <= f64::from(self.min_lr as f32) {
            return Ok(false);
        }
        let new = (old * self.factor).max(self.min_lr);
        optimizer.set_learning_rate(LearningRate::from(new))?;
        if self.verbose > 0 {
            let name = name.map(|name| format!(" {name}")).unwrap_or_default();
            print_msg(&format!(
                "\nEpoch {}: ReduceLROnPlateau reducing{name} learning rate to {}.",
                epoch + 1,
                repr(new)
            ));
        }
        Ok(true)
    }
}

impl Callback for ReduceLROnPlateau {
    fn on_train_begin(&mut self, _: &mut Logs, _: &CallbackContext<'_>) -> Result<()> {
        if self.factor >= 1.0 {
            return Err(Error::new(ErrorKind::InvalidArgument, "ReduceLROnPlateau does not support a factor >= 1.0")
                .received(format!("factor={}", repr(self.factor))));
        }
        (self.watched.best, self.cooldown_counter, self.wait) = (None, 0, 0);
        Ok(())
    }

    fn on_epoch_end(&mut self, epoch: usize, logs: &mut Logs, cx: &CallbackContext<'_>) -> Result<()> {
        self.watched.set_up("ReduceLROnPlateau", &self.monitor, self.mode, cx.model())?;
        let optimizer = optimizer(cx)?;
        log_rates(optimizer.clone(), logs)?;
        let Some(current) = logs.get(&self.monitor).copied() else {
            let known: Vec<&str> = logs.keys().map(String::as_str).collect();
            tracing::warn!(
                "Learning rate reduction is conditioned on metric `{}` which is not available. Available metrics \
                 are: {}",
                self.monitor,
                known.join(",")
            );
            return Ok(());
        };
        if self.cooldown_counter > 0 {
            self.cooldown_counter -= 1;
            self.wait = 0;
        }
        if self.watched.improves(current, self.watched.best, self.min_delta) {
            self.watched.best = Some(current);
            self.wait = 0;
        } else if self.cooldown_counter == 0 {
            self.wait += 1;
            if self.wait >= self.patience {
                let mut reduced = false;
                for (name, optimizer) in with_rates(optimizer) {
                    reduced |= self.reduce(&optimizer, name.as_deref(), epoch)?;
                }
                if reduced {
                    (self.cooldown_counter, self.wait) = (self.cooldown, 0);
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::optimizers::{OptimizerExt, SGD};
    use crate::training::callbacks::LambdaCallback;
    use crate::training::callbacks::testing::{drive, model};
    use crate::training::{CallbackList, Compile};

    /// Returns the learning rate after each epoch.
    fn rates(callback: ReduceLROnPlateau, values: &[f64]) -> Result<Vec<f64>> {
        let model = model();
        model.compile(Compile::new(SGD::new().learning_rate(0.1), "mse"))?;
        let mut rates = Vec::new();
        let mut callbacks = CallbackList::new();
        callbacks.push(callback);
        callbacks.push(LambdaCallback::new().on_epoch_end(|_, logs, cx| {
            assert!(logs.contains_key("learning_rate"));
            rates.push(optimizer(cx)?.learning_rate()?);
            Ok(())
        }));
        drive(&mut callbacks, &model, "loss", values)?;
        drop(callbacks);
        Ok(rates)
    }

    // class Feed(keras.callbacks.Callback):
    //     def on_epoch_end(self, epoch, logs): logs["loss"] = VALUES[epoch]
    // model.compile(keras.optimizers.SGD(0.1), "mse")
    // model.fit(x, y, epochs=len(VALUES), callbacks=[Feed(), keras.callbacks.ReduceLROnPlateau("loss", …)], verbose=0)
    // float(model.optimizer.learning_rate) after each epoch
    #[test]
    fn rates_are_those_of_keras() {
        let new = || ReduceLROnPlateau::new().monitor("loss").patience(1).factor(0.5);
        let (r0, r1, r2, r3) = (0.10000000149011612, 0.05000000074505806, 0.02500000037252903, 0.012500000186264515);
        assert_eq!(rates(new(), &[1.0, 1.0, 0.9, 0.9, 0.9]).unwrap(), [r0, r1, r1, r2, r3]);
        assert_eq!(rates(new().min_delta(0.2), &[1.0, 0.9, 0.7, 0.6, 0.5]).unwrap(), [r0, r1, r1, r2, r3]);
        assert_eq!(rates(new().mode("max"), &[1.0, 2.0, 3.0, 2.0, 1.0]).unwrap(), [r0, r0, r0, r1, r2]);
        let cooling = ReduceLROnPlateau::new().monitor("loss").patience(2).cooldown(2).min_lr(0.005);
        let (low, least) = (0.009999999776482582, 0.004999999888241291);
        let expected = [r0, r0, low, low, low, least, least, least, least, least];
        assert_eq!(rates(cooling, &[1.0; 10]).unwrap(), expected);
    }

    #[test]
    fn a_factor_does_not_enlarge() {
        let error = rates(ReduceLROnPlateau::new().factor(1.0), &[1.0]).unwrap_err().to_string();
        assert!(error.contains("ReduceLROnPlateau does not support a factor >= 1.0. Received: factor=1.0"), "{error}");
    }
}
