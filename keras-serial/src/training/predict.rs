//! Prediction batch by batch (`Model.predict`).

use super::callbacks::{Callback, CallbackContext, CallbackList, CallbackParams, Logs};
use super::compile::Compile;
use super::compiled::Compiled;
use super::data::{IntoData, Shuffle};
use super::parts::Losses;
use super::run::{Chunk, Cut, Feed};
use super::step::Stepper;
use super::traces::Feeding;
use crate::error::{Error, ErrorKind, Result, ResultExt};
use crate::models::Model;
use crate::ops::shape::concat;
use crate::random::Seed;
use crate::tensor::{Nested, Tensor};

/// The arguments of [`Model::predict_with`] besides the data.
///
/// # Arguments
/// - `batch_size`: 32 by default; for arrays.
/// - `verbose`: 0 silent, 1 a progress bar, 2 a line; 1 by default.
/// - `steps`: the number of batches; all by default.
/// - `callbacks`.
///
/// Follows <https://keras.io/api/models/model_training_apis/#predict-method>.
#[must_use = "`Model::predict_with` takes it"]
pub struct Predict<'a> {
    batch_size: Option<usize>,
    verbose: u8,
    steps: Option<usize>,
    callbacks: CallbackList<'a>,
}

impl Default for Predict<'_> {
    fn default() -> Self {
        Self { batch_size: None, verbose: 1, steps: None, callbacks: CallbackList::new() }
    }
}

impl<'a> Predict<'a> {
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

impl Model {
    /// Returns the outputs for data, computed batch by batch and joined ([`Model::predict`] computes all
    /// at once).
    ///
    /// ```
    /// use keras_serial::prelude::*;
    /// let model = Sequential::new([Input::new([1]).layer(), Dense::new(1).kernel_initializer("ones").into()])?;
    /// let x = Tensor::from_slice(&[0.0f32, 1.0, 2.0, 3.0, 4.0], [5, 1])?;
    /// let y = model.predict_with(&x, Predict::new().batch_size(2).verbose(0))?.into_single()?;
    /// assert_eq!(y.to_vec::<f32>()?, [0.0, 1.0, 2.0, 3.0, 4.0]);
    /// # Ok::<(), keras_serial::Error>(())
    /// ```
    ///
    /// # Errors
    /// When the data do not fit the model.
    pub fn predict_with<'a>(&self, data: impl IntoData<'a>, predict: Predict<'a>) -> Result<Nested<Tensor>> {
        let compiled = self.compiled_or_not()?;
        let cut = Cut {
            batch_size: predict.batch_size,
            steps: predict.steps,
            shuffle: Shuffle::None,
            seed: Seed::default(),
            steps_per_execution: compiled.args().steps_per_execution,
        };
        let mut feed = Feed::new(data.into_data()?, cut)?;
        let params = CallbackParams { verbose: predict.verbose, epochs: 1, steps: feed.steps() };
        let cx = CallbackContext::new(self, params);
        let mut callbacks = predict.callbacks;
        callbacks.add_progbar(predict.verbose);
        let stepper = Stepper::new(self, &compiled, Feeding::OnBatch);
        let mut outputs: Vec<Nested<Tensor>> = Vec::new();
        callbacks.on_predict_begin(&mut Logs::new(), &cx)?;
        feed.epoch(|Chunk { first, last, batches, .. }| {
            callbacks.on_predict_batch_begin(first, &mut Logs::new(), &cx)?;
            for (i, batch) in batches.iter().enumerate() {
                outputs.push(stepper.predict(&batch.x).at_with(|| format!("batch {}", first + i + 1))?);
            }
            callbacks.on_predict_batch_end(last, &mut Logs::new(), &cx)?;
            Ok(true)
        })?;
        callbacks.on_predict_end(&mut Logs::new(), &cx)?;
        joined(&outputs)
    }

    /// Returns the outputs for one batch.
    ///
    /// # Errors
    /// When the batch does not fit the model.
    pub fn predict_on_batch(&self, x: impl super::data::IntoTensors) -> Result<Nested<Tensor>> {
        let compiled = self.compiled_or_not()?;
        Stepper::new(self, &compiled, Feeding::OnBatch).predict(&x.into_tensors()?)
    }

    /// Returns the compile state, or an empty one: prediction does not need it.
    fn compiled_or_not(&self) -> Result<std::sync::Arc<Compiled>> {
        match Compiled::of(self, "predict") {
            Ok(compiled) => Ok(compiled),
            Err(_) => {
                Compiled::new(self, Compile::new(super::CompileOptimizer::none(), Losses::none())).map(Into::into)
            }
        }
    }
}

/// Joins the outputs of batches.
fn joined(outputs: &[Nested<Tensor>]) -> Result<Nested<Tensor>> {
    let Some(first) = outputs.first() else {
        return Err(Error::new(ErrorKind::InvalidArgument, "the data hold no batches").expected("at least one batch"));
    };
    let flat: Vec<Vec<&Tensor>> = outputs.iter().map(Nested::leaves).collect();
    let leaves = (0..first.leaves().len()).map(|i| {
        let parts: Vec<Tensor> = flat.iter().filter_map(|leaves| leaves.get(i).map(|leaf| (*leaf).clone())).collect();
        concat(&parts, 0)
    });
    first.pack(leaves.collect::<Result<Vec<_>>>()?)
}
