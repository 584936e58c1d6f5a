//! A callback that continues interrupted training from a backup.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::error::{Error, ErrorKind, Result, ResultExt};
use crate::files::{TRAINING_STATE, write_atomically};
use crate::json::{Dict, Value};
use crate::saving::{LoadOptions, SaveOptions};
use crate::training::callbacks::frequency::BatchCounter;
use crate::training::callbacks::{Callback, CallbackContext, Frequency, Logs};
use crate::training::{TrainingState, is_interrupted};

/// A callback that backs up weights, the optimizer's state and the epoch in a directory, and continues
/// from there after an interrupted run. A run that completes removes the directory.
///
/// # Arguments
/// - `backup_dir`: a directory for this callback alone.
/// - `save_freq`: the number of batches between backups; after each epoch by default. A run that was
///   interrupted within an epoch repeats that epoch, with the weights of the last backup.
/// - `training_state`: whether the [`TrainingState`] is saved too (`training_state.json`), so that
///   training continues bit for bit, also within an epoch; false by default. If a kill fell between the
///   writes of weights and state, the epoch is repeated.
/// - `double_checkpoint`: whether the previous backup is kept too, in case the last one can't be read;
///   false by default.
/// - `delete_checkpoint`: whether the directory is removed at the end; true by default.
///
/// The files are Keras's (`latest.weights.h5`, `training_metadata.json`) and are written atomically, so
/// that a run can continue one that Keras started. Runs that were ended by
/// [`interrupt`](crate::training::interrupt) keep their backup. Follows
/// <https://keras.io/api/callbacks/backup_and_restore>.
///
/// ```
/// use keras_serial::prelude::*;
/// use keras_serial::callbacks::{BackupAndRestore, LambdaCallback};
/// let directory = tempfile::tempdir()?;
/// let backup = || BackupAndRestore::new(directory.path().join("backup"));
/// let model = Sequential::new([Input::new([1]).layer(), Dense::new(1).into()])?;
/// model.compile(Compile::new("adam", "mse"))?;
/// let x = Tensor::from_slice(&[0.0f32, 1.0, 2.0, 3.0], [4, 1])?;
/// let power_cut = LambdaCallback::new().on_epoch_begin(|epoch, _, _| match epoch {
///     4 => Err(Error::new(ErrorKind::Io, "no more power")),
///     _ => Ok(()),
/// });
/// let fit = || Fit::new().epochs(10).verbose(0);
/// model.fit((&x, &x), fit().callback(backup()).callback(power_cut)).unwrap_err();
/// let history = model.fit((&x, &x), fit().callback(backup()))?;
/// assert_eq!(history.epoch, [4, 5, 6, 7, 8, 9]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct BackupAndRestore {
    backup_dir: PathBuf,
    save_freq: Frequency,
    training_state: bool,
    double_checkpoint: bool,
    delete_checkpoint: bool,
    batches: BatchCounter,
    /// The last batch seen, and the epoch with which a resumed run starts.
    batch: usize,
    epoch: usize,
    /// Whether all batches of the epoch were seen.
    is_whole: bool,
}

impl BackupAndRestore {
    /// Creates the callback for this directory, with a backup after each epoch.
    pub fn new(backup_dir: impl AsRef<Path>) -> Self {
        Self {
            backup_dir: backup_dir.as_ref().to_path_buf(),
            save_freq: Frequency::Epoch,
            training_state: false,
            double_checkpoint: false,
            delete_checkpoint: true,
            batches: BatchCounter::default(),
            batch: 0,
            epoch: 0,
            is_whole: false,
        }
    }

    /// Sets `save_freq`.
    #[must_use]
    pub fn save_freq(mut self, frequency: impl Into<Frequency>) -> Self {
        self.save_freq = frequency.into();
        self
    }

    /// Sets `training_state`.
    #[must_use]
    pub fn training_state(mut self, training_state: bool) -> Self {
        self.training_state = training_state;
        self
    }

    /// Sets `double_checkpoint`.
    #[must_use]
    pub fn double_checkpoint(mut self, double: bool) -> Self {
        self.double_checkpoint = double;
        self
    }

    /// Sets `delete_checkpoint`.
    #[must_use]
    pub fn delete_checkpoint(mut self, delete: bool) -> Self {
        self.delete_checkpoint = delete;
        self
    }

    fn weights(&self) -> PathBuf {
        self.backup_dir.join("latest.weights.h5")
    }

    fn metadata(&self) -> PathBuf {
        self.backup_dir.join("training_metadata.json")
    }

    fn state(&self) -> PathBuf {
        self.backup_dir.join(TRAINING_STATE)
    }

    /// Makes the run continue from the backup's training state, if it belongs to the saved weights.
    fn resume(&self, cx: &CallbackContext<'_>) -> Result<()> {
        let path = self.state();
        if !self.training_state || !path.exists() {
            return Ok(());
        }
        let read = || -> Result<()> {
            let state = TrainingState::from_json(&fs::read_to_string(&path)?)?;
            if state.suits(cx.model())? {
                cx.model().set_training_state(state)?;
                cx.resume();
            }
            Ok(())
        };
        read().at_with(|| path.display().to_string())
    }

    /// Loads a backup into the model; returns the epoch to continue with.
    fn load(&self, cx: &CallbackContext<'_>) -> Result<Option<usize>> {
        let model = cx.model();
        if self.weights().exists() {
            if let Some(optimizer) = model.optimizer().filter(|optimizer| !optimizer.is_built()) {
                optimizer.build(&model.trainable_weights())?;
            }
            LoadOptions::new().load_weights(model, self.weights())?;
        }
        let metadata = self.metadata();
        if !metadata.exists() {
            return Ok(None);
        }
        let epoch = || -> Result<usize> {
            let text = fs::read_to_string(&metadata)?;
            let value = Value::parse(&text)?;
            let epoch = value.get("epoch").and_then(Value::as_f64).filter(|epoch| *epoch >= 0.0);
            epoch.map(|epoch| epoch as usize).ok_or_else(|| {
                Error::new(ErrorKind::Config, "the backup's metadata name no epoch").received(value.short())
            })
        };
        epoch().at_with(|| metadata.display().to_string()).map(Some)
    }

    fn save(&self, cx: &CallbackContext<'_>) -> Result<()> {
        fs::create_dir_all(&self.backup_dir).map_err(Error::from).at_with(|| self.backup_dir.display().to_string())?;
        if self.double_checkpoint {
            for path in [self.weights(), self.metadata(), self.state()] {
                if path.exists() {
                    copy(&path, &previous(&path))?;
                }
            }
        }
        SaveOptions::new().save_weights(cx.model(), self.weights())?;
        let number = |number: usize| Value::Int(i64::try_from(number).unwrap_or(i64::MAX));
        let metadata = Dict::from([("epoch".to_owned(), number(self.epoch)), ("batch".to_owned(), number(self.batch))]);
        let text = Value::Dict(metadata).to_json();
        write_atomically(self.metadata(), |file| Ok(file.write_all(text.as_bytes())?))?;
        if self.training_state {
            let text = cx.model().training_state()?.to_json()?;
            write_atomically(self.state(), |file| Ok(file.write_all(text.as_bytes())?))?;
        }
        Ok(())
    }
}

/// Returns the path of the previous backup.
fn previous(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".bkp");
    PathBuf::from(name)
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    let bytes = fs::read(from).map_err(Error::from).at_with(|| from.display().to_string())?;
    write_atomically(to, |file| Ok(file.write_all(&bytes)?))
}

impl Callback for BackupAndRestore {
    fn on_train_begin(&mut self, _: &mut Logs, cx: &CallbackContext<'_>) -> Result<()> {
        if self.backup_dir.as_os_str().is_empty() {
            return Err(Error::new(ErrorKind::InvalidArgument, "Empty `backup_dir` argument passed"));
        }
        if !cx.model().base().is_built() {
            return Err(Error::new(
                ErrorKind::NotBuilt,
                "To use the BackupAndRestore callback, your model must be built before you call `fit()`",
            )
            .hint("call it on a batch of data")
            .at(cx.model().name().to_owned()));
        }
        let found = match self.load(cx) {
            // Weights that do not fit mean another model, not a broken file.
            Err(error) if error.kind() != ErrorKind::Weights && previous(&self.weights()).exists() => {
                copy(&previous(&self.weights()), &self.weights())?;
                for path in [self.metadata(), self.state()] {
                    if previous(&path).exists() {
                        copy(&previous(&path), &path)?;
                    } else if path.exists() {
                        fs::remove_file(path)?;
                    }
                }
                self.load(cx)?
            }
            found => found?,
        };
        if let Some(epoch) = found {
            cx.set_initial_epoch(epoch);
            self.epoch = epoch;
            self.resume(cx)?;
        }
        Ok(())
    }

    fn on_epoch_begin(&mut self, epoch: usize, _: &mut Logs, _: &CallbackContext<'_>) -> Result<()> {
        (self.epoch, self.is_whole) = (epoch, false);
        Ok(())
    }

    fn on_train_batch_end(&mut self, batch: usize, _: &mut Logs, cx: &CallbackContext<'_>) -> Result<()> {
        self.is_whole = cx.params().steps.is_some_and(|steps| batch + 1 >= steps);
        self.batch = batch;
        if self.batches.is_due(batch, self.save_freq) { self.save(cx) } else { Ok(()) }
    }

    fn on_epoch_end(&mut self, epoch: usize, _: &mut Logs, cx: &CallbackContext<'_>) -> Result<()> {
        if is_interrupted(cx.model()) && !self.is_whole {
            return if self.training_state { self.save(cx) } else { Ok(()) };
        }
        (self.epoch, self.batch) = (epoch + 1, 0);
        if self.save_freq == Frequency::Epoch { self.save(cx) } else { Ok(()) }
    }

    fn on_train_end(&mut self, _: &mut Logs, cx: &CallbackContext<'_>) -> Result<()> {
        if self.delete_checkpoint && !is_interrupted(cx.model()) && self.backup_dir.exists() {
            fs::remove_dir_all(&self.backup_dir)
                .map_err(Error::from)
                .at_with(|| self.backup_dir.display().to_string())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tensor::Tensor;
    use crate::training::callbacks::{CallbackParams, LambdaCallback, testing::model};
    use crate::training::interrupt::interrupt_model;
    use crate::training::{Compile, Fit};

    fn data() -> (Tensor, Tensor) {
        let x = Tensor::from_slice(&[0.0f32, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0], [4, 2]).unwrap();
        (x, Tensor::from_slice(&[1.0f32, 2.0, 3.0, 5.0], [4, 1]).unwrap())
    }

    fn fit<'a>() -> Fit<'a> {
        Fit::new().epochs(6).batch_size(2).shuffle(false).verbose(0)
    }

    fn bits(model: &crate::models::Model) -> Vec<Vec<u32>> {
        let values = model.get_weights();
        values.iter().map(|value| value.to_vec::<f32>().unwrap().iter().map(|x| x.to_bits()).collect()).collect()
    }

    #[test]
    fn a_run_that_was_cut_off_ends_as_one_that_was_not() {
        let directory = tempfile::tempdir().unwrap();
        let backup = directory.path().join("backup");
        let (x, y) = data();
        let whole = model();
        let start = whole.get_weights();
        whole.compile(Compile::new("adam", "mse")).unwrap();
        let expected = whole.fit((&x, &y), fit()).unwrap();

        let again = || {
            let model = model();
            model.set_weights(&start).unwrap();
            model.compile(Compile::new("adam", "mse")).unwrap();
            model
        };
        let killed = LambdaCallback::new().on_train_batch_end(|batch, _, cx| {
            let steps = cx.model().optimizer().unwrap().iterations()?;
            if batch == 0 && steps == 7 { Err(Error::new(ErrorKind::Io, "killed")) } else { Ok(()) }
        });
        let first = again();
        first.fit((&x, &y), fit().callback(BackupAndRestore::new(&backup)).callback(killed)).unwrap_err();
        assert!(backup.join("latest.weights.h5").exists());
        let text = fs::read_to_string(backup.join("training_metadata.json")).unwrap();
        assert_eq!(text, r#"{"epoch": 3, "batch": 0}"#);

        // As in a new process: the weights and the optimizer's state come from the file.
        let resumed = again();
        let history = resumed.fit((&x, &y), fit().callback(BackupAndRestore::new(&backup))).unwrap();
        assert_eq!(history.epoch, [3, 4, 5]);
        assert_eq!(history.get("loss").unwrap(), &expected.get("loss").unwrap()[3..]);
        assert_eq!(bits(&resumed), bits(&whole));
        assert!(!backup.exists());
    }

    #[test]
    fn interrupts_keep_the_backup_and_the_model() {
        let directory = tempfile::tempdir().unwrap();
        let backup = directory.path().join("backup");
        let (x, y) = data();
        let model = model();
        model.compile(Compile::new("sgd", "mse")).unwrap();
        let key = LambdaCallback::new().on_train_batch_end(|batch, _, cx| {
            if batch == 0 && cx.model().optimizer().unwrap().iterations()? == 3 {
                interrupt_model(cx.model());
            }
            Ok(())
        });
        let history = model.fit((&x, &y), fit().callback(BackupAndRestore::new(&backup)).callback(key)).unwrap();
        assert_eq!(history.epoch, [0, 1]);
        assert_eq!(model.optimizer().unwrap().iterations().unwrap(), 3);
        // The second epoch was incomplete, so it is repeated.
        let history = model.fit((&x, &y), fit().callback(BackupAndRestore::new(&backup))).unwrap();
        assert_eq!(history.epoch, [1, 2, 3, 4, 5]);
    }

    #[test]
    fn a_training_state_lets_runs_go_on_within_an_epoch() {
        let directory = tempfile::tempdir().unwrap();
        let backup = || BackupAndRestore::new(directory.path()).save_freq(1).training_state(true);
        let (x, y) = data();
        let whole = model();
        let start = whole.get_weights();
        whole.compile(Compile::new("adam", "mse")).unwrap();
        let fit = || fit().batch_size(1).shuffle(true).seed(5);
        let expected = whole.fit((&x, &y), fit()).unwrap();

        let killed = LambdaCallback::new().on_train_batch_begin(|batch, _, cx| {
            let steps = cx.model().optimizer().unwrap().iterations()?;
            if batch == 2 && steps == 10 { Err(Error::new(ErrorKind::Io, "killed")) } else { Ok(()) }
        });
        let again = model();
        again.set_weights(&start).unwrap();
        again.compile(Compile::new("adam", "mse")).unwrap();
        again.fit((&x, &y), fit().callback(backup()).callback(killed)).unwrap_err();

        let resumed = model();
        resumed.compile(Compile::new("adam", "mse")).unwrap();
        let history = resumed.fit((&x, &y), fit().callback(backup())).unwrap();
        assert_eq!(history.epoch, [2, 3, 4, 5]);
        assert_eq!(history.get("loss").unwrap(), &expected.get("loss").unwrap()[2..]);
        assert_eq!(bits(&resumed), bits(&whole));
    }

    #[test]
    fn the_backup_before_the_last_helps_when_that_is_broken() {
        let directory = tempfile::tempdir().unwrap();
        let backup = directory.path().join("backup");
        let (x, y) = data();
        let model = model();
        model.compile(Compile::new("sgd", "mse")).unwrap();
        let callback = || BackupAndRestore::new(&backup).double_checkpoint(true).delete_checkpoint(false);
        model.fit((&x, &y), fit().epochs(3).callback(callback())).unwrap();
        fs::write(backup.join("latest.weights.h5"), b"broken").unwrap();
        let history = model.fit((&x, &y), fit().epochs(5).callback(callback())).unwrap();
        assert_eq!(history.epoch, [2, 3, 4]);
        fs::write(backup.join("latest.weights.h5"), b"broken").unwrap();
        fs::remove_file(backup.join("latest.weights.h5.bkp")).unwrap();
        assert!(model.fit((&x, &y), fit().callback(callback())).is_err());

        let cx = CallbackContext::new(&model, CallbackParams::default());
        let error = BackupAndRestore::new("").on_train_begin(&mut Logs::new(), &cx).unwrap_err();
        assert!(error.to_string().contains("Empty `backup_dir` argument passed"));
    }
}
