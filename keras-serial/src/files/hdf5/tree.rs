//! The contents of an HDF5 file, as a tree.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use hdf5_pure::{DatatypeByteOrder, Layout, VlenStringReadOptions};

use super::shared::Shared;
use super::{dtype, h5_error};
use crate::array::{DType, TensorBytes};
use crate::error::{Error, ErrorKind, Result, ResultExt};
use crate::files::Limits;
use crate::files::io::Section;

/// A group: attributes, groups and datasets by name, sorted by name as in h5py.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct H5Group {
    /// The attributes.
    pub attrs: BTreeMap<String, H5Attr>,
    /// The groups in this group.
    pub groups: BTreeMap<String, H5Group>,
    /// The datasets in this group.
    pub datasets: BTreeMap<String, H5Dataset>,
}

impl H5Group {
    /// Returns the group at a path of names separated by `/`; itself for the empty path.
    pub fn group(&self, path: &str) -> Option<&H5Group> {
        path.split('/').filter(|name| !name.is_empty()).try_fold(self, |group, name| group.groups.get(name))
    }

    /// Returns the dataset at a path of names separated by `/`.
    pub fn dataset(&self, path: &str) -> Option<&H5Dataset> {
        let (group, name) = path.rsplit_once('/').unwrap_or(("", path));
        self.group(group)?.datasets.get(name)
    }
}

/// The value of an attribute.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum H5Attr {
    /// A string, of fixed or variable length in the file.
    Str(String),
    /// A list of strings.
    StrList(Vec<String>),
    /// An integer (a boolean is 0 or 1).
    Int(i64),
    /// A floating-point number.
    Float(f64),
    /// Anything else, which can't be read, as a description of its type.
    Other(String),
}

impl H5Attr {
    /// Returns the string, if it is one.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            H5Attr::Str(text) => Some(text),
            _ => None,
        }
    }

    /// Returns the list of strings, if it is one.
    pub fn as_str_list(&self) -> Option<&[String]> {
        match self {
            H5Attr::StrList(texts) => Some(texts),
            _ => None,
        }
    }
}

/// A dataset: its dtype and shape, and how to read its elements.
#[derive(Clone)]
pub struct H5Dataset {
    pub(super) shared: Arc<Shared>,
    pub(super) path: String,
    pub(super) shape: Vec<usize>,
    /// The dtype; for a type that tensors don't support, its description.
    pub(super) dtype: Result<(DType, DatatypeByteOrder), String>,
    pub(super) layout: Layout,
    /// The elements, if they have been read with the rest of the file.
    pub(super) data: Option<Bytes>,
    pub(super) element_bytes: u64,
    pub(super) attrs: BTreeMap<String, H5Attr>,
}

impl fmt::Debug for H5Dataset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.dtype {
            Ok((dtype, _)) => write!(f, "{dtype}{:?}", self.shape),
            Err(other) => write!(f, "{other}{:?}", self.shape),
        }
    }
}

impl H5Dataset {
    /// Returns the dtype of the elements.
    ///
    /// # Errors
    /// [`ErrorKind::Hdf5`] for types that tensors don't support: complex numbers, records, references.
    pub fn dtype(&self) -> Result<DType> {
        self.typed().map(|(dtype, _)| dtype).at_with(|| self.path.clone())
    }

    /// Returns the shape; empty for a scalar.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Returns the attributes.
    pub fn attrs(&self) -> &BTreeMap<String, H5Attr> {
        &self.attrs
    }

    /// Returns the path of the dataset in its file.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Returns the elements: a slice of memory if they are contiguous and little-endian, as Keras writes
    /// them, and the file is in memory; else read from the file, or decompressed.
    ///
    /// # Errors
    /// With the path in the file: [`ErrorKind::Hdf5`] when data is cut short, compressed in an unknown
    /// way, in another file, or not numeric (see [`H5Dataset::read_strings`]); [`ErrorKind::Limit`] when
    /// it would unpack to far more than the file holds.
    pub fn read(&self) -> Result<TensorBytes> {
        self.read_numbers().at_with(|| self.path.clone())
    }

    /// Returns the elements of a dataset of strings, in row-major order.
    ///
    /// # Errors
    /// As [`H5Dataset::read`]; [`ErrorKind::Hdf5`] when the elements are not strings.
    pub fn read_strings(&self) -> Result<Vec<String>> {
        self.read_texts().at_with(|| self.path.clone())
    }

    fn typed(&self) -> Result<(DType, DatatypeByteOrder)> {
        self.dtype.clone().map_err(|other| {
            Error::new(ErrorKind::Hdf5, "elements of the dataset are of no type of a tensor").received(other)
        })
    }

    fn read_numbers(&self) -> Result<TensorBytes> {
        let (dtype, order) = self.typed()?;
        if dtype == DType::String {
            return Err(Error::new(ErrorKind::Hdf5, "dataset holds texts").expected("numbers"));
        }
        let bytes = self.bytes()?;
        let data = match Layout::clone(&self.layout) {
            Layout::Contiguous { address: Some(address), .. } => match &self.data {
                Some(data) => data.clone(),
                None => self.piece(address, bytes)?.read()?,
            },
            _ => self.unpack(bytes)?,
        };
        let data = match order {
            _ if dtype.size() == 1 => data,
            DatatypeByteOrder::LittleEndian => data,
            DatatypeByteOrder::BigEndian => swapped(data, dtype.size()),
            order => {
                return Err(Error::new(ErrorKind::Hdf5, "byte order is not read").received(order.to_string()));
            }
        };
        Ok(TensorBytes { dtype, shape: self.shape.clone(), data })
    }

    /// Returns the size of the elements in bytes, by dtype and shape.
    pub(super) fn bytes(&self) -> Result<u64> {
        let count = self.shape.iter().try_fold(1u64, |count, extent| count.checked_mul(*extent as u64));
        count
            .and_then(|count| count.checked_mul(self.element_bytes))
            .ok_or_else(|| Error::new(ErrorKind::Limit, "shape is too large").received(format!("{:?}", self.shape)))
    }

    /// Returns the range of the elements in the file, if they are contiguous.
    pub(super) fn range(&self) -> Option<Range<u64>> {
        let Layout::Contiguous { address: Some(address), .. } = self.layout else { return None };
        Some(address..address.checked_add(self.bytes().ok()?)?)
    }

    fn piece(&self, address: u64, length: u64) -> Result<Section> {
        let file = self.shared.source.file();
        let piece = address.checked_add(length).and_then(|end| file.part(address..end));
        piece.ok_or_else(|| {
            Error::new(ErrorKind::Hdf5, "dataset is cut short: its shape asks for more than the file holds")
                .expected(format!("{length} bytes at {address}"))
                .received(format!("a file of {} bytes", file.len()))
        })
    }

    /// Reads the elements with the library, after checking the ratio of unpacked to stored bytes.
    fn unpack(&self, bytes: u64) -> Result<Bytes> {
        if bytes == 0 {
            return Ok(Bytes::new());
        }
        let limits = &self.shared.limits;
        Limits::check("bytes of a dataset", bytes, limits.max_dataset_bytes)?;
        self.shared.source.refill(bytes);
        let dataset = self.shared.file.dataset(&self.path).map_err(h5_error)?;
        match &self.layout {
            Layout::Compact { .. } => Limits::check("bytes of a compact dataset", bytes, 1 << 16)?,
            Layout::Chunked { chunk_shape, .. } => {
                let chunks = dataset.chunks().map_err(h5_error)?;
                let file = self.shared.source.file().len();
                // The library allocates a chunk before it checks that the file holds it.
                let ends = chunks.iter().map(|chunk| chunk.address.saturating_add(chunk.storage_size));
                if ends.max().is_some_and(|end| end > file) {
                    return Err(Error::new(ErrorKind::Hdf5, "chunk of the dataset is cut short"));
                }
                let stored = chunks.iter().map(|chunk| chunk.storage_size).fold(0, u64::saturating_add).min(file);
                let chunk = chunk_shape.iter().fold(self.element_bytes, |bytes, extent| bytes.saturating_mul(*extent));
                limits.check_ratio("bytes of a dataset", bytes, stored)?;
                limits.check_ratio("bytes of a chunk", chunk, stored)?;
            }
            _ => limits.check_ratio("bytes of a dataset that was never written", bytes, 0)?,
        }
        let data = dataset.read_raw().map_err(h5_error)?;
        if data.len() as u64 != bytes {
            return Err(Error::new(ErrorKind::Hdf5, "dataset does not hold what its shape says")
                .expected(format!("{bytes} bytes"))
                .received(format!("{} bytes", data.len())));
        }
        Ok(data.into())
    }

    fn read_texts(&self) -> Result<Vec<String>> {
        if self.typed()?.0 != DType::String {
            return Err(Error::new(ErrorKind::Hdf5, "dataset holds no texts").received(format!("{self:?}")));
        }
        let bytes = self.bytes()?;
        if bytes == 0 {
            return Ok(Vec::new());
        }
        // Once read here, the raw elements are checked and within limits.
        match self.layout {
            Layout::Contiguous { address: Some(address), .. } => self.piece(address, bytes).map(drop)?,
            _ => self.unpack(bytes).map(drop)?,
        }
        self.shared.source.refill(bytes);
        let dataset = self.shared.file.dataset(&self.path).map_err(h5_error)?;
        let variable = matches!(dataset.dtype(), Ok(hdf5_pure::DType::VariableLengthString));
        if !variable {
            return dataset.read_string().map_err(h5_error);
        }
        let file = self.shared.source.file().len();
        let most = file.saturating_mul(self.shared.limits.max_ratio).max(self.shared.limits.ratio_floor);
        let options = VlenStringReadOptions::new().with_max_payload_bytes(usize::try_from(most).unwrap_or(usize::MAX));
        dataset.read_vlen_strings(options).map_err(h5_error)
    }
}

/// Returns the elements in the other byte order.
fn swapped(data: Bytes, size: usize) -> Bytes {
    let mut data = Vec::from(data);
    for element in data.chunks_exact_mut(size) {
        element.reverse();
    }
    data.into()
}

/// Returns the dtype of a dataset, by its HDF5 type and its attribute `dtype`.
pub(super) fn dataset_type(
    datatype: &hdf5_pure::Datatype,
    attrs: &BTreeMap<String, H5Attr>,
) -> Result<(DType, DatatypeByteOrder), String> {
    let hint = attrs.get("dtype").and_then(H5Attr::as_str);
    dtype::from_hdf5(datatype, hint).ok_or_else(|| datatype.to_string())
}
