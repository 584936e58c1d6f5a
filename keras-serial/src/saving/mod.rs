//! Reading and writing the files of models.
//!
//! The lowest layer knows containers, not layers: one guarded reader and one writer each of zip
//! archives ([`ZipReader`], [`ZipWriter`]) and of HDF5 files ([`H5Reader`], [`H5Builder`]). Every
//! format of Keras goes through them, under one set of [`Limits`].

mod atomic;
mod hdf5;
mod layout;
mod limits;
mod map;
mod model_file;
mod report;
mod source;
mod weights;
mod zip;

pub use self::atomic::write_atomically;
pub use self::hdf5::{H5Attr, H5Builder, H5Dataset, H5Group, H5Reader};
pub use self::limits::Limits;
pub use self::model_file::{LoadOptions, SaveOptions, load_model};
pub use self::report::{LoadReport, Mismatch, Missing};
pub use self::source::Source;
pub(crate) use self::weights::KeptGroup;
pub use self::zip::{ZipMember, ZipReader, ZipTime, ZipWriter};
