//! Loads and saves models, weights and training data, in every file format of Keras.
//!
//! The lowest level knows containers, not layers: a guarded reader and a writer each for zip archives
//! ([`ZipReader`], [`ZipWriter`]) and for HDF5 files ([`H5Reader`], [`H5Builder`]). Every format of
//! Keras goes through them, under one set of [`Limits`]. Above them are whole models ([`LoadOptions`],
//! [`SaveOptions`]), files as such ([`ModelFile`]), and training data ([`data`]).

mod assets;
mod atomic;
pub mod callbacks;
mod config_names;
mod contents;
mod convert;
pub mod data;
mod diff;
mod editor;
mod editor_names;
mod fetch;
mod form;
mod hdf5;
mod inspect;
mod keras2;
mod lambdas;
mod layout;
mod legacy;
mod legacy_config;
mod limits;
mod load;
mod load_options;
mod loadable;
mod map;
mod memory;
mod moment;
mod open_file;
mod optimizers;
mod parts;
mod report;
mod rules;
#[cfg(feature = "safetensors")]
mod safetensors;
mod save;
mod scan;
mod section;
mod shards;
mod sign;
mod source;
mod spellings;
mod stored;
mod text_table;
mod weights;
mod written;
mod zip;

pub use self::atomic::write_atomically;
pub use self::contents::ModelFile;
pub use self::convert::convert;
pub use self::diff::{Change, ConfigChange, Difference, WeightChange, diff};
pub use self::editor::{Comparison, FileEditor};
pub use self::form::FileForm;
pub use self::hdf5::{H5Attr, H5Builder, H5Dataset, H5Group, H5Reader};
pub use self::inspect::{Inspection, ObjectInfo, WeightInfo, inspect};
pub use self::limits::Limits;
pub use self::load::load_model;
pub use self::load_options::LoadOptions;
pub use self::report::{LoadReport, Mismatch, Missing};
pub use self::save::SaveOptions;
pub use self::scan::{Code, Finding, ScanReport, Severity, lint, scan};
pub use self::source::Source;
pub use self::stored::{StoredTensor, WeightTree};
pub use self::zip::{ZipMember, ZipReader, ZipTime, ZipWriter};
