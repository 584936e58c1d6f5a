//! Datasets: sources of batches, and adapters for them.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, mpsc};

use rand::Rng;

use super::Batch;
use super::arrays::span;
use super::into_data::samples;
use super::rows::join_rows;
use crate::error::{Error, ErrorKind, Result};
use crate::random::{Seed, SeedGenerator};
use crate::tensor::{Nested, Tensor};
use crate::utils::{Locked, panic_text};

/// The batches of one pass.
pub type Batches = Box<dyn Iterator<Item = Result<Batch>> + Send>;

/// A source of batches that can be iterated several times.
///
/// [`DatasetExt`] has adapters that shuffle, rebatch and prefetch on a thread.
pub trait Dataset: Send {
    /// Returns the number of batches of a pass, if known in advance.
    fn num_batches(&self) -> Option<usize> {
        None
    }

    /// Starts a pass.
    ///
    /// # Errors
    /// When the data can't be read.
    fn epoch(&mut self) -> Result<Batches>;

    /// Visits the random number generators that determine the order of the next passes, so that a run
    /// can continue in another process ([`Fit::resume`](crate::training::Fit::resume)). None by default:
    /// each pass has the same order.
    fn visit_generators(&self, visit: &mut dyn FnMut(&SeedGenerator)) {
        let _ = visit;
    }
}

macro_rules! forward {
    ($($type:ty),*) => {$(
        impl<D: Dataset + ?Sized> Dataset for $type {
            fn num_batches(&self) -> Option<usize> {
                (**self).num_batches()
            }

            fn epoch(&mut self) -> Result<Batches> {
                (**self).epoch()
            }

            fn visit_generators(&self, visit: &mut dyn FnMut(&SeedGenerator)) {
                (**self).visit_generators(visit);
            }
        }
    )*};
}

forward!(&mut D, Box<D>);

/// Adapters for datasets.
pub trait DatasetExt: Dataset + Sized {
    /// Shuffles batches within a buffer of this size.
    fn shuffle(self, buffer: usize, seed: impl Into<Seed>) -> ShuffleBuffer<Self> {
        ShuffleBuffer { data: self, buffer: buffer.max(1), generator: SeedGenerator::started(&seed.into()) }
    }

    /// Regroups samples into batches of this size; the last one may be smaller.
    fn batch(self, size: usize) -> Rebatch<Self> {
        Rebatch { data: self, size: size.max(1) }
    }

    /// Prepares up to this many batches ahead on a thread.
    fn prefetch(self, ahead: usize) -> Prefetch<Self> {
        Prefetch { data: self, ahead: ahead.max(1) }
    }

    /// Repeats the dataset this many times; an empty pass, as of [`Once`] after the first, ends it.
    fn repeat(self, times: usize) -> Repeat<Self>
    where
        Self: 'static,
    {
        Repeat { data: Arc::new(Mutex::new(self)), times }
    }

    /// Takes only the first batches.
    fn take(self, batches: usize) -> Take<Self> {
        Take { data: self, batches }
    }
}

impl<D: Dataset> DatasetExt for D {}

/// A dataset made from a function that starts a pass.
///
/// ```
/// use keras_serial::tensor::Tensor;
/// use keras_serial::training::data::{Batch, Dataset, DatasetExt, FromFn};
/// let mut data = FromFn::new(|| {
///     (0..10).map(|i| {
///         let x = Tensor::from_slice(&[i as f32], [1, 1])?;
///         Ok(Batch { x: x.into(), y: None, sample_weight: None })
///     })
/// })
/// .shuffle(10, 7)
/// .batch(4)
/// .prefetch(2);
/// let sizes: Vec<usize> = data.epoch()?.map(|batch| batch?.x.single()?.shape().dim(0)).collect::<Result<_, _>>()?;
/// assert_eq!(sizes, [4, 4, 2]);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct FromFn<F>(F);

impl<F, I> FromFn<F>
where
    F: FnMut() -> I + Send,
    I: Iterator<Item = Result<Batch>> + Send + 'static,
{
    /// Creates a dataset from this function.
    pub fn new(begin: F) -> Self {
        Self(begin)
    }
}

impl<F, I> Dataset for FromFn<F>
where
    F: FnMut() -> I + Send,
    I: Iterator<Item = Result<Batch>> + Send + 'static,
{
    fn epoch(&mut self) -> Result<Batches> {
        Ok(Box::new((self.0)()))
    }
}

/// A dataset that gives the batches of an iterator once; several epochs need `steps_per_epoch`.
#[derive(Debug)]
pub struct Once<I>(Option<I>);

impl<I: Iterator<Item = Result<Batch>> + Send + 'static> Once<I> {
    /// Creates a dataset from this iterator.
    pub fn new(batches: impl IntoIterator<IntoIter = I>) -> Self {
        Self(Some(batches.into_iter()))
    }
}

impl<I: Iterator<Item = Result<Batch>> + Send + 'static> Dataset for Once<I> {
    fn epoch(&mut self) -> Result<Batches> {
        // A second pass of an iterator is empty.
        Ok(match self.0.take() {
            Some(batches) => Box::new(batches),
            None => Box::new(std::iter::empty()),
        })
    }
}

/// A dataset that shuffles batches; see [`DatasetExt::shuffle`].
#[derive(Debug)]
pub struct ShuffleBuffer<D> {
    data: D,
    buffer: usize,
    generator: SeedGenerator,
}

impl<D: Dataset> Dataset for ShuffleBuffer<D> {
    fn num_batches(&self) -> Option<usize> {
        self.data.num_batches()
    }

    fn epoch(&mut self) -> Result<Batches> {
        let mut batches = self.data.epoch()?;
        // The next pass has another order.
        let mut rng = self.generator.draw(&Seed::default(), |rng| {
            let of_this = rng.clone();
            rng.random::<u64>();
            of_this
        });
        let (size, mut buffer) = (self.buffer, Vec::new());
        Ok(Box::new(std::iter::from_fn(move || {
            while buffer.len() < size {
                match batches.next() {
                    Some(batch) => buffer.push(batch),
                    None => break,
                }
            }
            if buffer.is_empty() { None } else { Some(buffer.swap_remove(rng.random_range(0..buffer.len()))) }
        })))
    }

    fn visit_generators(&self, visit: &mut dyn FnMut(&SeedGenerator)) {
        self.data.visit_generators(visit);
        visit(&self.generator);
    }
}

/// A dataset that regroups samples into batches; see [`DatasetExt::batch`].
#[derive(Clone, Debug)]
pub struct Rebatch<D> {
    data: D,
    size: usize,
}

impl<D: Dataset> Dataset for Rebatch<D> {
    fn epoch(&mut self) -> Result<Batches> {
        let (mut batches, size) = (self.data.epoch()?, self.size);
        let mut waiting: VecDeque<Batch> = VecDeque::new();
        Ok(Box::new(std::iter::from_fn(move || next_of(&mut batches, size, &mut waiting).transpose())))
    }

    fn visit_generators(&self, visit: &mut dyn FnMut(&SeedGenerator)) {
        self.data.visit_generators(visit);
    }
}

/// Collects samples of several batches until there are enough.
fn next_of(batches: &mut Batches, size: usize, waiting: &mut VecDeque<Batch>) -> Result<Option<Batch>> {
    let mut taken: Vec<Batch> = Vec::new();
    let mut missing = size;
    while missing > 0 {
        let Some(batch) = waiting.pop_front().map(Ok).or_else(|| batches.next()).transpose()? else { break };
        let count = samples(&batch)?;
        if count > missing {
            taken.push(span(&batch, 0, missing)?);
            waiting.push_front(span(&batch, missing, count)?);
            break;
        }
        missing -= count;
        taken.push(batch);
    }
    join(taken)
}

/// Concatenates batches of the same structure.
fn join(batches: Vec<Batch>) -> Result<Option<Batch>> {
    let Some(first) = batches.first().cloned() else { return Ok(None) };
    if batches.len() == 1 {
        return Ok(Some(first));
    }
    let part = |get: &dyn Fn(&Batch) -> Option<Nested<Tensor>>| -> Result<Option<Nested<Tensor>>> {
        let parts: Vec<Nested<Tensor>> = batches.iter().filter_map(get).collect();
        let Some(like) = parts.first() else { return Ok(None) };
        if parts.len() != batches.len() {
            return Err(Error::new(
                ErrorKind::InvalidArgument,
                "some batches have labels or weights, and some have not",
            ));
        }
        let flat: Vec<Vec<&Tensor>> = parts.iter().map(Nested::leaves).collect();
        let leaves = (0..like.leaves().len()).map(|i| {
            let tensors: Vec<Tensor> = flat.iter().filter_map(|part| part.get(i).map(|t| (*t).clone())).collect();
            join_rows(&tensors)
        });
        like.pack(leaves.collect::<Result<Vec<_>>>()?).map(Some)
    };
    let x = part(&|batch| Some(batch.x.clone()))?.unwrap_or(first.x);
    Ok(Some(Batch {
        x,
        y: part(&|batch| batch.y.clone())?,
        sample_weight: part(&|batch| batch.sample_weight.clone())?,
    }))
}

/// A dataset that prepares batches ahead; see [`DatasetExt::prefetch`].
#[derive(Clone, Debug)]
pub struct Prefetch<D> {
    data: D,
    ahead: usize,
}

impl<D: Dataset> Dataset for Prefetch<D> {
    fn num_batches(&self) -> Option<usize> {
        self.data.num_batches()
    }

    fn epoch(&mut self) -> Result<Batches> {
        let batches = self.data.epoch()?;
        let (sender, receiver) = mpsc::sync_channel(self.ahead);
        // Ends when the receiver is dropped, or there are no more batches.
        let scopes = crate::registry::Carried::capture();
        let work = move || {
            for batch in batches {
                if sender.send(batch).is_err() {
                    break;
                }
            }
        };
        let thread = std::thread::Builder::new().name("keras-serial prefetch".to_owned());
        let thread = Some(thread.spawn(move || scopes.run(work))?);
        Ok(Box::new(Prefetched { receiver, thread }))
    }

    fn visit_generators(&self, visit: &mut dyn FnMut(&SeedGenerator)) {
        self.data.visit_generators(visit);
    }
}

/// Batches that a thread prepares.
struct Prefetched {
    receiver: mpsc::Receiver<Result<Batch>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Iterator for Prefetched {
    type Item = Result<Batch>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Ok(batch) = self.receiver.recv() {
            return Some(batch);
        }
        // The thread ended or panicked; a panic must not look like a shorter pass.
        let panic = self.thread.take()?.join().err()?;
        let text = panic_text(&*panic);
        Some(Err(Error::new(ErrorKind::InvalidArgument, "the thread that prepares batches panicked")
            .received(text.unwrap_or("no message").to_owned())))
    }
}

/// A dataset that is repeated; see [`DatasetExt::repeat`].
#[derive(Debug)]
pub struct Repeat<D> {
    data: Arc<Mutex<D>>,
    times: usize,
}

impl<D: Dataset + 'static> Dataset for Repeat<D> {
    fn num_batches(&self) -> Option<usize> {
        let data = self.data.locked();
        data.num_batches().and_then(|count| count.checked_mul(self.times))
    }

    fn epoch(&mut self) -> Result<Batches> {
        Ok(Box::new(Passes { data: self.data.clone(), left: self.times, current: None }))
    }

    fn visit_generators(&self, visit: &mut dyn FnMut(&SeedGenerator)) {
        self.data.locked().visit_generators(visit);
    }
}

/// The batches of several passes in sequence.
struct Passes<D> {
    data: Arc<Mutex<D>>,
    /// The number of passes still to start.
    left: usize,
    current: Option<Batches>,
}

impl<D: Dataset> Iterator for Passes<D> {
    type Item = Result<Batch>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(batch) = self.current.as_mut().and_then(Iterator::next) {
            return Some(batch);
        }
        self.current = None;
        self.left = self.left.checked_sub(1)?;
        let pass = self.data.locked().epoch();
        let first = match pass {
            Ok(mut batches) => {
                let first = batches.next();
                self.current = Some(batches);
                first
            }
            Err(error) => {
                self.left = 0;
                return Some(Err(error));
            }
        };
        // A pass that is empty once is empty again; as in `tf.data`, repeating it would never end.
        if first.is_none() {
            (self.left, self.current) = (0, None);
        }
        first
    }
}

/// A dataset of the first batches; see [`DatasetExt::take`].
#[derive(Clone, Debug)]
pub struct Take<D> {
    data: D,
    batches: usize,
}

impl<D: Dataset> Dataset for Take<D> {
    fn num_batches(&self) -> Option<usize> {
        self.data.num_batches().map(|count| count.min(self.batches))
    }

    fn epoch(&mut self) -> Result<Batches> {
        Ok(Box::new(self.data.epoch()?.take(self.batches)))
    }

    fn visit_generators(&self, visit: &mut dyn FnMut(&SeedGenerator)) {
        self.data.visit_generators(visit);
    }
}
