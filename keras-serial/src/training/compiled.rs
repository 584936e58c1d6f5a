//! A compiled model: its optimizer, losses, metrics and training progress.

use std::any::Any;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard};

use super::callbacks::Logs;
use super::compile::Compile;
use super::compile_loss::CompileLoss;
use super::compile_metrics::{CompileMetrics, put};
use super::structure::like_predictions;
use super::traces::{Feeding, Trace, Traces};
use super::training_state::{Progress, TrainingState};
use crate::error::{Error, ErrorKind, Result, ResultExt};
use crate::json::{Dict, Value};
use crate::layers::{Batch, GraphModel, LayerRef, Trained};
use crate::metrics::{Mean, Metric, MetricExt};
use crate::models::Model;
use crate::optimizers::Optimizer;
use crate::tensor::{Nested, Tensor};
use crate::utils::Locked;

/// The compile state of a model, built from the arguments of `compile`.
pub(super) struct Compiled {
    args: Compile,
    optimizer: Option<Optimizer>,
    /// The names of a Functional model's outputs, in order.
    output_names: Option<Vec<String>>,
    loss_tracker: Metric,
    /// Whether a warning said that there is nothing to train.
    pub(super) warned_of_weights: AtomicBool,
    built: Mutex<Built>,
    progress: Mutex<Progress>,
    /// The traces of training steps, and of test steps.
    train_traces: Traces,
    test_traces: Traces,
    /// The training state from which the next run with `resume` continues.
    saved_state: Mutex<Option<TrainingState>>,
}

/// The parts that depend on the structures of targets and predictions.
#[derive(Default, Clone)]
struct Built {
    loss: Option<Arc<CompileLoss>>,
    metrics: Option<Arc<CompileMetrics>>,
}

impl Compiled {
    pub(super) fn new(model: &Model, args: Compile) -> Result<Self> {
        args.check_names()?;
        let optimizer = args.make_optimizer(model.base().dtype_policy().name())?;
        if let Some(optimizer) = &optimizer {
            // Reports an unknown name here, not in the first step.
            optimizer.serialize().at("optimizer")?;
        }
        let graph = model.graph().filter(|graph: &&dyn GraphModel| graph.is_functional());
        let output_names = graph.and_then(GraphModel::graph_outputs).map(|outputs| {
            let name = |output: &&Tensor| output.history().map(|h| h.node.operation.name()).unwrap_or_default();
            outputs.leaves().iter().map(name).collect()
        });
        Ok(Self {
            args,
            optimizer,
            output_names,
            loss_tracker: Mean::new().name("loss").into(),
            warned_of_weights: AtomicBool::new(false),
            built: Mutex::default(),
            progress: Mutex::default(),
            train_traces: Traces::default(),
            test_traces: Traces::default(),
            saved_state: Mutex::default(),
        })
    }

    /// Returns the compile state of a model.
    pub(super) fn of(model: &Model, method: &str) -> Result<Arc<Self>> {
        let trained = model.base().trained();
        let compiled = trained.and_then(|trained| (trained as Arc<dyn Any + Send + Sync>).downcast::<Self>().ok());
        compiled.ok_or_else(|| {
            let error =
                Error::new(ErrorKind::NotBuilt, format!("You must call `compile()` before calling `{method}()`"));
            error.hint("model.compile(Compile::new(\"adam\", \"mse\"))").at(model.name().to_owned())
        })
    }

    pub(super) fn args(&self) -> &Compile {
        &self.args
    }

    pub(super) fn optimizer(&self) -> Option<&Optimizer> {
        self.optimizer.as_ref()
    }

    /// Creates the optimizer's variables in the first training step, as Keras does.
    pub(super) fn build_optimizer(&self, model: &Model) -> Result<()> {
        let Some(optimizer) = self.optimizer().filter(|optimizer| !optimizer.is_built()) else { return Ok(()) };
        optimizer.build(&model.trainable_weights()).at("optimizer")?;
        self.built_by_training().at("optimizer")
    }

    fn built_by_training(&self) -> Result<()> {
        self.optimizer().filter(|_| !self.args.run_eagerly).map_or(Ok(()), |optimizer| optimizer.built_by_training())
    }

    /// Returns what is trainable in a training step on batches like this one.
    pub(super) fn train_trace(&self, model: &Model, batch: &Batch, feeding: Feeding) -> Trace {
        self.train_traces.find(model, batch, feeding, self.args.run_eagerly)
    }

    /// Returns what counts as trainable in a test step on batches like this one.
    pub(super) fn test_trace(&self, model: &Model, batch: &Batch, feeding: Feeding) -> Trace {
        self.test_traces.find(model, batch, feeding, self.args.run_eagerly)
    }

    pub(super) fn loss_tracker(&self) -> &Metric {
        &self.loss_tracker
    }

    fn has_loss(&self) -> bool {
        !self.args.loss.0.leaves().is_empty()
    }

    fn has_metrics(&self) -> bool {
        !self.args.metrics.0.leaves().is_empty() || !self.args.weighted_metrics.0.leaves().is_empty()
    }

    /// Brings labels and weights into the structure of the predictions.
    pub(super) fn align(
        &self,
        batch: &Batch,
        y_pred: &Nested<Tensor>,
    ) -> Result<(Nested<Tensor>, Option<Nested<Tensor>>)> {
        let Some(y) = &batch.y else {
            return Err(Error::new(
                ErrorKind::InvalidArgument,
                "the data hold no labels, but the model has a loss or metrics",
            )
            .hint("give data as `(x, y)`"));
        };
        let lossless: Vec<bool> = self.args.loss.0.slots().iter().map(Option::is_none).collect();
        let names = self.output_names.as_deref();
        let y = like_predictions("y_true", y, y_pred, names, &lossless)?;
        let weights = match &batch.sample_weight {
            Some(nested) if !matches!(nested, Nested::Leaf(_)) => {
                Some(like_predictions("sample_weight", nested, y_pred, names, &lossless)?)
            }
            weights => weights.clone(),
        };
        Ok((y, weights))
    }

    /// Returns how far the current or last run has come.
    pub(super) fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.locked()
    }

    /// Sets the training state from a file or user, for the next run with `resume`.
    pub(super) fn set_saved_state(&self, state: TrainingState) {
        *self.progress() = state.progress();
        *self.saved_state.locked() = Some(state);
    }

    pub(super) fn take_saved_state(&self) -> Option<TrainingState> {
        self.saved_state.locked().take()
    }

    /// Computes the compiled loss of a batch; `None` if there is none.
    pub(super) fn loss(&self, batch: &Batch, y_pred: &Nested<Tensor>) -> Result<Option<Tensor>> {
        if !self.has_loss() {
            return Ok(None);
        }
        let (y, weights) = self.align(batch, y_pred)?;
        self.loss_for(&y, y_pred)?.evaluate(&y, y_pred, weights.as_ref())
    }

    pub(super) fn loss_for(&self, y: &Nested<Tensor>, y_pred: &Nested<Tensor>) -> Result<Arc<CompileLoss>> {
        let mut built = self.built.locked();
        if let Some(loss) = &built.loss {
            return Ok(loss.clone());
        }
        let names = self.output_names.as_deref();
        let loss = CompileLoss::build(&self.args.loss, &self.args.loss_weights, names, y, y_pred).at("loss")?;
        Ok(built.loss.insert(Arc::new(loss)).clone())
    }

    fn metrics_for(&self, y: &Nested<Tensor>, y_pred: &Nested<Tensor>) -> Result<Arc<CompileMetrics>> {
        let mut built = self.built.locked();
        if let Some(metrics) = &built.metrics {
            return Ok(metrics.clone());
        }
        let names = self.output_names.as_deref();
        let metrics = CompileMetrics::build(&self.args.metrics, &self.args.weighted_metrics, names, y, y_pred)?;
        Ok(built.metrics.insert(Arc::new(metrics)).clone())
    }

    /// Matches losses and metrics to these structures, so that mismatches show before a step.
    pub(super) fn prepare(&self, batch: &Batch, y_pred: &Nested<Tensor>) -> Result<()> {
        if self.has_loss() || self.has_metrics() {
            let (y, _) = self.align(batch, y_pred)?;
            if self.has_loss() {
                self.loss_for(&y, y_pred)?.check_labels(&y, y_pred)?;
            }
            if self.has_metrics() {
                self.metrics_for(&y, y_pred)?;
            }
        }
        Ok(())
    }

    /// Returns true if losses and metrics have been matched to outputs.
    pub(super) fn is_prepared(&self) -> bool {
        let built = self.built.locked();
        (built.loss.is_some() || !self.has_loss()) && (built.metrics.is_some() || !self.has_metrics())
    }

    /// Adds a batch to the metrics.
    pub(super) fn update_metrics(&self, batch: &Batch, y_pred: &Nested<Tensor>) -> Result<()> {
        if !self.has_metrics() {
            return Ok(());
        }
        let (y, weights) = self.align(batch, y_pred)?;
        self.metrics_for(&y, y_pred)?.update(&y, y_pred, weights.as_ref())
    }

    /// Returns all metrics: the mean loss first, those of the model's layers last.
    pub(super) fn all_metrics(&self, model: &Model) -> Vec<Metric> {
        let built = self.built.locked().clone();
        let mut metrics = vec![self.loss_tracker.clone()];
        metrics.extend(built.metrics.iter().flat_map(|compiled| compiled.metrics().map(|(_, metric)| metric.clone())));
        metrics.extend(built.loss.iter().flat_map(|loss| loss.trackers().cloned()));
        metrics.extend(model.as_layer().metrics());
        metrics
    }

    pub(super) fn reset_metrics(&self, model: &Model) -> Result<()> {
        self.all_metrics(model).iter().try_for_each(|metric| metric.reset_state())
    }

    /// Returns the metrics since the last reset, sorted by name as in Keras's callbacks.
    pub(super) fn results(&self, model: &Model) -> Result<Logs> {
        let built = self.built.locked().clone();
        let mut logs = Logs::new();
        put(&mut logs, "loss", &self.loss_tracker.result()?)?;
        if let Some(metrics) = &built.metrics {
            metrics.results(&mut logs)?;
        }
        for tracker in built.loss.iter().flat_map(|loss| loss.trackers()) {
            put(&mut logs, tracker.name(), &tracker.result()?)?;
        }
        for metric in model.as_layer().metrics() {
            put(&mut logs, metric.name(), &metric.result()?)?;
        }
        logs.sort_keys();
        Ok(logs)
    }
}

impl Trained for Compiled {
    fn compile_config(&self) -> Result<Value> {
        self.args.to_config().map(Value::Dict)
    }

    fn compile(&self, other: &LayerRef) -> Result<()> {
        Model::from(other.clone()).compile_from_config(&self.args.to_config()?)
    }

    fn optimizer(&self) -> Option<Optimizer> {
        self.optimizer.clone()
    }

    fn optimizer_size(&self) -> (usize, usize) {
        let variables = self.optimizer.as_ref().filter(|optimizer| optimizer.is_built());
        let variables = variables.and_then(|optimizer| optimizer.variables().ok()).unwrap_or_default();
        variables.iter().fold((0, 0), |(count, bytes), variable| {
            let own = variable.shape().num_elements().unwrap_or_default();
            (count + own, bytes + own * variable.dtype().size())
        })
    }
}

impl Model {
    /// Configures the model for training (`Model.compile`). This discards an earlier configuration,
    /// including the optimizer's state.
    ///
    /// # Errors
    /// When an optimizer, loss or metric name is unknown, or arguments do not suit the model; the model
    /// stays compiled as before then.
    pub fn compile(&self, compile: Compile) -> Result<()> {
        if compile.steps_per_execution == 0 {
            return Err(Error::new(ErrorKind::InvalidArgument, "`steps_per_execution` must be at least 1")
                .received("steps_per_execution=0"));
        }
        let compiled = Compiled::new(self, compile)?;
        self.base().model_state().set_trained(Arc::new(compiled));
        Ok(())
    }

    /// Compiles the model from a configuration (`Model.compile_from_config`), and creates the
    /// optimizer's variables if the model is built.
    ///
    /// # Errors
    /// As [`Model::compile`].
    pub fn compile_from_config(&self, config: &Dict) -> Result<()> {
        self.compile_as_saved(config, false)
    }

    /// Compiles the model like [`Model::compile_from_config`]. The configuration lacks a Functional
    /// model's dtype policy: only the optimizer's state shows that the loss was scaled.
    pub(crate) fn compile_as_saved(&self, config: &Dict, scales_loss: bool) -> Result<()> {
        if let Some(own) = self.own_compile() {
            own.compile_from_config(config, self.as_layer())?;
            self.base().model_state().forget_file();
            return Ok(());
        }
        self.compile(Compile::from_config(config)?.with_scaled_loss(scales_loss))?;
        if let Some(optimizer) = self.optimizer().filter(|_| self.base().is_built()) {
            optimizer.build(&self.trainable_weights()).at("optimizer")?;
        }
        Ok(())
    }

    /// Returns true if the model is compiled.
    pub fn is_compiled(&self) -> bool {
        self.base().trained().is_some()
    }

    /// Returns the optimizer with which the model was compiled.
    pub fn optimizer(&self) -> Option<Optimizer> {
        Compiled::of(self, "optimizer").ok()?.optimizer.clone()
    }

    /// Puts a newly built optimizer in the state that it has after Keras's first training step built it.
    pub(crate) fn optimizer_built_by_training(&self) -> Result<()> {
        Compiled::of(self, "optimizer")?.built_by_training()
    }

    /// Returns the metrics of the compiled model: the mean loss first, then the others, then those of
    /// its layers. Metrics given by name are known after the first batch.
    pub fn metrics(&self) -> Vec<Metric> {
        match Compiled::of(self, "metrics") {
            Ok(compiled) => compiled.all_metrics(self),
            Err(_) => self.as_layer().metrics(),
        }
    }

    /// Resets all metrics.
    ///
    /// # Errors
    /// Those of the metrics.
    pub fn reset_metrics(&self) -> Result<()> {
        Compiled::of(self, "reset_metrics")?.reset_metrics(self)
    }

    /// Returns true if training will stop after the current batch (`Model.stop_training`).
    pub fn stop_training(&self) -> bool {
        self.base().model_state().stop_training()
    }

    /// Makes training stop after the current batch, from any thread; `fit` resets it at the start.
    pub fn set_stop_training(&self, stop: bool) {
        self.base().model_state().set_stop_training(stop);
    }
}
