//! Iterates over the batches of a run, epoch by epoch
//! (`keras.src.trainers.epoch_iterator.EpochIterator`).

use std::collections::BTreeMap;

use super::class_weight::ClassWeight;
use super::data::{ArrayDataset, Batch, Batches, Data, Dataset, Shuffle};
use super::training_state::DataPosition;
use crate::error::{Error, ErrorKind, Result};
use crate::ops::dtypes::cast;
use crate::random::{RandomState, Seed, SeedGenerator};
use crate::tensor::{DType, Nested, Tensor};

/// How data are split into batches.
#[derive(Default)]
pub(super) struct Batching {
    pub batch_size: Option<usize>,
    pub steps: Option<usize>,
    pub shuffle: Shuffle,
    pub seed: Seed,
    /// The number of batches per call of the callbacks.
    pub steps_per_execution: usize,
}

/// The batches of a run.
pub(super) struct EpochIterator<'a> {
    source: Source<'a>,
    steps: Option<usize>,
    steps_per_execution: usize,
    num_batches: Option<usize>,
    current: Option<Batches>,
    seen: usize,
    class_weight: Option<BTreeMap<i64, f64>>,
    /// The random states that determine the order of the current pass.
    orders: Vec<RandomState>,
    /// The index of the batch with which the next epoch starts.
    first: usize,
}

/// A group of batches with one call of the callbacks.
pub(super) struct BatchGroup {
    /// The indices in the epoch of the first batch and of the last.
    pub first: usize,
    pub last: usize,
    pub batches: Vec<Batch>,
    /// The position in the data after these batches.
    pub position: DataPosition,
}

#[expect(clippy::large_enum_variant, reason = "one value a call, moved once")]
enum Source<'a> {
    Arrays(ArrayDataset),
    Dataset(Box<dyn Dataset + 'a>),
}

impl Source<'_> {
    fn epoch(&mut self) -> Result<Batches> {
        match self {
            Self::Arrays(arrays) => arrays.epoch(),
            Self::Dataset(dataset) => dataset.epoch(),
        }
    }

    fn generators(&self, visit: &mut dyn FnMut(&SeedGenerator)) {
        match self {
            Self::Arrays(arrays) => arrays.visit_generators(visit),
            Self::Dataset(dataset) => dataset.visit_generators(visit),
        }
    }

    /// Returns the random states of the next pass.
    fn orders(&self) -> Vec<RandomState> {
        let mut orders = Vec::new();
        self.generators(&mut |generator| orders.extend(generator.state()));
        orders
    }
}

impl<'a> EpochIterator<'a> {
    pub(super) fn new(data: Data<'a>, batching: Batching) -> Result<Self> {
        if batching.batch_size == Some(0) || batching.steps == Some(0) {
            return Err(Error::new(
                ErrorKind::InvalidArgument,
                "`batch_size` and the number of steps must be at least 1",
            ));
        }
        let source = match data {
            Data::Arrays(arrays) => {
                let samples = super::data::samples(&arrays)?;
                let by_steps = || batching.steps.map_or(32, |steps| samples.div_ceil(steps));
                let size = batching.batch_size.unwrap_or_else(by_steps);
                Source::Arrays(ArrayDataset::of(arrays)?.batch_size(size).shuffle(batching.shuffle).seed(batching.seed))
            }
            Data::Dataset(_) if batching.batch_size.is_some() => {
                return Err(Error::new(ErrorKind::InvalidArgument, "a dataset says itself how large its batches are")
                    .hint("leave `batch_size` out, or use `DatasetExt::batch`"));
            }
            Data::Dataset(dataset) => Source::Dataset(dataset),
        };
        let num_batches = match &source {
            Source::Arrays(arrays) => arrays.num_batches(),
            Source::Dataset(dataset) => dataset.num_batches(),
        };
        Ok(Self {
            source,
            steps: batching.steps,
            steps_per_execution: batching.steps_per_execution.max(1),
            num_batches,
            current: None,
            seen: 0,
            class_weight: None,
            orders: Vec::new(),
            first: 0,
        })
    }

    /// Adds sample weights by class.
    ///
    /// # Errors
    /// When the data already have weights, or several outputs.
    pub(super) fn with_class_weight(mut self, weights: ClassWeight) -> Result<Self> {
        match &mut self.source {
            Source::Arrays(arrays) => {
                let weighted = weigh(arrays.arrays().clone(), &weights.0)?;
                arrays.set_arrays(weighted);
            }
            Source::Dataset(_) => self.class_weight = Some(weights.0),
        }
        Ok(self)
    }

    /// Returns the number of steps in an epoch, if known.
    pub(super) fn steps(&self) -> Option<usize> {
        self.steps.or(self.num_batches)
    }

    /// Returns true if all batches are known to have the same size.
    pub(super) fn is_even(&self) -> bool {
        match &self.source {
            Source::Arrays(arrays) => arrays.is_even(),
            Source::Dataset(_) => false,
        }
    }

    /// Returns the whole arrays, or the first batch.
    ///
    /// # Errors
    /// When there are no data.
    pub(super) fn sample(&mut self) -> Result<Batch> {
        if let Source::Arrays(arrays) = &self.source {
            return Ok(arrays.arrays().clone());
        }
        let mut batches = match self.current.take() {
            Some(batches) => batches,
            None => {
                self.orders = self.source.orders();
                self.source.epoch()?
            }
        };
        let first = batches.next().transpose()?.ok_or_else(|| {
            Error::new(ErrorKind::InvalidArgument, "the data hold no batches").expected("at least one batch")
        })?;
        super::data::samples(&first)?;
        let again = first.clone();
        self.current = Some(Box::new(std::iter::once(Ok(first)).chain(batches)));
        self.weigh(again)
    }

    fn weigh(&self, batch: Batch) -> Result<Batch> {
        match &self.class_weight {
            Some(weights) => weigh(batch, weights),
            None => Ok(batch),
        }
    }

    /// Restarts the data: each validation starts with the first batch, even if it uses only some of
    /// them.
    pub(super) fn begin_anew(&mut self) {
        if self.seen > 0 {
            self.current = None;
            self.seen = 0;
        }
    }

    fn begin_pass(&mut self) -> Result<()> {
        self.orders = self.source.orders();
        self.current = Some(self.source.epoch()?);
        self.seen = 0;
        Ok(())
    }

    /// Returns the position in the data between two epochs.
    pub(super) fn position(&self) -> DataPosition {
        let orders = if self.current.is_some() { self.orders.clone() } else { self.source.orders() };
        DataPosition { seen: self.seen, orders }
    }

    /// Continues from another run's position in the data, with this batch of the epoch.
    ///
    /// # Errors
    /// When the data can't be read, or have other random number generators.
    pub(super) fn resume(&mut self, position: &DataPosition, batch: usize) -> Result<()> {
        let count = self.source.orders().len();
        if count != position.orders.len() {
            return Err(Error::new(ErrorKind::InvalidArgument, "the data are not those of the run to be resumed")
                .expected(format!("{} random orders", position.orders.len()))
                .received(format!("{count}"))
                .hint("give the same data, and the same `shuffle`"));
        }
        let mut orders = position.orders.iter();
        self.source.generators(&mut |generator| generator.set_state(orders.next()));
        self.first = batch;
        if count > 0 {
            self.current = None;
        }
        if position.seen > 0 {
            if self.current.is_none() {
                self.begin_pass()?;
            }
            for _ in 0..position.seen {
                self.current.as_mut().and_then(Iterator::next).transpose()?;
            }
            self.seen = position.seen;
        }
        Ok(())
    }

    /// Warns that data ended before the number of steps that was asked for.
    fn warn_of_end(&self) {
        if self.steps.is_some() {
            tracing::warn!(
                "Your input ran out of data; interrupting training. Make sure that your dataset can generate at least \
                 `steps_per_epoch * epochs` batches."
            );
        }
    }

    /// Runs one epoch; `step` returns whether to continue. An iterator that ends early ends the epoch,
    /// as in Keras. Returns whether the epoch was completed.
    pub(super) fn epoch(&mut self, mut step: impl FnMut(BatchGroup) -> Result<bool>) -> Result<bool> {
        let steps = self.steps.or(self.num_batches).unwrap_or(usize::MAX);
        let mut first = std::mem::take(&mut self.first);
        // Continues a pass that was started to look at its first batch, or by the run that is resumed.
        if self.current.is_none() || (self.steps.is_none() && self.seen > 0 && first == 0) {
            self.begin_pass()?;
        }
        let mut is_whole = true;
        while first < steps {
            if self.num_batches.is_some_and(|count| self.seen >= count) {
                self.warn_of_end();
                break;
            }
            let mut batches = Vec::new();
            for _ in 0..self.steps_per_execution {
                match self.current.as_mut().and_then(Iterator::next).transpose()? {
                    Some(batch) => {
                        super::data::samples(&batch)?;
                        batches.push(self.weigh(batch)?);
                    }
                    None => break,
                }
            }
            if batches.is_empty() {
                if self.num_batches.is_none() {
                    self.num_batches = Some(self.seen).filter(|seen| *seen > 0);
                }
                self.current = None;
                self.warn_of_end();
                break;
            }
            self.seen += self.steps_per_execution;
            let last = first + self.steps_per_execution - 1;
            let position = DataPosition { seen: self.seen, orders: self.orders.clone() };
            let goes_on = step(BatchGroup { first, last, batches, position })?;
            first += self.steps_per_execution;
            if !goes_on {
                is_whole = first >= steps || self.num_batches.is_some_and(|count| self.seen >= count);
                break;
            }
        }
        if self.num_batches.is_some_and(|count| self.seen >= count) {
            self.current = None;
            self.seen = 0;
        }
        Ok(is_whole)
    }
}

/// Adds sample weights by the classes of a batch's labels (`class_weight_to_sample_weights`).
pub(super) fn weigh(mut batch: Batch, weights: &BTreeMap<i64, f64>) -> Result<Batch> {
    if batch.sample_weight.is_some() {
        return Err(Error::new(
            ErrorKind::InvalidArgument,
            "Arguments `sample_weight` and `class_weight` cannot be specified at the same time",
        ));
    }
    let y = match &batch.y {
        Some(Nested::Leaf(y)) => y,
        Some(_) => {
            return Err(Error::new(
                ErrorKind::InvalidArgument,
                "`class_weight` is only supported for Models with a single output",
            ));
        }
        None => return Err(Error::new(ErrorKind::InvalidArgument, "`class_weight` needs labels")),
    };
    let shape = y.shape().known()?;
    let (count, numbers) = (shape.first().copied().unwrap_or_default(), cast(y, DType::Float64)?.to_vec::<f64>()?);
    let classes = match shape.last() {
        Some(classes) if shape.len() > 1 && *classes > 1 => *classes,
        _ => 1,
    };
    let labels: Vec<i64> = if classes > 1 {
        numbers.chunks(classes).map(largest).collect()
    } else {
        // Python rounds half to even.
        numbers.iter().map(|number| number.round_ties_even() as i64).collect()
    };
    if labels.len() != count {
        return Err(Error::new(ErrorKind::Shape, "`class_weight` needs one label for each sample")
            .received(format!("labels of shape {}", y.shape())));
    }
    let weights: Vec<f32> = labels.iter().map(|label| weights.get(label).copied().unwrap_or(1.0) as f32).collect();
    batch.sample_weight = Some(Nested::Leaf(Tensor::from_vec(weights, [count])?));
    Ok(batch)
}

/// Returns the index of the first largest number.
fn largest(numbers: &[f64]) -> i64 {
    let mut best = 0;
    for (i, number) in numbers.iter().enumerate() {
        if numbers.get(best).is_some_and(|so_far| number > so_far) {
            best = i;
        }
    }
    best as i64
}
