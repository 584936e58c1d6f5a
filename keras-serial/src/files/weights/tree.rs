//! The weights of a file before they are read: a tree of named tensors.

use std::collections::BTreeMap;

use indexmap::IndexMap;
use rayon::prelude::*;

use crate::array::{DType, TensorBytes};
use crate::error::{Error, ErrorKind, Result};
use crate::files::io::Section;
use crate::files::{H5Attr, H5Dataset, H5Group};
use crate::utils::join;

/// A tensor in a file: its dtype and shape are known, its elements are read on demand.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum StoredTensor {
    /// A dataset of an HDF5 file.
    Hdf5(H5Dataset),
    /// Elements in memory: a slice of a file, or set by a caller.
    Bytes(TensorBytes),
    /// Contiguous elements in a file.
    #[doc(hidden)]
    File(FileTensor),
}

/// A tensor whose elements are contiguous in a file and read on demand.
#[derive(Debug, Clone)]
pub struct FileTensor {
    pub(crate) dtype: DType,
    pub(crate) shape: Vec<usize>,
    pub(crate) data: Section,
}

impl FileTensor {
    pub(crate) fn read(&self) -> Result<TensorBytes> {
        Ok(TensorBytes { dtype: self.dtype, shape: self.shape.clone(), data: self.data.read()? })
    }
}

impl From<FileTensor> for StoredTensor {
    fn from(tensor: FileTensor) -> Self {
        StoredTensor::File(tensor)
    }
}

impl StoredTensor {
    /// Returns the shape.
    pub fn shape(&self) -> &[usize] {
        match self {
            StoredTensor::Hdf5(dataset) => dataset.shape(),
            StoredTensor::Bytes(tensor) => &tensor.shape,
            StoredTensor::File(tensor) => &tensor.shape,
        }
    }

    /// Returns the dtype.
    ///
    /// # Errors
    /// For types that tensors don't support.
    pub fn dtype(&self) -> Result<DType> {
        match self {
            StoredTensor::Hdf5(dataset) => dataset.dtype(),
            StoredTensor::Bytes(tensor) => Ok(tensor.dtype),
            StoredTensor::File(tensor) => Ok(tensor.dtype),
        }
    }

    /// Returns the size of the elements in bytes; 0 if their type is not supported.
    pub fn num_bytes(&self) -> u64 {
        let size = self.dtype().map_or(0, DType::size) as u64;
        self.shape().iter().fold(size, |bytes, extent| bytes.saturating_mul(*extent as u64))
    }

    /// Returns the elements: read from the file, or a slice of memory; decompressed if they are
    /// compressed.
    ///
    /// # Errors
    /// As [`H5Dataset::read`].
    pub fn read(&self) -> Result<TensorBytes> {
        match self {
            StoredTensor::Hdf5(dataset) => dataset.read(),
            StoredTensor::Bytes(tensor) => Ok(tensor.clone()),
            StoredTensor::File(tensor) => tensor.read(),
        }
    }

    /// Returns the elements, as [`StoredTensor::read`]; an error has this path, unless it has one already: that in the
    /// file which is read.
    pub(crate) fn read_at(&self, path: &str) -> Result<TensorBytes> {
        self.read().map_err(|error| error.or_at(path))
    }
}

impl From<TensorBytes> for StoredTensor {
    fn from(tensor: TensorBytes) -> Self {
        StoredTensor::Bytes(tensor)
    }
}

/// A tree of groups and tensors by name, as in a weights file.
///
/// ```
/// use keras_serial::files::WeightTree;
/// use keras_serial::files::{DType, TensorBytes};
/// let mut tree = WeightTree::default();
/// let kernel = TensorBytes { dtype: DType::UInt8, shape: vec![2], data: vec![7, 8].into() };
/// tree.insert("layers/dense/vars/0", kernel)?;
/// assert_eq!(tree.tensor("layers/dense/vars/0").unwrap().shape(), [2]);
/// assert_eq!(tree.paths(), ["layers/dense/vars/0"]);
/// # let home = tempfile::tempdir()?;
/// # let path = home.path().join("my.weights.h5");
/// tree.save(&path)?;
/// let file = keras_serial::files::ModelFile::open(&path, &Default::default())?;
/// assert_eq!(file.weights().unwrap().tensor("layers/dense/vars/0").unwrap().read()?.data.as_ref(), [7, 8]);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct WeightTree {
    /// The attributes of the group.
    pub attrs: BTreeMap<String, H5Attr>,
    /// The groups in this one.
    pub groups: IndexMap<String, WeightTree>,
    /// The tensors in this group.
    pub tensors: IndexMap<String, StoredTensor>,
}

/// Splits a path into its names and skips empty ones.
pub(crate) fn names(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|name| !name.is_empty())
}

impl WeightTree {
    /// Returns the group at a path; itself for the empty path.
    pub fn group(&self, path: &str) -> Option<&WeightTree> {
        names(path).try_fold(self, |group, name| group.groups.get(name))
    }

    /// Returns the group at a path, mutably.
    pub fn group_mut(&mut self, path: &str) -> Option<&mut WeightTree> {
        names(path).try_fold(self, |group, name| group.groups.get_mut(name))
    }

    /// Returns the group at a path; creates it, and those above it, if it does not exist.
    ///
    /// # Errors
    /// When a tensor has one of the names.
    pub fn make_group(&mut self, path: &str) -> Result<&mut WeightTree> {
        let mut group = self;
        for name in names(path) {
            if matches!(name, "." | "..") || name.contains('\0') {
                return Err(Error::new(ErrorKind::InvalidArgument, "not the name of a group")
                    .received(format!("{name:?}"))
                    .at(path.to_owned()));
            }
            if group.tensors.contains_key(name) {
                return Err(Error::new(ErrorKind::Weights, "a tensor has the name of a group").at(path.to_owned()));
            }
            group = group.groups.entry(name.to_owned()).or_default();
        }
        Ok(group)
    }

    /// Returns the tensor at a path.
    pub fn tensor(&self, path: &str) -> Option<&StoredTensor> {
        let (group, name) = path.rsplit_once('/').unwrap_or(("", path));
        self.group(group)?.tensors.get(name)
    }

    /// Inserts a tensor at a path; replaces the one there.
    ///
    /// # Errors
    /// When a group has the tensor's name, or a tensor has the name of one of its groups.
    pub fn insert(&mut self, path: &str, tensor: impl Into<StoredTensor>) -> Result<()> {
        let (group, name) = path.rsplit_once('/').unwrap_or(("", path));
        let group = self.make_group(group)?;
        if name.is_empty() || group.groups.contains_key(name) {
            return Err(Error::new(ErrorKind::Weights, "no name for a tensor, or that of a group").at(path.to_owned()));
        }
        group.tensors.insert(name.to_owned(), tensor.into());
        Ok(())
    }

    /// Removes the tensor at a path, if there is one; its group stays.
    #[cfg(feature = "engine")]
    pub(crate) fn remove(&mut self, path: &str) {
        let (group, name) = path.rsplit_once('/').unwrap_or(("", path));
        if let Some(group) = self.group_mut(group) {
            group.tensors.shift_remove(name);
        }
    }

    /// Adds what another tree holds, in place of what has the same path here.
    #[cfg(feature = "engine")]
    pub(crate) fn merge(&mut self, other: &WeightTree) {
        self.attrs.extend(other.attrs.iter().map(|(name, value)| (name.clone(), value.clone())));
        self.tensors.extend(other.tensors.iter().map(|(name, tensor)| (name.clone(), tensor.clone())));
        for (name, group) in &other.groups {
            self.groups.entry(name.clone()).or_default().merge(group);
        }
    }

    /// Calls `visit` with the path of every tensor, in order.
    pub fn each<'a>(&'a self, visit: &mut dyn FnMut(String, &'a StoredTensor)) {
        self.walk("", visit);
    }

    fn walk<'a>(&'a self, path: &str, visit: &mut dyn FnMut(String, &'a StoredTensor)) {
        for (name, tensor) in &self.tensors {
            visit(join(path, name), tensor);
        }
        for (name, group) in &self.groups {
            group.walk(&join(path, name), visit);
        }
    }

    /// Returns the paths of all groups that hold tensors or attributes, in order.
    pub(crate) fn groups_with_contents(&self) -> Vec<String> {
        fn walk(path: &str, tree: &WeightTree, out: &mut Vec<String>) {
            if !tree.tensors.is_empty() || !tree.attrs.is_empty() {
                out.push(path.to_owned());
            }
            tree.groups.iter().for_each(|(name, group)| walk(&join(path, name), group, out));
        }
        let mut out = Vec::new();
        walk("", self, &mut out);
        out
    }

    /// Reads all tensors into memory, so that the file is no longer needed.
    pub(crate) fn read_all(&mut self) -> Result<()> {
        let mut tensors = Vec::new();
        self.all_mut(&mut tensors);
        tensors.into_par_iter().try_for_each(|tensor| {
            *tensor = StoredTensor::Bytes(tensor.read()?);
            Ok(())
        })
    }

    fn all_mut<'a>(&'a mut self, out: &mut Vec<&'a mut StoredTensor>) {
        out.extend(self.tensors.values_mut());
        self.groups.values_mut().for_each(|group| group.all_mut(out));
    }

    /// Returns the paths of all tensors.
    pub fn paths(&self) -> Vec<String> {
        let mut paths = Vec::new();
        self.each(&mut |path, _| paths.push(path));
        paths
    }

    /// Returns true if there are no attributes, groups or tensors.
    pub fn is_empty(&self) -> bool {
        self.attrs.is_empty() && self.groups.is_empty() && self.tensors.is_empty()
    }
}

/// Returns a sort key that orders numbers by value, and other names after them: Keras's datasets are
/// "0", "1", ….
/// ….
fn natural(name: &str) -> (bool, u64, &str) {
    name.parse().map_or((true, 0, name), |number| (false, number, name))
}

impl From<&H5Group> for WeightTree {
    fn from(group: &H5Group) -> Self {
        let mut tensors: Vec<(&String, &H5Dataset)> = group.datasets.iter().collect();
        tensors.sort_by_key(|(name, _)| natural(name));
        Self {
            attrs: group.attrs.clone(),
            groups: group.groups.iter().map(|(name, group)| (name.clone(), group.into())).collect(),
            tensors: tensors.into_iter().map(|(n, d)| (n.clone(), StoredTensor::Hdf5(d.clone()))).collect(),
        }
    }
}
