//! Evaluation of a model on data (`Model.evaluate`).

use super::callbacks::{Callback, CallbackContext, CallbackList, CallbackParams, Logs};
use super::compiled::Compiled;
use super::data::{Batch, IntoData, Shuffle};
use super::run::{BatchGroup, Batching, EpochIterator};
use super::step::Stepper;
use super::traces::Feeding;
use crate::error::{Result, ResultExt};
use crate::models::Model;
use crate::random::Seed;
use crate::tensor::symbolic::Inner;
use crate::tensor::{CallContext, Tensor};

/// The arguments of [`Model::evaluate`] besides the data.
///
/// # Arguments
/// - `batch_size`: 32 by default; for arrays.
/// - `verbose`: 0 silent, 1 a progress bar, 2 a line; 1 by default.
/// - `steps`: the number of batches; all by default.
/// - `callbacks`.
///
/// Follows <https://keras.io/api/models/model_training_apis/#evaluate-method>.
#[must_use = "`Model::evaluate` takes it"]
pub struct Evaluate<'a> {
    batch_size: Option<usize>,
    verbose: u8,
    steps: Option<usize>,
    callbacks: CallbackList<'a>,
}

impl Default for Evaluate<'_> {
    fn default() -> Self {
        Self { batch_size: None, verbose: 1, steps: None, callbacks: CallbackList::new() }
    }
}

impl<'a> Evaluate<'a> {
    /// Creates the default arguments, with batches of 32.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets `batch_size`.
    pub fn batch_size(mut self, batch_size: usize) -> Self {
        self.batch_size = Some(batch_size);
        self
    }

    /// Sets `verbose`.
    pub fn verbose(mut self, verbose: u8) -> Self {
        self.verbose = verbose;
        self
    }

    /// Sets `steps`.
    pub fn steps(mut self, steps: usize) -> Self {
        self.steps = Some(steps);
        self
    }

    /// Adds a callback.
    pub fn callback(mut self, callback: impl Callback + 'a) -> Self {
        self.callbacks.push(callback);
        self
    }
}

/// Builds an unbuilt model on symbols, and matches losses and metrics, so that errors show before
/// anything is changed.
pub(super) fn prepare(model: &Model, compiled: &Compiled, batch: &Batch) -> Result<()> {
    let _inner = Inner::enter();
    let symbols = batch.x.try_map(&mut |tensor| Ok(Tensor::symbol(tensor.shape().with(0, None)?, tensor.dtype())))?;
    let y_pred = model.call(symbols, &CallContext::inference())?;
    if model.train_step().is_some() {
        // The model's own step may use neither the compiled loss nor labels.
        return Ok(());
    }
    compiled.prepare(batch, &y_pred)
}

/// Evaluates one pass through the data.
pub(super) fn evaluate(
    iterator: &mut EpochIterator<'_>,
    stepper: &Stepper<'_>,
    callbacks: &mut CallbackList<'_>,
    cx: &CallbackContext<'_>,
) -> Result<Logs> {
    callbacks.on_test_begin(&mut Logs::new(), cx)?;
    stepper.reset_metrics()?;
    let mut logs = Logs::new();
    iterator.epoch(|BatchGroup { first, last, batches, .. }| {
        callbacks.on_test_batch_begin(first, &mut Logs::new(), cx)?;
        for (i, batch) in batches.iter().enumerate() {
            logs = stepper.test(batch).at_with(|| format!("batch {}", first + i + 1))?;
        }
        callbacks.on_test_batch_end(last, &mut logs, cx)?;
        Ok(true)
    })?;
    let mut logs = stepper.epoch_logs(logs)?;
    callbacks.on_test_end(&mut logs, cx)?;
    Ok(logs)
}

impl Model {
    /// Returns the loss and metrics over data, by name. The data are `(x, y)` or `(x, y, sample_weight)`
    /// as arrays, or a [`Dataset`](super::Dataset).
    ///
    /// # Errors
    /// When the model is not compiled, or the data do not fit it.
    pub fn evaluate<'a>(&self, data: impl IntoData<'a>, evaluate: Evaluate<'a>) -> Result<Logs> {
        let compiled = Compiled::of(self, "evaluate")?;
        let batching = Batching {
            batch_size: evaluate.batch_size,
            steps: evaluate.steps,
            shuffle: Shuffle::None,
            seed: Seed::default(),
            steps_per_execution: compiled.args().steps_per_execution,
        };
        let mut iterator = EpochIterator::new(data.into_data()?, batching)?;
        prepare(self, &compiled, &iterator.sample()?)?;
        let params = CallbackParams { verbose: evaluate.verbose, epochs: 1, steps: iterator.steps() };
        let cx = CallbackContext::new(self, params);
        let mut callbacks = evaluate.callbacks;
        callbacks.add_progbar(evaluate.verbose);
        let feeding = Feeding::Run { even: iterator.is_even() };
        self::evaluate(&mut iterator, &Stepper::new(self, &compiled, feeding), &mut callbacks, &cx)
    }
}
