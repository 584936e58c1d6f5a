//! HDF5 files, the container of Keras's weights.
//!
//! The crate `hdf5-pure` reads and writes the format itself. This module adds what a reader of untrusted
//! files needs: limits before allocations, refusal of links and of data in other files, and weights that
//! are slices of the file.

mod budget;
mod dtype;
mod links;
mod read;
mod shared;
#[cfg(test)]
mod tests;
mod tree;
mod write;

pub use read::H5Reader;
pub use tree::{H5Attr, H5Dataset, H5Group};
pub use write::H5Builder;

use crate::error::{Error, ErrorKind};

/// Converts an error of the HDF5 library to one of this crate.
fn h5_error(error: hdf5_pure::Error) -> Error {
    match error {
        hdf5_pure::Error::Io(error) => error.into(),
        error => Error::new(ErrorKind::Hdf5, error.to_string()).with_source(error),
    }
}
