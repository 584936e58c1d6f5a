//! The training loop (`Model.fit`).

use super::callbacks::{Callback, CallbackContext, CallbackList, CallbackParams, History, Logs};
use super::class_weight::ClassWeight;
use super::compiled::Compiled;
use super::data::{Data, IntoData, Shuffle};
use super::evaluate::{evaluate, prepare};
use super::interrupt::{RunGuard, is_interrupted};
use super::resume::{metric_values, resume, set_metric_values};
use super::run::{BatchGroup, Batching, EpochIterator};
use super::step::Stepper;
use super::traces::Feeding;
use super::training_state::Progress;
use crate::error::{Error, ErrorKind, Result, ResultExt};
use crate::models::Model;
use crate::random::Seed;

/// The epochs after which `fit` validates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ValidationFreq {
    /// After every n-th epoch.
    Every(usize),
    /// After these epochs, counted from 1.
    Epochs(Vec<usize>),
}

impl From<usize> for ValidationFreq {
    fn from(epochs: usize) -> Self {
        Self::Every(epochs)
    }
}

impl From<Vec<usize>> for ValidationFreq {
    fn from(epochs: Vec<usize>) -> Self {
        Self::Epochs(epochs)
    }
}

impl ValidationFreq {
    fn includes(&self, epoch: usize) -> bool {
        match self {
            Self::Every(epochs) => (epoch + 1).is_multiple_of((*epochs).max(1)),
            Self::Epochs(epochs) => epochs.contains(&(epoch + 1)),
        }
    }
}

/// The arguments of [`Model::fit`] besides the data.
///
/// # Arguments
/// - `batch_size`: 32 by default; for arrays.
/// - `epochs`: the number of the last epoch, including those before `initial_epoch`; 1 by default.
/// - `verbose`: 0 silent, 1 a progress bar, 2 a line per epoch; 1 by default.
/// - `callbacks`: called at certain points of the run.
/// - `validation_split`: the fraction of the samples, from the end of arrays, that is used for
///   validation.
/// - `validation_data`, `validation_steps`, `validation_batch_size`, `validation_freq`.
/// - `shuffle`: whether arrays are shuffled in each epoch; true by default. `seed` makes the order
///   reproducible.
/// - `class_weight`: the weights of samples by class.
/// - `steps_per_epoch`: the number of batches in an epoch; all by default.
/// - `resume`: whether to continue from the model's [`TrainingState`](super::TrainingState); false by
///   default.
///
/// Follows <https://keras.io/api/models/model_training_apis/#fit-method>.
#[must_use = "`Model::fit` takes it"]
pub struct Fit<'a> {
    batch_size: Option<usize>,
    epochs: usize,
    verbose: u8,
    callbacks: CallbackList<'a>,
    validation_split: f64,
    validation_data: Option<Result<Data<'a>>>,
    shuffle: Shuffle,
    seed: Seed,
    class_weight: Option<ClassWeight>,
    initial_epoch: usize,
    steps_per_epoch: Option<usize>,
    validation_steps: Option<usize>,
    validation_batch_size: Option<usize>,
    validation_freq: ValidationFreq,
    resume: bool,
}

impl Default for Fit<'_> {
    fn default() -> Self {
        Self {
            batch_size: None,
            epochs: 1,
            verbose: 1,
            callbacks: CallbackList::new(),
            validation_split: 0.0,
            validation_data: None,
            shuffle: Shuffle::All,
            seed: Seed::default(),
            class_weight: None,
            initial_epoch: 0,
            steps_per_epoch: None,
            validation_steps: None,
            validation_batch_size: None,
            validation_freq: ValidationFreq::Every(1),
            resume: false,
        }
    }
}

impl<'a> Fit<'a> {
    /// Creates the default arguments: one epoch of shuffled batches of 32.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets `batch_size`.
    pub fn batch_size(mut self, batch_size: usize) -> Self {
        self.batch_size = Some(batch_size);
        self
    }

    /// Sets `epochs`.
    pub fn epochs(mut self, epochs: usize) -> Self {
        self.epochs = epochs;
        self
    }

    /// Sets `verbose`.
    pub fn verbose(mut self, verbose: u8) -> Self {
        self.verbose = verbose;
        self
    }

    /// Adds a callback; pass it by `&mut` to inspect it afterwards.
    pub fn callback(mut self, callback: impl Callback + 'a) -> Self {
        self.callbacks.push(callback);
        self
    }

    /// Sets `validation_split`.
    pub fn validation_split(mut self, share: f64) -> Self {
        self.validation_split = share;
        self
    }

    /// Sets `validation_data`, which takes precedence over `validation_split`.
    pub fn validation_data(mut self, data: impl IntoData<'a>) -> Self {
        self.validation_data = Some(data.into_data());
        self
    }

    /// Sets `shuffle`.
    pub fn shuffle(mut self, shuffle: impl Into<Shuffle>) -> Self {
        self.shuffle = shuffle.into();
        self
    }

    /// Seeds the shuffling of the samples.
    pub fn seed(mut self, seed: impl Into<Seed>) -> Self {
        self.seed = seed.into();
        self
    }

    /// Sets `class_weight`.
    pub fn class_weight(mut self, weights: impl Into<ClassWeight>) -> Self {
        self.class_weight = Some(weights.into());
        self
    }

    /// Sets `initial_epoch`.
    pub fn initial_epoch(mut self, epoch: usize) -> Self {
        self.initial_epoch = epoch;
        self
    }

    /// Sets `steps_per_epoch`.
    pub fn steps_per_epoch(mut self, steps: usize) -> Self {
        self.steps_per_epoch = Some(steps);
        self
    }

    /// Sets `validation_steps`.
    pub fn validation_steps(mut self, steps: usize) -> Self {
        self.validation_steps = Some(steps);
        self
    }

    /// Sets `validation_batch_size`; the training batch size by default.
    pub fn validation_batch_size(mut self, batch_size: usize) -> Self {
        self.validation_batch_size = Some(batch_size);
        self
    }

    /// Sets `validation_freq`.
    pub fn validation_freq(mut self, freq: impl Into<ValidationFreq>) -> Self {
        self.validation_freq = freq.into();
        self
    }

    /// Sets whether to continue, bit for bit, from where the model's last run, or that of its file,
    /// ended (see [`TrainingState`](super::TrainingState)); pass the same data and arguments. Takes
    /// precedence over `initial_epoch`; a model without an earlier run starts from the beginning.
    pub fn resume(mut self, resume: bool) -> Self {
        self.resume = resume;
        self
    }
}

impl Model {
    /// Trains the model and returns the losses and metrics of each epoch. The data are `x`, `(x, y)` or
    /// `(x, y, sample_weight)` as arrays, or a [`Dataset`](super::Dataset).
    ///
    /// ```
    /// use keras_serial::prelude::*;
    /// let model = Sequential::new([Input::new([1]).layer(), Dense::new(1).kernel_initializer("zeros").into()])?;
    /// model.compile(Compile::new("sgd", "mse"))?;
    /// let x = Tensor::from_slice(&[0.0f32, 1.0, 2.0, 3.0], [4, 1])?;
    /// let y = Tensor::from_slice(&[1.0f32, 3.0, 5.0, 7.0], [4, 1])?;
    /// let history = model.fit((&x, &y), Fit::new().epochs(20).verbose(0))?;
    /// let losses = history.get("loss").unwrap_or_default();
    /// assert_eq!(losses[0], 21.0);
    /// assert!(losses[19] < 2.0);
    /// # Ok::<(), keras_serial::Error>(())
    /// ```
    ///
    /// # Errors
    /// When the model is not compiled, the data do not fit it (before anything is changed), or a step or
    /// callback fails; names the epoch and the batch.
    pub fn fit<'a>(&self, data: impl IntoData<'a>, fit: Fit<'a>) -> Result<History> {
        let compiled = Compiled::of(self, "fit")?;
        let mut data = data.into_data()?;
        let mut validation = fit.validation_data.transpose().at("validation_data")?;
        if fit.validation_split != 0.0 && validation.is_none() {
            let (train, rest) = split(data, fit.validation_split)?;
            data = train;
            validation = Some(rest);
        }
        let steps_per_execution = compiled.args().steps_per_execution;
        let batching = Batching {
            batch_size: fit.batch_size,
            steps: fit.steps_per_epoch,
            shuffle: fit.shuffle,
            seed: fit.seed,
            steps_per_execution,
        };
        let mut iterator = EpochIterator::new(data, batching)?;
        if let Some(weights) = fit.class_weight {
            iterator = iterator.with_class_weight(weights)?;
        }
        let is_arrays = matches!(validation, Some(Data::Arrays(_)));
        let mut validation = validation
            .map(|data| {
                let batch_size = fit.validation_batch_size.or(fit.batch_size.filter(|_| is_arrays));
                let batching = Batching {
                    batch_size,
                    steps: fit.validation_steps,
                    shuffle: Shuffle::None,
                    seed: Seed::default(),
                    steps_per_execution,
                };
                EpochIterator::new(data, batching)
            })
            .transpose()
            .at("validation_data")?;

        let needs_optimizer = || !self.trainable_weights().is_empty() && self.train_step().is_none();
        let sample = iterator.sample()?;
        prepare(self, &compiled, &sample)?;
        if let Some(validation) = &mut validation {
            prepare(self, &compiled, &validation.sample()?).at("validation_data")?;
        }
        match compiled.optimizer() {
            Some(_) => compiled.build_optimizer(self)?,
            None if needs_optimizer() => {
                return Err(Error::new(ErrorKind::InvalidArgument, "the model was compiled without an optimizer")
                    .hint("compile it with one to train it")
                    .at(self.name().to_owned()));
            }
            _ => {}
        }

        let params = CallbackParams { verbose: fit.verbose, epochs: fit.epochs, steps: iterator.steps() };
        let mut cx = CallbackContext::new(self, params);
        let mut callbacks = fit.callbacks;
        callbacks.add_progbar(fit.verbose);
        let (mut history, mut logs) = (History::new(), Logs::new());
        self.set_stop_training(false);
        let _run = RunGuard::new(self);
        let stepper = Stepper::new(self, &compiled, Feeding::Run { even: iterator.is_even() });
        let validating = validation
            .as_ref()
            .map(|validation| Stepper::new(self, &compiled, Feeding::Run { even: validation.is_even() }));
        history.on_train_begin(&mut Logs::new(), &cx)?;
        callbacks.on_train_begin(&mut Logs::new(), &cx)?;
        let mut start = Progress { epoch: cx.initial_epoch().unwrap_or(fit.initial_epoch), ..Progress::default() };
        if fit.resume || cx.resumes() {
            start = resume(self, &compiled)?;
            iterator.resume(&start.data, start.batch)?;
        }
        for epoch in start.epoch..fit.epochs {
            compiled.reset_metrics(self)?;
            if let Some(metrics) = start.metrics.take().filter(|_| start.batch > 0) {
                // Some metrics create their variables in the first batch; a test step on one sample does
                // so without changing weights.
                stepper.test(&super::data::span(&sample, 0, 1)?)?;
                set_metric_values(self, &compiled, &metrics)?;
            }
            *compiled.progress() = Progress { epoch, data: iterator.position(), ..std::mem::take(&mut start) };
            callbacks.on_epoch_begin(epoch, &mut Logs::new(), &cx)?;
            let is_whole;
            (logs, is_whole) =
                train_epoch(&mut iterator, &stepper, &mut callbacks, &cx).at_with(|| format!("epoch {}", epoch + 1))?;
            cx.set_steps(iterator.steps());
            if is_whole {
                *compiled.progress() = Progress { epoch: epoch + 1, data: iterator.position(), ..Progress::default() };
            } else {
                // Saved, because later code may use the metrics.
                let values = metric_values(self, &compiled)?;
                compiled.progress().metrics = Some(values);
            }
            if let Some(validation) =
                validation.as_mut().filter(|_| fit.validation_freq.includes(epoch) && !is_interrupted(self))
            {
                validation.begin_anew();
                let results = evaluate(validation, validating.as_ref().unwrap_or(&stepper), &mut callbacks, &cx);
                for (name, value) in results.at_with(|| format!("epoch {}", epoch + 1)).at("validation_data")? {
                    logs.insert(format!("val_{name}"), value);
                }
                logs.sort_keys();
            }
            callbacks.on_epoch_end(epoch, &mut logs, &cx)?;
            history.on_epoch_end(epoch, &mut logs, &cx)?;
            if self.stop_training() {
                break;
            }
        }
        if let Some(optimizer) = compiled.optimizer().filter(|optimizer| fit.epochs > 0 && optimizer.is_built()) {
            optimizer.finalize_variable_values(&self.trainable_weights()).at("optimizer")?;
        }
        callbacks.on_train_end(&mut logs, &cx)?;
        Ok(history)
    }
}

/// Trains one epoch; returns the metrics over it, and whether it was completed.
fn train_epoch(
    iterator: &mut EpochIterator<'_>,
    stepper: &Stepper<'_>,
    callbacks: &mut CallbackList<'_>,
    cx: &CallbackContext<'_>,
) -> Result<(Logs, bool)> {
    let mut last_logs = Logs::new();
    let is_whole = iterator.epoch(|BatchGroup { first, last, batches, position }| {
        callbacks.on_train_batch_begin(first, &mut Logs::new(), cx)?;
        for (i, batch) in batches.iter().enumerate() {
            last_logs = stepper.train(batch).at_with(|| format!("batch {}", first + i + 1))?;
        }
        {
            let mut progress = stepper.compiled().progress();
            (progress.batch, progress.data) = (last + 1, position);
        }
        callbacks.on_train_batch_end(last, &mut last_logs, cx)?;
        Ok(!cx.model().stop_training())
    })?;
    Ok((stepper.epoch_logs(last_logs)?, is_whole))
}

/// Splits the last part off arrays.
fn split<'a>(data: Data<'a>, share: f64) -> Result<(Data<'a>, Data<'a>)> {
    let Data::Arrays(arrays) = data else {
        return Err(Error::new(ErrorKind::InvalidArgument, "Argument `validation_split` is only supported for arrays")
            .received("a dataset")
            .hint("give `validation_data`"));
    };
    let samples = super::data::samples(&arrays)?;
    let at = (samples as f64 * (1.0 - share)).floor();
    if !(at >= 1.0 && at < samples as f64) {
        return Err(Error::new(
            ErrorKind::InvalidArgument,
            format!("Training data contains {samples} samples, which is not sufficient to split it as `validation_split` says"),
        )
        .expected("a share between 0 and 1 that leaves at least one sample in each part")
        .received(format!("validation_split={share}")));
    }
    let at = at as usize;
    Ok((Data::Arrays(super::data::span(&arrays, 0, at)?), Data::Arrays(super::data::span(&arrays, at, samples)?)))
}

#[cfg(test)]
mod tests {
    use crate::prelude::*;

    /// As in Keras 3.15.1, each validation of `validation_steps` batches starts with the first batch.
    #[test]
    fn validation_begins_anew_in_each_epoch() -> Result<()> {
        let model = Sequential::new([
            Input::new([1]).layer(),
            Dense::new(1).use_bias(false).kernel_initializer("ones").trainable(false).into(),
        ])?;
        model.compile(Compile::new("sgd", "mse"))?;
        let x = Tensor::from_slice(&[1.0f32, 2.0, 3.0], [3, 1])?;
        let y = Tensor::from_slice(&[2.0f32, 4.0, 6.0], [3, 1])?;
        let fit = Fit::new().epochs(3).verbose(0).validation_data((&x, &y)).validation_batch_size(1);
        let history = model.fit((&x, &y), fit.validation_steps(2))?;
        assert_eq!(history.get("val_loss").unwrap_or_default(), [2.5, 2.5, 2.5]);
        Ok(())
    }
}
