//! Training data: arrays, other sources of batches, and readers of files.
//!
//! With the feature `archive`, `ReadArrays` reads `.npy`, `.npz` and `.safetensors` files, and with the features `csv` and
//! `parquet` tables, into named tensors for `fit` and its like.

mod arrays;
mod dataset;
mod into_data;
#[cfg(feature = "files")]
mod read;
pub(super) mod rows;

pub(crate) use arrays::span;
pub(crate) use into_data::samples;

pub use crate::layers::Batch;
pub use arrays::{ArrayDataset, Shuffle};
pub use dataset::{Batches, Dataset, DatasetExt, FromFn, Once, Prefetch, Rebatch, Repeat, ShuffleBuffer, Take};
pub use into_data::{Data, IntoData, IntoTensors};
#[cfg(feature = "files")]
#[cfg(feature = "cli")]
pub(crate) use read::RowReader;
pub use read::{Arrays, DataForm, ReadArrays, Select};
