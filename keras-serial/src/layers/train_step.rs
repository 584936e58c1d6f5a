//! Custom training, test and predict steps of a model.

use indexmap::IndexMap;

use crate::error::Result;
use crate::tensor::{Nested, Tensor};
use crate::variable::GradientTape;

/// Losses and metrics by name: `loss`, `accuracy`, `val_loss`, ….
pub type Logs = IndexMap<String, f64>;

/// One batch: inputs, labels and sample weights.
#[derive(Clone, Debug)]
pub struct Batch {
    /// The inputs, in the model's structure.
    pub x: Nested<Tensor>,
    /// The labels, in the structure of the outputs.
    pub y: Option<Nested<Tensor>>,
    /// The sample weights: the same for all outputs, or in their structure.
    pub sample_weight: Option<Nested<Tensor>>,
}

/// A model's own training, test and predict steps; the default methods are those of every model.
///
/// A model declares it with [`ModelHooks::train_step`](super::ModelHooks::train_step).
///
/// ```
/// use keras_serial::layers::{Batch, Logs, Steps, TrainStep};
/// use keras_serial::prelude::*;
/// use keras_serial::variable::GradientTape;
///
/// /// Trains on the mean absolute error, whatever it is compiled with.
/// #[register(package = "Mine")]
/// #[derive(KerasSerializable)]
/// #[keras(model, new)]
/// struct Own {
///     base: LayerBase,
///     #[keras(sublayer(init = Dense::new(1).shared()))]
///     dense: LayerRef,
/// }
///
/// impl Layer for Own {
///     fn call(&self, inputs: &CallArgs, cx: &CallContext) -> Result<Nested<Tensor>> {
///         self.dense.call(inputs.inputs()?, cx)
///     }
///
///     fn model_hooks(&self) -> Option<&dyn ModelHooks> {
///         Some(self)
///     }
/// }
///
/// impl ModelHooks for Own {
///     fn train_step(&self) -> Option<&dyn TrainStep> {
///         Some(self)
///     }
/// }
///
/// impl TrainStep for Own {
///     fn train_step(&self, batch: &Batch, steps: &dyn Steps) -> Result<Logs> {
///         let tape = GradientTape::new();
///         let y_pred = steps.call(&batch.x, true)?.into_single()?;
///         let y = batch.y.as_ref().map(Nested::single).transpose()?.expect("labels");
///         let loss = ops::mean(&ops::abs(&ops::subtract(y, &y_pred)?)?, ops::Axes::all(), false)?;
///         steps.minimize(tape, &loss)?;
///         Ok(Logs::from([("distance".to_owned(), f64::from(loss.item::<f32>()?))]))
///     }
/// }
///
/// let model = Model::from(Own::new());
/// model.compile(Compile::new("sgd", Losses::none()))?;
/// let (x, y) = (Tensor::from_slice(&[1.0f32; 8], [4, 2])?, Tensor::from_slice(&[3.0f32; 4], [4, 1])?);
/// let history = model.fit((&x, &y), Fit::new().epochs(2).verbose(0))?;
/// assert_eq!(history.get("distance").map(<[f64]>::len), Some(2));
/// # Ok::<(), keras_serial::Error>(())
/// ```
pub trait TrainStep {
    /// Runs one step of `fit`, and returns the logs.
    ///
    /// # Errors
    /// Any error ends the run.
    fn train_step(&self, batch: &Batch, steps: &dyn Steps) -> Result<Logs> {
        steps.train_step(batch)
    }

    /// Runs one step of `evaluate`, and returns the logs.
    ///
    /// # Errors
    /// See [`TrainStep::train_step`].
    fn test_step(&self, batch: &Batch, steps: &dyn Steps) -> Result<Logs> {
        steps.test_step(batch)
    }

    /// Runs one step of `predict`.
    ///
    /// # Errors
    /// See [`TrainStep::train_step`].
    fn predict_step(&self, x: &Nested<Tensor>, steps: &dyn Steps) -> Result<Nested<Tensor>> {
        steps.call(x, false)
    }

    /// Computes the loss of a batch; by default the compiled one.
    ///
    /// # Errors
    /// See [`TrainStep::train_step`].
    fn compute_loss(&self, batch: &Batch, y_pred: &Nested<Tensor>, steps: &dyn Steps) -> Result<Tensor> {
        steps.compute_loss(batch, y_pred)
    }

    /// Updates the metrics with a batch and returns the logs; by default the compiled metrics.
    ///
    /// # Errors
    /// See [`TrainStep::train_step`].
    fn compute_metrics(&self, batch: &Batch, y_pred: &Nested<Tensor>, steps: &dyn Steps) -> Result<Logs> {
        steps.compute_metrics(batch, y_pred)
    }
}

/// The parts of a compiled model's steps.
pub trait Steps {
    /// Calls the model, and collects the losses that its layers add.
    ///
    /// # Errors
    /// Errors of the model.
    fn call(&self, x: &Nested<Tensor>, training: bool) -> Result<Nested<Tensor>>;

    /// Computes the compiled loss, plus the losses added by calls since the last one, plus weight
    /// regularizers.
    ///
    /// # Errors
    /// If labels and predictions do not suit the loss, or there is no loss.
    fn compute_loss(&self, batch: &Batch, y_pred: &Nested<Tensor>) -> Result<Tensor>;

    /// Adds the loss of a batch to the mean that is logged as `loss`.
    ///
    /// # Errors
    /// If it is not a scalar.
    fn track_loss(&self, loss: &Tensor, batch: &Batch) -> Result<()>;

    /// Computes the gradients of a loss and applies one optimizer step.
    ///
    /// # Errors
    /// If the model has no optimizer, or the loss does not depend on its weights.
    fn minimize(&self, tape: GradientTape, loss: &Tensor) -> Result<()>;

    /// Updates the compiled metrics with a batch, and returns the logs.
    ///
    /// # Errors
    /// If labels and predictions do not suit a metric.
    fn compute_metrics(&self, batch: &Batch, y_pred: &Nested<Tensor>) -> Result<Logs>;

    /// Runs the default training step of `fit`.
    ///
    /// # Errors
    /// Any error of the step; the weights are then unchanged.
    fn train_step(&self, batch: &Batch) -> Result<Logs>;

    /// Runs the default test step of `evaluate`.
    ///
    /// # Errors
    /// Any error of the step.
    fn test_step(&self, batch: &Batch) -> Result<Logs>;
}
