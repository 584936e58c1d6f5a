//! Arrays as batches of training data.

use rand::seq::SliceRandom;

use super::into_data::samples;
use super::rows::{slice_rows, take_rows};
use super::{Batch, Batches, Data, Dataset, IntoData};
use crate::error::{Error, ErrorKind, Result};
use crate::random::{Seed, SeedGenerator};
use crate::tensor::{Nested, Tensor};

/// The order of the samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Shuffle {
    /// Unchanged.
    None,
    /// Shuffled over all samples, anew in each epoch.
    #[default]
    All,
    /// Shuffled within each batch: `"batch"`.
    Batch,
}

impl From<bool> for Shuffle {
    fn from(shuffle: bool) -> Self {
        if shuffle { Self::All } else { Self::None }
    }
}

/// A dataset of arrays, split into batches.
///
/// ```
/// use keras_serial::tensor::Tensor;
/// use keras_serial::training::data::{ArrayDataset, Dataset};
/// let x = Tensor::from_slice(&[0.0f32, 1.0, 2.0, 3.0, 4.0], [5, 1])?;
/// let mut data = ArrayDataset::new((&x,))?.batch_size(2).shuffle(true).seed(1);
/// assert_eq!(data.num_batches(), Some(3));
/// let sizes: Vec<usize> = data.epoch()?.map(|batch| batch?.x.single()?.shape().dim(0)).collect::<Result<_, _>>()?;
/// assert_eq!(sizes, [2, 2, 1]);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct ArrayDataset {
    arrays: Batch,
    samples: usize,
    batch_size: usize,
    shuffle: Shuffle,
    generator: SeedGenerator,
    seed: Seed,
}

impl ArrayDataset {
    /// Creates batches of 32 from these arrays, in their order.
    ///
    /// # Errors
    /// When there are no samples, or arrays have different numbers of them.
    pub fn new<'a>(data: impl IntoData<'a>) -> Result<Self> {
        match data.into_data()? {
            Data::Arrays(arrays) => Self::of(arrays),
            Data::Dataset(_) => Err(Error::new(ErrorKind::InvalidArgument, "a dataset is no array")),
        }
    }

    pub(crate) fn of(arrays: Batch) -> Result<Self> {
        let samples = samples(&arrays)?;
        Ok(Self {
            arrays,
            samples,
            batch_size: 32,
            shuffle: Shuffle::None,
            generator: SeedGenerator::default(),
            seed: Seed::default(),
        })
    }

    /// Sets the number of samples in a batch; the last one may have fewer.
    #[must_use]
    pub fn batch_size(mut self, batch_size: usize) -> Self {
        self.batch_size = batch_size.max(1);
        self
    }

    /// Sets the order of the samples; unchanged by default.
    #[must_use]
    pub fn shuffle(mut self, shuffle: impl Into<Shuffle>) -> Self {
        self.shuffle = shuffle.into();
        self
    }

    /// Seeds the shuffling; by default it uses the thread's random numbers.
    #[must_use]
    pub fn seed(mut self, seed: impl Into<Seed>) -> Self {
        self.seed = seed.into();
        self
    }

    pub(crate) fn set_arrays(&mut self, arrays: Batch) {
        self.arrays = arrays;
    }

    /// Returns true if all batches have the same size.
    pub(crate) fn is_even(&self) -> bool {
        self.samples.is_multiple_of(self.batch_size)
    }

    pub(crate) fn arrays(&self) -> &Batch {
        &self.arrays
    }
}

impl Dataset for ArrayDataset {
    fn num_batches(&self) -> Option<usize> {
        Some(self.samples.div_ceil(self.batch_size))
    }

    fn epoch(&mut self) -> Result<Batches> {
        let (samples, size) = (self.samples, self.batch_size);
        let arrays = self.arrays.clone();
        let starts = (0..samples).step_by(size);
        if self.shuffle == Shuffle::None {
            return Ok(Box::new(starts.map(move |start| span(&arrays, start, (start + size).min(samples)))));
        }
        let mut order: Vec<i64> = (0..samples as i64).collect();
        self.generator.draw(&self.seed, |rng| match self.shuffle {
            Shuffle::Batch => order.chunks_mut(size).for_each(|batch| batch.shuffle(rng)),
            _ => order.shuffle(rng),
        });
        let batches: Vec<Vec<i64>> = order.chunks(size).map(<[i64]>::to_vec).collect();
        Ok(Box::new(batches.into_iter().map(move |rows| gather(&arrays, rows))))
    }

    fn visit_generators(&self, visit: &mut dyn FnMut(&SeedGenerator)) {
        if self.shuffle != Shuffle::None {
            // Without a seed, the generator is seeded here and not in the first pass.
            self.generator.draw(&self.seed, |_| ());
            visit(&self.generator);
        }
    }
}

fn map(batch: &Batch, f: &mut impl FnMut(&Tensor) -> Result<Tensor>) -> Result<Batch> {
    let mut part = |tensors: &Nested<Tensor>| tensors.try_map(f);
    Ok(Batch {
        x: part(&batch.x)?,
        y: batch.y.as_ref().map(&mut part).transpose()?,
        sample_weight: batch.sample_weight.as_ref().map(&mut part).transpose()?,
    })
}

/// Returns the samples from `start` to `end` (exclusive).
pub(crate) fn span(arrays: &Batch, start: usize, end: usize) -> Result<Batch> {
    map(arrays, &mut |tensor| slice_rows(tensor, start, end))
}

/// Returns samples by index.
pub(crate) fn gather(arrays: &Batch, rows: Vec<i64>) -> Result<Batch> {
    map(arrays, &mut |tensor| take_rows(tensor, &rows))
}
