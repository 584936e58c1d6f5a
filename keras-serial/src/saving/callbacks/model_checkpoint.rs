//! A callback that saves the model during training.

use std::path::Path;

use crate::error::{Error, ErrorKind, Result, ResultExt};
use crate::saving::SaveOptions;
use crate::training::callbacks::frequency::BatchCounter;
use crate::training::callbacks::monitor::{Monitor, MonitorMode};
use crate::training::callbacks::output::print_msg;
use crate::training::callbacks::python_format::{self, Field, fixed};
use crate::training::callbacks::{Callback, CallbackContext, Frequency, Logs};

/// A callback that saves the model or its weights, after each epoch or every few batches.
///
/// # Arguments
/// - `filepath`: ends in `.keras` or `.h5`, or in `.weights.h5` for weights. `{epoch}`, `{batch}` and
///   names in the logs are replaced and formatted as in Python: `"{epoch:02d}-{val_loss:.2f}.keras"`.
/// - `monitor`: the metric that decides which model is best; `val_loss` by default.
/// - `verbose`: 1 prints a line for each file; 0 by default.
/// - `save_best_only`: whether only models better than all before are saved; false by default.
/// - `save_weights_only`: whether only weights are saved; false by default.
/// - `mode`: `min`, `max`, or `auto` (the default), which decides by the metric.
/// - `save_freq`: the number of batches between saves; after each epoch by default.
/// - `initial_value_threshold`: the best value before training; none by default.
///
/// Each file is written atomically. Follows <https://keras.io/api/callbacks/model_checkpoint>.
///
/// ```
/// use keras_serial::prelude::*;
/// use keras_serial::callbacks::ModelCheckpoint;
/// let directory = tempfile::tempdir()?;
/// let model = Sequential::new([Input::new([1]).layer(), Dense::new(1).into()])?;
/// model.compile(Compile::new("sgd", "mse"))?;
/// let x = Tensor::from_slice(&[0.0f32, 1.0, 2.0, 3.0], [4, 1])?;
/// let path = directory.path().join("{epoch:02d}.weights.h5");
/// let checkpoint = ModelCheckpoint::new(path.to_string_lossy()).save_weights_only(true);
/// model.fit((&x, &x), Fit::new().epochs(2).verbose(0).callback(checkpoint))?;
/// model.load_weights(directory.path().join("02.weights.h5"))?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct ModelCheckpoint {
    filepath: String,
    monitor: String,
    verbose: u8,
    save_best_only: bool,
    save_weights_only: bool,
    mode: MonitorMode,
    save_freq: Frequency,
    watched: Monitor,
    batches: BatchCounter,
    epoch: usize,
}

macro_rules! setters {
    ($($name:ident: $type:ty;)*) => {$(
        #[doc = concat!("Sets `", stringify!($name), "`.")]
        #[must_use]
        pub fn $name(mut self, $name: $type) -> Self {
            self.$name = $name;
            self
        }
    )*};
}

impl ModelCheckpoint {
    /// Creates the callback, which saves to this path after each epoch.
    pub fn new(filepath: impl Into<String>) -> Self {
        Self {
            filepath: filepath.into(),
            monitor: "val_loss".to_owned(),
            verbose: 0,
            save_best_only: false,
            save_weights_only: false,
            mode: MonitorMode::Auto,
            save_freq: Frequency::Epoch,
            watched: Monitor::default(),
            batches: BatchCounter::default(),
            epoch: 0,
        }
    }

    setters! {
        verbose: u8;
        save_best_only: bool;
        save_weights_only: bool;
    }

    /// Sets `monitor`.
    #[must_use]
    pub fn monitor(mut self, monitor: impl Into<String>) -> Self {
        self.monitor = monitor.into();
        self
    }

    /// Sets `mode`.
    #[must_use]
    pub fn mode(mut self, mode: impl Into<MonitorMode>) -> Self {
        self.mode = mode.into();
        self
    }

    /// Sets `save_freq`.
    #[must_use]
    pub fn save_freq(mut self, frequency: impl Into<Frequency>) -> Self {
        self.save_freq = frequency.into();
        self
    }

    /// Sets `initial_value_threshold`.
    #[must_use]
    pub fn initial_value_threshold(mut self, threshold: f64) -> Self {
        self.watched.best = Some(threshold);
        self
    }

    /// Returns the best value so far.
    pub fn best(&self) -> Option<f64> {
        self.watched.best
    }

    fn check(&self) -> Result<()> {
        let is = |suffix: &str| self.filepath.ends_with(suffix);
        let (fits, message) = if self.save_weights_only {
            let message = "When using `save_weights_only=True` in `ModelCheckpoint`, the filepath provided must end \
                           in `.weights.h5` (Keras weights format)";
            (is(".weights.h5"), message)
        } else {
            (is(".keras") || is(".h5"), "The filepath provided must end in `.keras` (Keras model format)")
        };
        if fits {
            return Ok(());
        }
        Err(Error::new(ErrorKind::InvalidArgument, message).received(format!("filepath={}", self.filepath)))
    }

    /// Returns true if the model is to be saved.
    fn is_wanted(&mut self, epoch: usize, logs: &Logs, path: &str) -> bool {
        let tell = |message: String| {
            if self.verbose > 0 {
                print_msg(&format!("\nEpoch {}: {message}", epoch + 1));
            }
        };
        if !self.save_best_only {
            tell(format!("saving model to {path}"));
            return true;
        }
        let Some(current) = logs.get(&self.monitor).copied() else {
            tracing::warn!("Can save best model only with {} available", self.monitor);
            return true;
        };
        let best = self.watched.best.map_or_else(|| "None".to_owned(), |best| fixed(best, 5));
        let better = self.watched.improves(current, self.watched.best, 0.0);
        if better {
            let current = fixed(current, 5);
            tell(format!("{} improved from {best} to {current}, saving model to {path}", self.monitor));
            self.watched.best = Some(logs.get(&self.monitor).copied().unwrap_or(f64::NAN));
        } else {
            tell(format!("{} did not improve from {best}", self.monitor));
        }
        better
    }

    fn save(&mut self, epoch: usize, batch: Option<usize>, logs: &Logs, cx: &CallbackContext<'_>) -> Result<()> {
        let path = python_format::fill(&self.filepath, |name| match (name, batch) {
            ("epoch", _) => Some(Field::Int(epoch + 1)),
            ("batch", Some(batch)) if !logs.contains_key("batch") => Some(Field::Int(batch + 1)),
            _ => logs.get(name).copied().map(Field::Float),
        })?;
        if self.save_best_only {
            self.watched.set_up("ModelCheckpoint", &self.monitor, self.mode, cx.model())?;
        }
        if !self.is_wanted(epoch, logs, &path) {
            return Ok(());
        }
        let file = Path::new(&path);
        if file.is_dir() {
            return Err(Error::new(ErrorKind::Io, "Please specify a non-directory filepath for ModelCheckpoint")
                .received(format!("an existing directory: {path}")));
        }
        if let Some(directory) = file.parent().filter(|directory| !directory.as_os_str().is_empty()) {
            std::fs::create_dir_all(directory).map_err(Error::from).at_with(|| directory.display().to_string())?;
        }
        if self.save_weights_only {
            SaveOptions::new().save_weights(cx.model(), file)?;
        } else {
            SaveOptions::new().save_model(cx.model(), file)?;
        }
        if self.verbose > 0 {
            print_msg(&format!("\nEpoch {}: finished saving model to {path}", epoch + 1));
        }
        Ok(())
    }
}

impl Callback for ModelCheckpoint {
    fn on_train_begin(&mut self, _: &mut Logs, _: &CallbackContext<'_>) -> Result<()> {
        self.check()
    }

    fn on_epoch_begin(&mut self, epoch: usize, _: &mut Logs, _: &CallbackContext<'_>) -> Result<()> {
        self.epoch = epoch;
        Ok(())
    }

    fn on_train_batch_end(&mut self, batch: usize, logs: &mut Logs, cx: &CallbackContext<'_>) -> Result<()> {
        if self.batches.is_due(batch, self.save_freq) { self.save(self.epoch, Some(batch), logs, cx) } else { Ok(()) }
    }

    fn on_epoch_end(&mut self, epoch: usize, logs: &mut Logs, cx: &CallbackContext<'_>) -> Result<()> {
        if self.save_freq == Frequency::Epoch { self.save(epoch, None, logs, cx) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::saving::load_model;
    use crate::training::callbacks::testing::{drive, model};

    fn files(directory: &Path) -> Vec<String> {
        let mut names: Vec<String> = std::fs::read_dir(directory)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn files_are_those_of_keras() {
        let directory = tempfile::tempdir().unwrap();
        let saved = |name: &str, callback: &dyn Fn(ModelCheckpoint) -> ModelCheckpoint, values: &[f64]| {
            let directory = directory.path().join("below").join(name.replace(['{', '}', ':'], "_"));
            let template = directory.join(name).to_string_lossy().into_owned();
            let mut callback = callback(ModelCheckpoint::new(template).monitor("loss"));
            drive(&mut callback, &model(), "loss", values).map(|_| files(&directory))
        };
        let values = [0.5, 0.25, 0.375];
        let names = saved("{epoch:02d}-{loss:.2f}.keras", &|c| c, &values).unwrap();
        assert_eq!(names, ["01-0.50.keras", "02-0.25.keras", "03-0.38.keras"]);
        let names = saved("b{epoch}.keras", &|c| c.save_best_only(true), &values).unwrap();
        assert_eq!(names, ["b1.keras", "b2.keras"]);
        let path = directory.path().join("below/b_epoch_.keras/b2.keras");
        assert_eq!(load_model(path).unwrap().weights().len(), 2);
        let best = |c: ModelCheckpoint| c.save_best_only(true).initial_value_threshold(0.3).mode("min");
        assert_eq!(saved("t{epoch}.h5", &best, &values).unwrap(), ["t2.h5"]);
        let names = saved("{epoch}-{batch}.weights.h5", &|c| c.save_freq(2).save_weights_only(true), &values).unwrap();
        assert_eq!(names, ["2-1.weights.h5"]);

        let wrong = |name: &str, weights: bool| {
            saved(name, &|c| c.save_weights_only(weights), &values).unwrap_err().to_string()
        };
        assert!(wrong("a.txt", false).contains("The filepath provided must end in `.keras`"));
        assert!(wrong("a.keras", true).contains("must end in `.weights.h5`"));
        assert!(wrong("{mape:.2f}.keras", false).contains("Reason: 'mape'"));
    }
}
