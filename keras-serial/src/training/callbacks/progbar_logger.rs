//! A callback that shows the progress of training.

use std::fmt;
use std::io::{IsTerminal, Write};
use std::time::Instant;

use super::progbar::Progbar;
use super::{Callback, CallbackContext, Logs};
use crate::error::Result;

/// A callback that shows the progress of `fit`, `evaluate` and `predict`, as Keras does: with verbosity
/// 1 a progress bar, with 2 a line per epoch, with 0 nothing.
///
/// In a terminal the bar is redrawn in place, with colours; elsewhere each update is a line of plain
/// text. Runs add this callback themselves.
///
/// Follows <https://keras.io/api/callbacks>.
///
/// ```
/// use keras_serial::prelude::*;
/// use keras_serial::training::callbacks::{Callback, CallbackContext, CallbackParams, Logs, ProgbarLogger};
/// let model = Model::from(Sequential::new([Input::new([2]).layer(), Dense::new(1).into()])?);
/// let cx = CallbackContext::new(&model, CallbackParams { verbose: 2, epochs: 3, steps: Some(1) });
/// let mut log = Vec::new();
/// let mut logger = ProgbarLogger::to(&mut log);
/// let mut logs = Logs::from([("loss".to_owned(), 0.25)]);
/// logger.on_train_begin(&mut Logs::new(), &cx)?;
/// logger.on_epoch_begin(1, &mut Logs::new(), &cx)?;
/// logger.on_train_batch_end(0, &mut logs, &cx)?;
/// logger.on_epoch_end(1, &mut logs, &cx)?;
/// drop(logger);
/// let log = String::from_utf8(log).unwrap_or_default();
/// assert!(log.starts_with("Epoch 2/3\n1/1 - 0s - ") && log.ends_with("/step - loss: 0.2500\n"));
/// # Ok::<(), keras_serial::Error>(())
/// ```
pub struct ProgbarLogger<'a> {
    output: Box<dyn Write + 'a>,
    dynamic: bool,
    target: Option<usize>,
    seen: usize,
    bar: Option<(Progbar, Instant)>,
    /// Whether `fit` runs, in which validation is silent.
    in_fit: bool,
}

impl ProgbarLogger<'static> {
    /// Creates the callback, which writes to standard output.
    pub fn new() -> Self {
        Self::with_output(Box::new(std::io::stdout()), std::io::stdout().is_terminal())
    }
}

impl Default for ProgbarLogger<'static> {
    fn default() -> Self {
        Self::new()
    }
}

impl<'a> ProgbarLogger<'a> {
    /// Creates the callback, which writes plain text to `output`.
    pub fn to(output: impl Write + 'a) -> Self {
        Self::with_output(Box::new(output), false)
    }

    fn with_output(output: Box<dyn Write + 'a>, dynamic: bool) -> Self {
        Self { output, dynamic, target: None, seen: 0, bar: None, in_fit: false }
    }

    /// Writes text. A failure to write does not stop training.
    fn write(&mut self, text: &str) {
        let _ = self.output.write_all(text.as_bytes()).and_then(|()| self.output.flush());
    }

    fn begin_run(&mut self, cx: &CallbackContext<'_>, in_fit: bool) {
        self.target = cx.params().steps;
        self.in_fit = in_fit;
    }

    fn begin(&mut self, cx: &CallbackContext<'_>) {
        self.seen = 0;
        self.target = cx.params().steps.or(self.target);
        self.bar = Some((Progbar::new(self.target, cx.params().verbose, self.dynamic), Instant::now()));
    }

    fn update(&mut self, batch: usize, logs: &Logs) {
        self.seen = batch + 1;
        let text = self
            .bar
            .as_mut()
            .and_then(|(bar, start)| bar.update(self.seen, logs, false, start.elapsed().as_secs_f64()));
        if let Some(text) = text {
            self.write(&text);
        }
    }

    fn finish(&mut self, logs: &Logs) {
        let target = *self.target.get_or_insert(self.seen);
        let text = self.bar.as_mut().and_then(|(bar, start)| {
            bar.set_target(target);
            bar.update(target, logs, true, start.elapsed().as_secs_f64())
        });
        if let Some(text) = text {
            self.write(&text);
        }
    }
}

impl Callback for ProgbarLogger<'_> {
    fn shows_progress(&self) -> bool {
        true
    }

    fn on_train_begin(&mut self, _: &mut Logs, cx: &CallbackContext<'_>) -> Result<()> {
        self.begin_run(cx, true);
        Ok(())
    }

    fn on_train_end(&mut self, _: &mut Logs, _: &CallbackContext<'_>) -> Result<()> {
        self.in_fit = false;
        Ok(())
    }

    fn on_epoch_begin(&mut self, epoch: usize, _: &mut Logs, cx: &CallbackContext<'_>) -> Result<()> {
        self.begin(cx);
        let params = cx.params();
        if params.verbose > 0 && params.epochs > 1 {
            self.write(&format!("Epoch {}/{}\n", epoch + 1, params.epochs));
        }
        Ok(())
    }

    fn on_train_batch_end(&mut self, batch: usize, logs: &mut Logs, _: &CallbackContext<'_>) -> Result<()> {
        self.update(batch, logs);
        Ok(())
    }

    fn on_epoch_end(&mut self, _: usize, logs: &mut Logs, _: &CallbackContext<'_>) -> Result<()> {
        self.finish(logs);
        Ok(())
    }

    fn on_test_begin(&mut self, _: &mut Logs, cx: &CallbackContext<'_>) -> Result<()> {
        if !self.in_fit {
            self.begin_run(cx, false);
            self.begin(cx);
        }
        Ok(())
    }

    fn on_test_batch_end(&mut self, batch: usize, logs: &mut Logs, _: &CallbackContext<'_>) -> Result<()> {
        if !self.in_fit {
            self.update(batch, logs);
        }
        Ok(())
    }

    fn on_test_end(&mut self, logs: &mut Logs, _: &CallbackContext<'_>) -> Result<()> {
        if !self.in_fit {
            self.finish(logs);
        }
        Ok(())
    }

    fn on_predict_begin(&mut self, _: &mut Logs, cx: &CallbackContext<'_>) -> Result<()> {
        self.begin_run(cx, false);
        self.begin(cx);
        Ok(())
    }

    fn on_predict_batch_end(&mut self, batch: usize, _: &mut Logs, _: &CallbackContext<'_>) -> Result<()> {
        self.update(batch, &Logs::new());
        Ok(())
    }

    fn on_predict_end(&mut self, logs: &mut Logs, _: &CallbackContext<'_>) -> Result<()> {
        self.finish(logs);
        Ok(())
    }
}

impl fmt::Debug for ProgbarLogger<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProgbarLogger")
            .field("dynamic", &self.dynamic)
            .field("seen", &self.seen)
            .finish_non_exhaustive()
    }
}
