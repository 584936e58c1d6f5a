//! Writes HDF5 files.

use std::collections::{BTreeMap, HashMap};
use std::io::{self, Write};

use bytes::Bytes;
use hdf5_pure::{AttrValue, DatasetBuilder, FileBuilder, FileSpaceStrategy, GroupBuilder, LibVer};

use super::tree::H5Attr;
use super::{dtype, h5_error};
use crate::array::{DType, TensorBytes};
use crate::error::{Error, ErrorKind, Result, ResultExt};

/// A tree of groups to be written as an HDF5 file: contiguous, uncompressed, little-endian, as Keras
/// writes its weights.
///
/// ```
/// use keras_serial::files::{H5Attr, H5Builder, H5Reader, Limits};
/// use keras_serial::files::{DType, TensorBytes};
/// let mut root = H5Builder::new();
/// let vars = root.group("layers/dense/vars")?;
/// vars.attr("name", H5Attr::Str("dense".into()));
/// vars.dataset("0", TensorBytes { dtype: DType::UInt8, shape: vec![2], data: vec![7, 8].into() })?;
/// let mut file = Vec::new();
/// root.write(&mut file)?;
///
/// let reader = H5Reader::open(file.into(), &Limits::default())?;
/// let kernel = reader.root().dataset("layers/dense/vars/0").unwrap();
/// assert_eq!(kernel.read()?.data.as_ref(), [7, 8]);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[derive(Debug, Default, Clone)]
pub struct H5Builder {
    pub(super) attrs: BTreeMap<String, H5Attr>,
    groups: BTreeMap<String, H5Builder>,
    datasets: BTreeMap<String, TensorBytes>,
}

impl H5Builder {
    /// Creates an empty group; the outermost one is the file's root.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the group at a path of names separated by `/`; creates it, and those above it, if needed.
    ///
    /// # Errors
    /// [`ErrorKind::Hdf5`] for a name that HDF5 doesn't allow, or that a dataset has.
    pub fn group(&mut self, path: &str) -> Result<&mut H5Builder> {
        let mut group = self;
        for name in path.split('/').filter(|name| !name.is_empty()) {
            check_name(name).at_with(|| path.to_owned())?;
            if group.datasets.contains_key(name) {
                return Err(taken(name).at(path.to_owned()));
            }
            group = group.groups.entry(name.to_owned()).or_default();
        }
        Ok(group)
    }

    /// Sets an attribute of the group.
    pub fn attr(&mut self, name: impl Into<String>, value: H5Attr) -> &mut Self {
        self.attrs.insert(name.into(), value);
        self
    }

    /// Adds a dataset to the group. The data is shared, not copied, until it is written.
    ///
    /// # Errors
    /// [`ErrorKind::Hdf5`] for a name that HDF5 doesn't allow or that is taken, for strings, and for
    /// data that does not fit its shape.
    pub fn dataset(&mut self, name: &str, data: TensorBytes) -> Result<&mut Self> {
        check_name(name).at_with(|| name.to_owned())?;
        if self.groups.contains_key(name) || self.datasets.contains_key(name) {
            return Err(taken(name).at(name.to_owned()));
        }
        check_data(&data).at_with(|| name.to_owned())?;
        self.datasets.insert(name.to_owned(), data);
        Ok(self)
    }

    /// Writes the file.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] when the output fails; [`ErrorKind::Hdf5`] or [`ErrorKind::Unsupported`] for
    /// attributes that can't be written.
    pub fn write(self, output: impl Write) -> Result<()> {
        let mut file = FileBuilder::new();
        // Pages align the datasets (all but those smaller than a page), so that readers can map the file
        // and use them in place.
        file.with_libver_bounds(LibVer::Earliest, LibVer::V110);
        file.with_file_space_strategy(FileSpaceStrategy::Page, false, 1).with_file_space_page_size(PAGE);
        let mut data = Placeholders::default();
        self.fill(&mut file, &mut data)?;
        let mut output = Filled { output, data, written: 0 };
        file.finish_to(&mut output).map_err(h5_error)?;
        if output.written != output.data.0.len() {
            return Err(Error::new(ErrorKind::Hdf5, "not all datasets were written")
                .expected(output.data.0.len().to_string())
                .received(output.written.to_string()));
        }
        Ok(())
    }

    fn fill(self, parent: &mut impl Parent, data: &mut Placeholders) -> Result<()> {
        for (name, value) in self.attrs {
            let value = attribute(value).at_with(|| name.clone())?;
            parent.attr(&name, value);
        }
        for (name, tensor) in self.datasets {
            fill_dataset(parent.dataset(&name), tensor, data).at(name)?;
        }
        for (name, group) in self.groups {
            let mut builder = parent.group(&name);
            group.fill(&mut builder, data).at(name)?;
            parent.add(builder);
        }
        Ok(())
    }
}

/// What a file's root and a group have in common in the HDF5 library.
trait Parent {
    fn attr(&mut self, name: &str, value: AttrValue);
    fn dataset(&mut self, name: &str) -> &mut DatasetBuilder;
    fn group(&mut self, name: &str) -> GroupBuilder;
    fn add(&mut self, group: GroupBuilder);
}

macro_rules! parent {
    ($type:ty) => {
        impl Parent for $type {
            fn attr(&mut self, name: &str, value: AttrValue) {
                self.set_attr(name, value);
            }
            fn dataset(&mut self, name: &str) -> &mut DatasetBuilder {
                self.create_dataset(name)
            }
            fn group(&mut self, name: &str) -> GroupBuilder {
                self.create_group(name)
            }
            fn add(&mut self, group: GroupBuilder) {
                self.add_group(group.finish());
            }
        }
    };
}
parent!(FileBuilder);
parent!(GroupBuilder);

/// The smallest page size that HDF5 allows.
const PAGE: u64 = 512;
/// The size in bytes from which data is not copied.
const LARGE: usize = 1 << 20;

/// The data of datasets, by the addresses of the placeholder blocks given to the library.
///
/// The library takes data as vectors that it owns, which would be a copy of every weight. It gets zeros
/// instead, for which the system allocates no memory until they are touched, and writes each block in
/// one call, in which the data replaces the zeros. If it ever split a block, the count of replaced
/// blocks would show it.
#[derive(Default)]
struct Placeholders(HashMap<(usize, usize), Bytes>);

impl Placeholders {
    fn take(&mut self, data: Bytes) -> Vec<u8> {
        // The library collects small blocks in a buffer, so they are copied.
        if data.len() < LARGE {
            return data.into();
        }
        let block = vec![0; data.len()];
        self.0.insert((block.as_ptr().addr(), block.len()), data);
        block
    }
}

/// An output that writes the data in place of the placeholders.
struct Filled<W> {
    output: W,
    data: Placeholders,
    written: usize,
}

impl<W: Write> Write for Filled<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_all(bytes)?;
        Ok(bytes.len())
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self.data.0.get(&(bytes.as_ptr().addr(), bytes.len())) {
            Some(data) => {
                self.written += 1;
                self.output.write_all(data)
            }
            None => self.output.write_all(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.output.flush()
    }
}

fn fill_dataset(builder: &mut DatasetBuilder, tensor: TensorBytes, data: &mut Placeholders) -> Result<()> {
    let datatype = dtype::to_hdf5(tensor.dtype)
        .ok_or_else(|| Error::new(ErrorKind::Unsupported, "texts are not written as weights"))?;
    let shape: Vec<u64> = tensor.shape.iter().map(|extent| *extent as u64).collect();
    let count = shape.iter().product();
    builder.with_raw_data(datatype, data.take(tensor.data), count).with_shape(&shape);
    if tensor.dtype == DType::BFloat16 {
        builder.set_attr("dtype", AttrValue::VarLenString("bfloat16".into()));
    }
    Ok(())
}

fn attribute(value: H5Attr) -> Result<AttrValue> {
    Ok(match value {
        H5Attr::Str(text) => AttrValue::VarLenString(text),
        H5Attr::StrList(texts) => AttrValue::VarLenStringArray(texts),
        H5Attr::Int(number) => AttrValue::I64(number),
        H5Attr::Float(number) => AttrValue::F64(number),
        H5Attr::Other(other) => {
            return Err(Error::new(ErrorKind::Unsupported, "attribute can't be written").received(other));
        }
    })
}

fn check_name(name: &str) -> Result<()> {
    if matches!(name, "" | "." | "..") || name.contains(['/', '\0']) {
        return Err(Error::new(ErrorKind::Hdf5, "not a name that HDF5 takes").received(format!("{name:?}")));
    }
    Ok(())
}

fn check_data(data: &TensorBytes) -> Result<()> {
    let size = data.shape.iter().try_fold(data.dtype.size(), |size, extent| size.checked_mul(*extent));
    if size == Some(data.data.len()) && data.dtype != DType::String {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Hdf5, "data does not fit its shape")
        .expected(format!("{}{:?}", data.dtype, data.shape))
        .received(format!("{} bytes", data.data.len())))
}

fn taken(name: &str) -> Error {
    Error::new(ErrorKind::Hdf5, "group has an object of this name").received(format!("{name:?}"))
}
