//! The state with which a training run can be continued bit for bit.

use crate::KerasSerializable;
use crate::error::{Error, ErrorKind, Result};
use crate::json::Value;
use crate::random::RandomState;

/// The position in the data of a run.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct DataPosition {
    /// The number of batches taken from the pass. A pass may be longer or shorter than an epoch.
    pub seen: usize,
    /// The random states that determine the order of the pass.
    pub orders: Vec<RandomState>,
}

/// The progress of a run, kept with the compiled model.
#[derive(Clone, Debug, Default)]
pub(super) struct Progress {
    pub epoch: usize,
    /// The number of batches of the epoch that were trained.
    pub batch: usize,
    pub data: DataPosition,
    /// The metrics of an interrupted epoch; while an epoch runs, they are in the metrics themselves.
    pub metrics: Option<Vec<MetricValues>>,
}

/// A metric's name, and the values of its variables.
pub(super) type MetricValues = (String, Vec<Vec<f64>>);

/// What a run needs, besides weights and the optimizer's state, to continue bit for bit: the epoch, the
/// position in the data and their order, the random states of layers (dropout, noise, augmentation) and
/// of the thread, and the metrics of an incomplete epoch.
///
/// Keras ignores it. Files contain it on request
/// ([`SaveOptions::training_state`](crate::saving::SaveOptions::training_state) or
/// [`BackupAndRestore::training_state`](crate::callbacks::BackupAndRestore::training_state)), and
/// [`Fit::resume`](super::Fit::resume) continues from it, with the same data and arguments. It does not
/// include the state of callbacks (such as the patience of an `EarlyStopping`), nor the swap of weights
/// with their averages that ends a run with `use_ema`: with that, save within the run.
///
/// ```
/// use keras_serial::prelude::*;
/// use keras_serial::callbacks::LambdaCallback;
/// let layers = || [Input::new([1]).layer(), Dropout::new(0.5).into(), Dense::new(1).kernel_initializer("ones").into()];
/// let x = Tensor::from_slice(&[0.0f32, 1.0, 2.0, 3.0, 4.0, 5.0], [6, 1])?;
/// let fit = || Fit::new().epochs(3).batch_size(2).verbose(0);
/// let model = Sequential::new(layers())?;
/// model.compile(Compile::new("adam", "mse"))?;
///
/// // Something ends the run in the second epoch.
/// let stop = LambdaCallback::new().on_train_batch_end(|batch, _, cx| {
///     if batch == 1 && cx.model().optimizer().unwrap().iterations()? == 5 {
///         cx.stop_training();
///     }
///     Ok(())
/// });
/// model.fit((&x, &x), fit().callback(stop))?;
/// let saved = SaveOptions::new().training_state(true).save_model_to_bytes(&model)?;
/// assert_eq!((model.training_state()?.epoch(), model.training_state()?.batch()), (1, 2));
///
/// // Here, or in another process:
/// let resumed = LoadOptions::new().load_model_from_bytes(saved)?;
/// let history = resumed.fit((&x, &x), fit().resume(true))?;
/// assert_eq!(history.epoch, [1, 2]);
/// assert!(resumed.fit((&x, &x), fit().resume(true))?.epoch.is_empty(), "all epochs are done");
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[derive(KerasSerializable, Clone, Debug, PartialEq)]
pub struct TrainingState {
    pub(super) epoch: usize,
    pub(super) batch: usize,
    pub(super) seen: usize,
    pub(super) orders: Vec<RandomState>,
    pub(super) generators: Vec<(String, Option<RandomState>)>,
    pub(super) thread: RandomState,
    pub(super) metrics: Vec<MetricValues>,
    /// The number of optimizer steps: a state belongs to weights of the same step.
    pub(super) iterations: Option<i64>,
}

impl TrainingState {
    /// Returns the epoch with which a resumed run starts, counted from 0.
    pub fn epoch(&self) -> usize {
        self.epoch
    }

    /// Returns the number of completed batches of that epoch.
    pub fn batch(&self) -> usize {
        self.batch
    }

    /// Returns the state as JSON.
    ///
    /// # Errors
    /// None known.
    pub fn to_json(&self) -> Result<String> {
        Ok(Value::Dict(self.get_config()?).to_json())
    }

    /// Parses a state from JSON.
    ///
    /// # Errors
    /// When it is not JSON, or not what [`TrainingState::to_json`] writes.
    pub fn from_json(text: &str) -> Result<Self> {
        Self::from_json_value(&Value::parse(text)?)
    }

    pub(crate) fn from_json_value(value: &Value) -> Result<Self> {
        let config = value
            .as_dict()
            .ok_or_else(|| Error::new(ErrorKind::Config, "a training state is a dict").received(value.short()))?;
        Self::from_config(config)
    }

    pub(super) fn progress(&self) -> Progress {
        let metrics = Some(self.metrics.clone());
        let data = DataPosition { seen: self.seen, orders: self.orders.clone() };
        Progress { epoch: self.epoch, batch: self.batch, data, metrics }
    }
}
