//! An open HDF5 file.

use hdf5_pure::File;

use super::budget::Budgeted;
use crate::files::Limits;

/// What all datasets of a file share.
pub(super) struct Shared {
    pub(super) file: File,
    pub(super) source: Budgeted,
    pub(super) limits: Limits,
}
