//! A single step of training or evaluation (`Model.train_step` and its like).

use std::cell::{OnceCell, RefCell};
use std::rc::Rc;
use std::sync::atomic::Ordering;

use super::callbacks::Logs;
use super::compiled::Compiled;
use super::traces::{Feeding, Trace};
use crate::error::{Error, ErrorKind, Result, ResultExt};
use crate::layers::{Batch, Steps, collect_losses};
use crate::models::{Inferred, Model};
use crate::ops::dtypes::cast;
use crate::ops::reduce::sum_impl;
use crate::ops::{Axes, add};
use crate::tensor::{CallContext, DType, Nested, Tensor};
use crate::variable::{GradientTape, Variable};

/// Runs the steps of a compiled model in a run.
pub(super) struct Stepper<'a> {
    model: &'a Model,
    compiled: &'a Compiled,
    feeding: Feeding,
    train_trace: OnceCell<Rc<Trace>>,
    test_trace: OnceCell<Rc<Trace>>,
    /// The trace of the current step.
    trace: RefCell<Option<Rc<Trace>>>,
    /// Regularization losses of calls since the last loss.
    penalties: RefCell<Vec<Tensor>>,
}

impl<'a> Stepper<'a> {
    pub(super) fn new(model: &'a Model, compiled: &'a Compiled, feeding: Feeding) -> Self {
        Self {
            model,
            compiled,
            feeding,
            train_trace: OnceCell::new(),
            test_trace: OnceCell::new(),
            trace: RefCell::default(),
            penalties: RefCell::default(),
        }
    }

    pub(super) fn compiled(&self) -> &Compiled {
        self.compiled
    }

    /// Runs the model's own training step, or the default one.
    pub(super) fn train(&self, batch: &Batch) -> Result<Logs> {
        let new_trace = || Rc::new(self.compiled.train_trace(self.model, batch, self.feeding));
        let trace = self.train_trace.get_or_init(new_trace).clone();
        let _flags = trace.enter();
        self.trace.replace(Some(trace.clone()));
        // Changes made by a call (moving statistics) are undone if the step fails.
        let before: Vec<(&Variable, Tensor)> = trace.other.iter().map(|variable| (variable, variable.read())).collect();
        let result = match self.model.train_step() {
            Some(own) => own.train_step(batch, self),
            None => self.train_step(batch),
        };
        if result.is_err() {
            self.penalties.borrow_mut().clear();
            for (variable, value) in before {
                variable.assign(&value)?;
            }
        }
        result
    }

    pub(super) fn test(&self, batch: &Batch) -> Result<Logs> {
        let new_trace = || Rc::new(self.compiled.test_trace(self.model, batch, self.feeding));
        let trace = self.test_trace.get_or_init(new_trace).clone();
        let _flags = trace.enter();
        self.trace.replace(Some(trace));
        match self.model.train_step() {
            Some(own) => own.test_step(batch, self),
            None => self.test_step(batch),
        }
    }

    pub(super) fn predict(&self, x: &Nested<Tensor>) -> Result<Nested<Tensor>> {
        let y_pred = match self.model.train_step() {
            Some(own) => own.predict_step(x, self),
            None => Ok(self.model.infer(x.clone().into())?.outputs),
        };
        self.penalties.borrow_mut().clear();
        y_pred
    }

    /// Returns the weights that the current step trains.
    fn trainable(&self) -> Vec<Variable> {
        let trace = self.trace.borrow();
        trace.as_ref().map_or_else(|| self.model.trainable_weights(), |trace| trace.trainable.clone())
    }

    pub(super) fn reset_metrics(&self) -> Result<()> {
        self.compiled.reset_metrics(self.model)
    }

    /// Returns the metrics over all batches so far, or the logs of the last step if those have other
    /// names (`Trainer._get_metrics_result_or_logs`).
    pub(super) fn epoch_logs(&self, mut last: Logs) -> Result<Logs> {
        let results = self.compiled.results(self.model)?;
        let same = results.len() == last.len() && results.keys().all(|name| last.contains_key(name));
        last.sort_keys();
        Ok(if same { results } else { last })
    }

    fn own_loss(&self, batch: &Batch, y_pred: &Nested<Tensor>) -> Result<Tensor> {
        match self.model.train_step() {
            Some(own) => own.compute_loss(batch, y_pred, self),
            None => self.compute_loss(batch, y_pred),
        }
    }

    fn own_metrics(&self, batch: &Batch, y_pred: &Nested<Tensor>) -> Result<Logs> {
        match self.model.train_step() {
            Some(own) => own.compute_metrics(batch, y_pred, self),
            None => self.compute_metrics(batch, y_pred),
        }
    }
}

/// Detaches predictions from gradients; keeps their masks.
fn detached(y_pred: &Nested<Tensor>) -> Result<Nested<Tensor>> {
    y_pred.try_map(&mut |tensor| Ok(tensor.detached()?.with_mask(tensor.mask())))
}

impl Steps for Stepper<'_> {
    fn call(&self, x: &Nested<Tensor>, training: bool) -> Result<Nested<Tensor>> {
        if !training {
            let Inferred { outputs, mut losses } = self.model.infer(x.clone().into())?;
            self.penalties.borrow_mut().append(&mut losses);
            return Ok(outputs);
        }
        let cx = CallContext::inference().with_training(Some(training));
        let (y_pred, mut penalties) = collect_losses(|| self.model.call(x.clone(), &cx))?;
        self.penalties.borrow_mut().append(&mut penalties);
        Ok(y_pred)
    }

    fn compute_loss(&self, batch: &Batch, y_pred: &Nested<Tensor>) -> Result<Tensor> {
        let mut losses: Vec<Tensor> = self.compiled.loss(batch, y_pred)?.into_iter().collect();
        losses.append(&mut self.penalties.borrow_mut());
        for variable in &self.trainable() {
            if let Some(regularizer) = variable.regularizer() {
                losses.push(regularizer.penalty(&variable.value()?).at_with(|| variable.path().to_owned())?);
            }
        }
        let mut total: Option<Tensor> = None;
        for loss in losses {
            let loss = if loss.dtype().is_float() { loss } else { cast(&loss, DType::Float32)? };
            let loss = if loss.rank() == 0 { loss } else { sum_impl(&loss, &Axes::all(), false)? };
            total = Some(match total {
                Some(total) => add(&total, &loss)?,
                None => loss,
            });
        }
        total.ok_or_else(|| {
            Error::new(ErrorKind::InvalidArgument, "No loss to compute")
                .hint("provide a `loss` argument in `compile()`")
                .at(self.model.name().to_owned())
        })
    }

    fn track_loss(&self, loss: &Tensor, batch: &Batch) -> Result<()> {
        let first = batch.x.leaves().first().and_then(|x| x.shape().dims().first().copied().flatten());
        let samples = Tensor::scalar(first.unwrap_or(1) as f32)?;
        self.compiled.loss_tracker().update_values(&loss.detached()?, Some(&samples))
    }

    fn minimize(&self, tape: GradientTape, loss: &Tensor) -> Result<()> {
        let Some(optimizer) = self.compiled.optimizer() else {
            return Err(Error::new(ErrorKind::InvalidArgument, "the model was compiled without an optimizer")
                .hint("compile it with one to train it")
                .at(self.model.name().to_owned()));
        };
        let trainable = self.trainable();
        if trainable.is_empty() {
            // As in Keras, having nothing to train is not an error.
            return Ok(());
        }
        let scaled = optimizer.scale_loss(loss)?;
        let (gradients, _) = tape.gradient(&scaled, &trainable, &[])?;
        optimizer.apply(&gradients, &trainable).at_with(|| optimizer.name().to_owned())
    }

    fn compute_metrics(&self, batch: &Batch, y_pred: &Nested<Tensor>) -> Result<Logs> {
        self.compiled.update_metrics(batch, &detached(y_pred)?)?;
        self.compiled.results(self.model)
    }

    fn train_step(&self, batch: &Batch) -> Result<Logs> {
        if self.trainable().is_empty() {
            if !self.compiled.warned_of_weights.swap(true, Ordering::Relaxed) {
                tracing::warn!("The model does not have any trainable weights.");
            }
            let y_pred = self.call(&batch.x, true)?;
            let loss = self.own_loss(batch, &y_pred)?;
            self.track_loss(&loss, batch)?;
            return self.own_metrics(batch, &y_pred);
        }
        let tape = GradientTape::new();
        let y_pred = self.call(&batch.x, true)?;
        let loss = self.own_loss(batch, &y_pred)?;
        // Before the weights change, so that errors of metrics leave them unchanged.
        self.track_loss(&loss, batch)?;
        let logs = self.own_metrics(batch, &y_pred)?;
        self.minimize(tape, &loss)?;
        Ok(logs)
    }

    fn test_step(&self, batch: &Batch) -> Result<Logs> {
        let y_pred = self.call(&batch.x, false)?;
        let loss = self.own_loss(batch, &y_pred)?;
        self.track_loss(&loss, batch)?;
        self.own_metrics(batch, &y_pred)
    }
}
