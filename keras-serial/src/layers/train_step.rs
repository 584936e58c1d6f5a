//! What a model of one's own may do otherwise in training.

use indexmap::IndexMap;

use crate::error::Result;
use crate::tensor::{Nested, Tensor};
use crate::variable::GradientTape;

/// Losses and metrics by name: `loss`, `accuracy`, `val_loss`, ….
pub type Logs = IndexMap<String, f64>;

/// One batch: what the model takes, what it should give, how much the samples weigh.
#[derive(Clone, Debug)]
pub struct Batch {
    /// The inputs, in the model's structure.
    pub x: Nested<Tensor>,
    /// The labels, in the structure of the outputs.
    pub y: Option<Nested<Tensor>>,
    /// How much each sample weighs: for all outputs, or in their structure.
    pub sample_weight: Option<Nested<Tensor>>,
}

/// A model's own steps of training, evaluation and prediction; what is not written is as in all models.
///
/// A model says that it has some with [`Layer::train_step`](super::Layer::train_step).
///
/// ```
/// use keras_serial::layers::{Batch, Logs, Steps, TrainStep};
/// use keras_serial::prelude::*;
/// use keras_serial::variable::GradientTape;
///
/// /// Trains on the mean absolute error, whatever it is compiled with.
/// #[register(package = "Mine")]
/// #[derive(KerasSerializable)]
/// #[config(new)]
/// struct Own {
///     base: LayerBase,
///     #[sublayer(init = Dense::new(1).shared())]
///     dense: LayerRef,
/// }
///
/// impl Layer for Own {
///     fn call(&self, inputs: &CallArgs, cx: &CallContext) -> Result<Nested<Tensor>> {
///         self.dense.call(inputs.inputs()?, cx)
///     }
///
///     fn is_model(&self) -> bool {
///         true
///     }
///
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
    /// One step of `fit`; gives what goes into the logs.
    ///
    /// # Errors
    /// What goes wrong in it ends the run.
    fn train_step(&self, batch: &Batch, steps: &dyn Steps) -> Result<Logs> {
        steps.train_step(batch)
    }

    /// One step of `evaluate`.
    ///
    /// # Errors
    /// As [`TrainStep::train_step`].
    fn test_step(&self, batch: &Batch, steps: &dyn Steps) -> Result<Logs> {
        steps.test_step(batch)
    }

    /// One step of `predict`.
    ///
    /// # Errors
    /// As [`TrainStep::train_step`].
    fn predict_step(&self, x: &Nested<Tensor>, steps: &dyn Steps) -> Result<Nested<Tensor>> {
        steps.call(x, false)
    }

    /// The loss of a batch, as all models' steps take it.
    ///
    /// # Errors
    /// As [`TrainStep::train_step`].
    fn compute_loss(&self, batch: &Batch, y_pred: &Nested<Tensor>, steps: &dyn Steps) -> Result<Tensor> {
        steps.compute_loss(batch, y_pred)
    }

    /// Adds a batch to the metrics, and gives what goes into the logs, as all models' steps do.
    ///
    /// # Errors
    /// As [`TrainStep::train_step`].
    fn compute_metrics(&self, batch: &Batch, y_pred: &Nested<Tensor>, steps: &dyn Steps) -> Result<Logs> {
        steps.compute_metrics(batch, y_pred)
    }
}

/// What a compiled model's steps are made of.
pub trait Steps {
    /// Calls the model, and keeps the penalties that arise.
    ///
    /// # Errors
    /// The model's own.
    fn call(&self, x: &Nested<Tensor>, training: bool) -> Result<Nested<Tensor>>;

    /// The compiled loss, with the penalties of the calls since the last loss and those on weights.
    ///
    /// # Errors
    /// When truth and predictions do not suit it, or there is no loss at all.
    fn compute_loss(&self, batch: &Batch, y_pred: &Nested<Tensor>) -> Result<Tensor>;

    /// Adds the loss of a batch to the mean that logs show as `loss`.
    ///
    /// # Errors
    /// When it is not one number.
    fn track_loss(&self, loss: &Tensor, batch: &Batch) -> Result<()>;

    /// Takes a step of the optimizer along the gradients of a loss.
    ///
    /// # Errors
    /// When the model has no optimizer, or the loss does not come from its weights.
    fn minimize(&self, tape: GradientTape, loss: &Tensor) -> Result<()>;

    /// Adds a batch to the compiled metrics, and gives what goes into the logs.
    ///
    /// # Errors
    /// When truth and predictions do not suit a metric.
    fn compute_metrics(&self, batch: &Batch, y_pred: &Nested<Tensor>) -> Result<Logs>;

    /// The step that `fit` takes of all models.
    ///
    /// # Errors
    /// What goes wrong in it; weights are then as they were.
    fn train_step(&self, batch: &Batch) -> Result<Logs>;

    /// The step that `evaluate` takes of all models.
    ///
    /// # Errors
    /// What goes wrong in it.
    fn test_step(&self, batch: &Batch) -> Result<Logs>;
}
