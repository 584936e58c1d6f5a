//! Files of models and weights without an engine: inspect, scan, compare, edit and convert them.
//!
//! Everything here works with the feature `files` alone, which brings no tensors and no layers. The lowest level knows
//! containers: a guarded reader and a writer each for zip archives ([`ZipReader`], [`ZipWriter`]) and for HDF5
//! files ([`H5Reader`], [`H5Builder`]), and [`NpyArray`] for arrays of NumPy. Every format of Keras goes through them,
//! under one set of [`Limits`]. Above them, a [`ModelFile`] is a configuration ([`Value`](crate::json::Value)) and a
//! [`WeightTree`] of arrays, whose elements ([`TensorBytes`]) may be slices of the file.
//!
//! | to | use |
//! |---|---|
//! | list what a file holds | [`inspect`] |
//! | check a file from an untrusted source | [`scan`], [`scan_weights`] |
//! | compare two files | [`diff`] |
//! | rename, add and delete objects and weights | [`FileEditor`] |
//! | change the format | [`convert`] |
//! | draw the model | `plot::plot_file`, with the feature `plot` |
//! | merge or split shards | [`convert`], or [`WeightTree::save`] and [`WeightTree::save_sharded`] |
//!
//! Models in memory are loaded and saved in `saving`, which stands on this module and exports it too.
//!
//! ```
//! use keras_serial::files::{Limits, TensorBytes, DType, WeightTree, inspect};
//! # let home = tempfile::tempdir()?;
//! # let path = home.path().join("my.weights.h5");
//! let mut tree = WeightTree::default();
//! tree.insert("layers/dense/vars/0", TensorBytes { dtype: DType::UInt8, shape: vec![2], data: vec![7, 8].into() })?;
//! tree.save(&path)?;
//! let contents = inspect(&path, &Limits::default())?;
//! assert_eq!(contents.weights[0].path, "layers/dense/vars/0");
//! assert_eq!((contents.weights[0].dtype.as_str(), contents.num_bytes()), ("uint8", 2));
//! # Ok::<(), keras_serial::Error>(())
//! ```

mod form;
mod hdf5;
pub(crate) mod io;
mod json_text;
pub(crate) mod legacy;
mod limits;
mod loadable;
mod model;
pub(crate) mod npy;
#[cfg(feature = "plot")]
pub mod plot;
pub(crate) mod safetensors;
mod text;
mod tools;
mod weights;
pub(crate) mod zip;

pub use crate::array::{DType, TensorBytes};
pub use form::FileForm;
pub(crate) use form::wrong_suffix;
pub use hdf5::{H5Attr, H5Builder, H5Dataset, H5Group, H5Reader};
pub use io::{Source, write_atomically};
pub use limits::Limits;
pub(crate) use loadable::{check_config, check_tree};
pub(crate) use model::{ASSETS, Layout, Parts, TRAINING_STATE, WEIGHTS};
pub use model::{ModelFile, WriteOptions};
pub use npy::NpyArray;
pub(crate) use text::table;
pub(crate) use tools::convert_file;
#[cfg(all(feature = "cli", not(feature = "archive")))]
pub(crate) use tools::convert_open;
#[cfg(feature = "plot")]
pub(crate) use tools::layer_groups;
pub use tools::{
    Change, Code, Comparison, CompileInfo, ConfigChange, Difference, EntryChange, FileEditor, Finding, Inspection,
    ObjectInfo, ScanReport, Severity, WeightChange, WeightInfo, convert, diff, inspect, scan, scan_weights,
};
#[cfg(feature = "cli")]
pub(crate) use tools::{FileSummary, OPTIMIZER_GROUPS, diff_named, is_compiled};
#[cfg(all(feature = "cli", feature = "engine"))]
pub(crate) use weights::FileTensor;
pub(crate) use weights::{KERAS_VERSION, names, write_hdf5, write_shards};
pub use weights::{StoredTensor, WeightTree};
pub use zip::{ZipMember, ZipReader, ZipTime, ZipWriter};
