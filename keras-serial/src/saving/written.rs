//! Writes weights files, and verifies what was written.

use std::fs::File;
use std::io::BufWriter;
use std::path::Path;

use super::atomic::Staged;
use super::section::Section;
use super::stored::WeightTree;
use super::{H5Reader, Limits};
use crate::error::{Error, ErrorKind, Result};

/// The version of Keras whose file formats are written.
pub(super) const KERAS_VERSION: &str = "3.15.1";

/// Writes a tree as an HDF5 file, and reads names and shapes back, within the limits for loading, before
/// it replaces the old file.
pub(super) fn write_hdf5(tree: &WeightTree, path: &Path, limits: &Limits, fsync: bool) -> Result<()> {
    stage_hdf5(tree, path, limits, fsync)?.commit()
}

/// Like [`write_hdf5`], but leaves the file ready to replace the old one.
pub(super) fn stage_hdf5(tree: &WeightTree, path: &Path, limits: &Limits, fsync: bool) -> Result<Staged> {
    let (staged, ()) = Staged::write(path, fsync, |file| {
        tree.to_hdf5()?.write(BufWriter::new(&mut *file))?;
        verify(file, tree, limits, Ok)
    })?;
    Ok(staged)
}

/// Checks that a file that was just written holds what it should.
pub(super) fn verify(
    file: &File,
    expected: &WeightTree,
    limits: &Limits,
    member: impl FnOnce(Section) -> Result<Section>,
) -> Result<()> {
    let limits = limits.clone().with_max_ratio(u64::MAX);
    let file = member(Section::of_file(file)?)?;
    let found: WeightTree = H5Reader::of_section(file, &limits)?.root().into();
    let mut error = None;
    expected.each(&mut |path, tensor| {
        let same = found
            .tensor(&path)
            .is_some_and(|found| found.shape() == tensor.shape() && found.dtype().ok() == tensor.dtype().ok());
        if !same {
            error = Some(path);
        }
    });
    match error {
        None => Ok(()),
        Some(path) => Err(Error::new(ErrorKind::Io, "the file that was written does not hold the weight").at(path)),
    }
}
