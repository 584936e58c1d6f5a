//! Training and evaluation on a single batch.

use super::callbacks::Logs;
use super::class_weight::ClassWeight;
use super::compiled::Compiled;
use super::data::{Batch, Data, IntoData};
use super::evaluate::prepare;
use super::run::weigh;
use super::step::Stepper;
use super::traces::Feeding;
use crate::error::{Error, ErrorKind, Result};
use crate::models::Model;

impl Model {
    /// Runs one training step on a batch; returns its loss and metrics by name.
    ///
    /// # Errors
    /// When the model is not compiled, or the batch does not fit it; weights are unchanged.
    pub fn train_on_batch<'a>(&self, batch: impl IntoData<'a>) -> Result<Logs> {
        self.train_batch(one(batch)?)
    }

    /// Runs one training step like [`Model::train_on_batch`], with weights of samples by class.
    ///
    /// # Errors
    /// As [`Model::train_on_batch`], and when the batch already has weights.
    pub fn train_on_batch_weighted<'a>(
        &self,
        batch: impl IntoData<'a>,
        weights: impl Into<ClassWeight>,
    ) -> Result<Logs> {
        self.train_batch(weigh(one(batch)?, &weights.into().0)?)
    }

    fn train_batch(&self, batch: Batch) -> Result<Logs> {
        let compiled = Compiled::of(self, "train_on_batch")?;
        if !self.base().is_built() || !compiled.is_prepared() {
            prepare(self, &compiled, &batch)?;
        }
        compiled.build_optimizer(self)?;
        compiled.reset_metrics(self)?;
        Stepper::new(self, &compiled, Feeding::OnBatch).train(&batch)
    }

    /// Returns the loss and metrics of one batch, by name.
    ///
    /// # Errors
    /// When the model is not compiled, or the batch does not fit it.
    pub fn test_on_batch<'a>(&self, batch: impl IntoData<'a>) -> Result<Logs> {
        let batch = one(batch)?;
        let compiled = Compiled::of(self, "test_on_batch")?;
        if !self.base().is_built() || !compiled.is_prepared() {
            prepare(self, &compiled, &batch)?;
        }
        compiled.reset_metrics(self)?;
        Stepper::new(self, &compiled, Feeding::OnBatch).test(&batch)
    }
}

fn one<'a>(batch: impl IntoData<'a>) -> Result<Batch> {
    match batch.into_data()? {
        Data::Arrays(batch) => Ok(batch),
        Data::Dataset(_) => Err(Error::new(ErrorKind::InvalidArgument, "one batch is wanted").received("a dataset")),
    }
}
