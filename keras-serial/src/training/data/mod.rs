//! Training data: arrays, and other sources of batches.

mod arrays;
mod dataset;
mod into_data;
pub(super) mod rows;

pub(crate) use arrays::span;
pub(crate) use into_data::samples;

pub use crate::layers::Batch;
pub use arrays::{ArrayDataset, Shuffle};
pub use dataset::{Batches, Dataset, DatasetExt, FromFn, Once, Prefetch, Rebatch, Repeat, ShuffleBuffer, Take};
pub use into_data::{Data, IntoData, IntoTensors};
