//! Weights as a tree of named tensors, in one file of HDF5 or in several.

mod shards;
mod tree;
mod written;

pub(crate) use shards::{open as open_shards, write as write_shards};
pub(crate) use tree::names;
pub use tree::{FileTensor, StoredTensor, WeightTree};
pub(crate) use written::{KERAS_VERSION, verify, write_hdf5};
