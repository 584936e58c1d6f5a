//! Writes trees of weights as HDF5 files, and verifies what was written.

use std::fs::File;
use std::io::BufWriter;
use std::path::Path;

use super::tree::WeightTree;
use crate::error::{Error, ErrorKind, Result, ResultExt};
use crate::files::io::{Section, Staged};
use crate::files::{H5Attr, H5Builder, H5Reader, Limits};
use crate::utils::join;

/// The version of Keras whose file formats are written.
pub(crate) const KERAS_VERSION: &str = "3.15.1";

/// Writes a tree as an HDF5 file, and reads names and shapes back, within the limits for loading, before
/// it replaces the old file.
pub(crate) fn write_hdf5(tree: &WeightTree, path: &Path, limits: &Limits, fsync: bool) -> Result<()> {
    stage_hdf5(tree, path, limits, fsync)?.commit()
}

/// Like [`write_hdf5`], but leaves the file ready to replace the old one.
pub(crate) fn stage_hdf5(tree: &WeightTree, path: &Path, limits: &Limits, fsync: bool) -> Result<Staged> {
    let (staged, ()) = Staged::write(path, fsync, |file| {
        tree.to_hdf5()?.write(BufWriter::new(&mut *file))?;
        verify(file, tree, limits, Ok)
    })?;
    Ok(staged)
}

/// Checks that a file that was just written holds what it should.
pub(crate) fn verify(
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

impl WeightTree {
    /// Writes the tree as an HDF5 file, as Keras's `H5IOStore` does;
    /// [`ModelFile::open`](crate::files::ModelFile::open) reads it.
    ///
    /// # Errors
    /// When a tensor can't be read, or the system refuses; the old file stays.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        write_hdf5(self, path.as_ref(), &Limits::default(), true)
    }

    /// Converts the tree to the groups of an HDF5 file.
    pub(crate) fn to_hdf5(&self) -> Result<H5Builder> {
        let mut file = H5Builder::new();
        self.fill("", &mut file)?;
        Ok(file)
    }

    /// Adds what the tree holds; `path` is the tree's, for errors.
    fn fill(&self, path: &str, file: &mut H5Builder) -> Result<()> {
        for (name, value) in &self.attrs {
            file.attr(name.clone(), value.clone());
        }
        for (name, tensor) in &self.tensors {
            let data = tensor.read_at(&join(path, name))?;
            file.dataset(name, data).at_with(|| path.to_owned())?;
        }
        for (name, group) in &self.groups {
            group.fill(&join(path, name), file.group(name).at_with(|| path.to_owned())?)?;
        }
        Ok(())
    }

    /// Returns an upper bound for the size of its HDF5 file in bytes.
    pub(crate) fn size_bound(&self) -> u64 {
        let own = 4096 + self.attrs.values().map(attr_size).sum::<u64>();
        let tensors: u64 = self.tensors.values().map(|tensor| tensor.num_bytes().saturating_add(1024)).sum();
        self.groups.values().fold(own.saturating_add(tensors), |sum, group| sum.saturating_add(group.size_bound()))
    }
}

fn attr_size(value: &H5Attr) -> u64 {
    match value {
        H5Attr::Str(text) => text.len() as u64 * 2 + 4096,
        H5Attr::StrList(texts) => texts.iter().map(|text| text.len() as u64 * 2 + 64).sum::<u64>() + 4096,
        _ => 64,
    }
}
