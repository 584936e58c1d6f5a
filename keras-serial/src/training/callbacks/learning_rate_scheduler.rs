//! A callback that sets the learning rate of each epoch.

use super::output::print_msg;
use super::python_format::repr;
use super::rates::{log_rates, optimizer, with_rates};
use super::{Callback, CallbackContext, Logs};
use crate::error::Result;
use crate::optimizers::LearningRate;

/// A callback that sets the learning rate at the start of each epoch.
///
/// # Arguments
/// - `schedule`: maps the epoch, counted from 0, and the current learning rate to the new one.
/// - `verbose`: 1 prints each epoch's rate; 0 by default.
///
/// The learning rate is added to the logs. Follows
/// <https://keras.io/api/callbacks/learning_rate_scheduler>.
///
/// ```
/// use keras_serial::training::callbacks::LearningRateScheduler;
/// let callback = LearningRateScheduler::new(|epoch, rate| if epoch < 10 { rate } else { rate * (-0.1f64).exp() });
/// # let _ = callback;
/// ```
pub struct LearningRateScheduler<'a> {
    schedule: Box<dyn FnMut(usize, f64) -> f64 + 'a>,
    verbose: u8,
}

impl<'a> LearningRateScheduler<'a> {
    /// Creates the callback with this schedule; silent by default.
    pub fn new(schedule: impl FnMut(usize, f64) -> f64 + 'a) -> Self {
        Self { schedule: Box::new(schedule), verbose: 0 }
    }

    /// Sets `verbose`.
    #[must_use]
    pub fn verbose(mut self, verbose: u8) -> Self {
        self.verbose = verbose;
        self
    }
}

impl std::fmt::Debug for LearningRateScheduler<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LearningRateScheduler").field("verbose", &self.verbose).finish_non_exhaustive()
    }
}

impl Callback for LearningRateScheduler<'_> {
    fn on_epoch_begin(&mut self, epoch: usize, _: &mut Logs, cx: &CallbackContext<'_>) -> Result<()> {
        for (name, optimizer) in with_rates(optimizer(cx)?) {
            let rate = (self.schedule)(epoch, optimizer.learning_rate()?);
            optimizer.set_learning_rate(LearningRate::from(rate))?;
            if self.verbose > 0 {
                let name = name.map(|name| format!("{name} ")).unwrap_or_default();
                print_msg(&format!(
                    "\nEpoch {}: LearningRateScheduler setting {name}learning rate to {}.",
                    epoch + 1,
                    repr(rate)
                ));
            }
        }
        Ok(())
    }

    fn on_epoch_end(&mut self, _: usize, logs: &mut Logs, cx: &CallbackContext<'_>) -> Result<()> {
        log_rates(optimizer(cx)?, logs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::optimizers::{Adam, MultiOptimizer, OptimizerExt, OptimizerMap, SGD};
    use crate::training::Compile;
    use crate::training::callbacks::testing::{drive, model};
    use crate::training::callbacks::{CallbackList, LambdaCallback};

    // cb = keras.callbacks.LearningRateScheduler(lambda epoch, lr: lr * 0.5 if epoch else lr)
    // model.compile(keras.optimizers.SGD(0.1), "mse")
    // model.fit(x, y, epochs=3, callbacks=[cb], verbose=0).history["learning_rate"]
    #[test]
    fn rates_are_those_of_keras() {
        let model = model();
        let fit = |optimizer: crate::optimizers::Optimizer| {
            model.compile(Compile::new(optimizer, "mse")).unwrap();
            let mut seen = Vec::new();
            let mut callbacks = CallbackList::new();
            callbacks.push(LearningRateScheduler::new(|epoch, rate| if epoch > 0 { rate * 0.5 } else { rate }));
            callbacks.push(LambdaCallback::new().on_epoch_end(|_, logs, _| {
                seen.push(logs.clone());
                Ok(())
            }));
            drive(&mut callbacks, &model, "loss", &[1.0; 3]).unwrap();
            drop(callbacks);
            seen
        };
        let rates: Vec<f64> =
            fit(SGD::new().learning_rate(0.1).into()).iter().map(|logs| logs["learning_rate"]).collect();
        assert_eq!(rates, [0.10000000149011612, 0.05000000074505806, 0.02500000037252903]);

        let map = OptimizerMap::new(SGD::new().learning_rate(0.5).name("plain"))
            .with(".*bias", Adam::new().learning_rate(0.25).name("of_biases"));
        let logs = fit(MultiOptimizer::new(map).into()).pop().unwrap();
        assert_eq!((logs["learning_rate_plain"], logs["learning_rate_of_biases"]), (0.125, 0.0625));
    }
}
