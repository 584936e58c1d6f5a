//! What a run of training needs besides the model to go on where it stood.

use crate::KerasSerializable;
use crate::error::{Error, ErrorKind, Result};
use crate::json::Value;
use crate::random::RandomState;

/// Where the data of a run stand.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct DataPosition {
    /// The batches of the pass that were taken. A pass may be longer than an epoch, or shorter.
    pub seen: usize,
    /// The random numbers from which the order of the pass comes.
    pub orders: Vec<RandomState>,
}

/// How far a run is, kept with the compiled model.
#[derive(Clone, Debug, Default)]
pub(super) struct Progress {
    pub epoch: usize,
    /// The batches of the epoch that were trained on.
    pub batch: usize,
    pub data: DataPosition,
    /// The metrics of an epoch that was left unfinished; those of a running one are the metrics' own.
    pub metrics: Option<Vec<MetricValues>>,
}

/// A metric's name, and the values of each of its variables.
pub(super) type MetricValues = (String, Vec<Vec<f64>>);

/// What a run of training needs, besides weights and the optimizer's state, to go on bit for bit: the
/// epoch, the position in the data and their order, the random numbers of layers (dropout, noise,
/// augmentation) and of the thread, and the metrics of an epoch that is not whole.
///
/// Keras does not know it and reads past it. A file has it on request
/// ([`SaveOptions::training_state`](crate::saving::SaveOptions::training_state), or
/// [`BackupAndRestore::training_state`](crate::callbacks::BackupAndRestore::training_state)), and
/// [`Fit::resume`](super::Fit::resume) goes on from it, with the same data and arguments. What callbacks
/// keep in themselves (the patience of an `EarlyStopping`) is not part of it, nor is the exchange of
/// weights with their average, which ends a run with `use_ema`: save within the run then.
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
    /// The steps of the optimizer: a state belongs to the weights of the same moment.
    pub(super) iterations: Option<i64>,
}

impl TrainingState {
    /// The epoch that a resumed run begins with, from 0.
    pub fn epoch(&self) -> usize {
        self.epoch
    }

    /// How many batches of that epoch are done.
    pub fn batch(&self) -> usize {
        self.batch
    }

    /// As JSON.
    ///
    /// # Errors
    /// None that is known.
    pub fn to_json(&self) -> Result<String> {
        Ok(Value::Dict(self.get_config()?).to_json())
    }

    /// From JSON.
    ///
    /// # Errors
    /// When it is none, or not what [`TrainingState::to_json`] writes.
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
