//! Loads and saves models and their weights, in every file format of Keras.
//!
//! [`LoadOptions`] and [`SaveOptions`] load and save whole models and weights alone. Files as such are the subject of
//! [`files`](crate::files), which needs no model; its items are exported here too. Training data is read by
//! [`training::data`](crate::training::data).

mod assets;
pub mod callbacks;
mod lambdas;
mod legacy;
mod load;
mod load_options;
mod save;
mod tools;
mod weights;

pub use self::load::load_model;
pub use self::load_options::LoadOptions;
pub use self::save::SaveOptions;
#[cfg(feature = "cli")]
pub(crate) use self::tools::convert_open;
pub use self::tools::{convert, lint};
pub use self::weights::{LoadReport, Mismatch, Missing};
pub use crate::files::{
    Change, Code, Comparison, ConfigChange, Difference, FileEditor, FileForm, Finding, H5Attr, H5Builder, H5Dataset,
    H5Group, H5Reader, Inspection, Limits, ModelFile, NpyArray, ObjectInfo, ScanReport, Severity, Source, StoredTensor,
    WeightChange, WeightInfo, WeightTree, ZipMember, ZipReader, ZipTime, ZipWriter, diff, inspect, scan, scan_weights,
    write_atomically,
};
