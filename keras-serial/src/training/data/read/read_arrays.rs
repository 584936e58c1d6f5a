//! Options for reading data files.

use std::path::Path;

use indexmap::IndexMap;

use super::{Arrays, DataForm, Select, npy, npz};
use crate::error::{Result, ResultExt};
use crate::files::io::Section;
use crate::files::npy::normalized;
use crate::files::{Limits, Source, safetensors};
use crate::tensor::{DType, Tensor};

/// Reads data files: `.npy`, `.npz`, `.safetensors`, and with their features `.csv`, `.parquet`.
///
/// The sizes that a file declares are checked against [`Limits`] before memory is allocated, and no code
/// from a file is run.
///
/// ```no_run
/// use keras_serial::prelude::*;
/// use keras_serial::training::data::ReadArrays;
/// # fn example(model: &Model) -> Result<()> {
/// let data = ReadArrays::new().read("digits.npz")?;
/// model.fit((data.get("x")?, data.get("y")?), Fit::new().epochs(5))?;
/// # Ok(())
/// # }
/// ```
///
/// Read an array in memory, as `numpy.save` writes it:
///
/// ```
/// use keras_serial::training::data::{DataForm, ReadArrays};
/// let mut file = b"\x93NUMPY\x01\x00\x39\x00{'descr': '<i2', 'fortran_order': False, 'shape': (2,), }".to_vec();
/// file.extend([7, 0, 8, 0]);
/// let data = ReadArrays::new().read_bytes(DataForm::Npy, file)?;
/// assert_eq!(data.single()?.to_vec::<i16>()?, [7, 8]);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[derive(Debug, Clone)]
#[must_use = "`read` and its like do the reading"]
pub struct ReadArrays {
    pub(super) limits: Limits,
    memory_map: bool,
    pub(super) only: Select,
    pub(super) header: bool,
    pub(super) delimiter: u8,
    pub(super) dtype: DType,
    pub(super) column_dtypes: Vec<(String, DType)>,
}

impl Default for ReadArrays {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            memory_map: false,
            only: Select::All,
            header: true,
            delimiter: b',',
            dtype: DType::Float32,
            column_dtypes: Vec::new(),
        }
    }
}

impl ReadArrays {
    /// Creates the default options: all arrays, within the default limits; CSV with a header, as
    /// `float32`.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the limits for reading the file.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Sets whether files are memory-mapped instead of read into memory; false by default.
    ///
    /// **Nobody may write to the file while a tensor of it is alive**, as
    /// [`LoadOptions::memory_map`](crate::saving::LoadOptions::memory_map) explains: a process that
    /// truncates it kills this one.
    pub fn memory_map(mut self, memory_map: bool) -> Self {
        self.memory_map = memory_map;
        self
    }

    /// Reads only these arrays or columns, by name (`["x", "y"]`) or by position (`0..64`).
    pub fn only(mut self, only: impl Into<Select>) -> Self {
        self.only = only.into();
        self
    }

    /// CSV: sets whether the first row holds the names of the columns; true by default. If false, they
    /// are named `0`, `1` and so on.
    pub fn header(mut self, header: bool) -> Self {
        self.header = header;
        self
    }

    /// CSV: sets the separator of columns; a comma by default.
    pub fn delimiter(mut self, delimiter: u8) -> Self {
        self.delimiter = delimiter;
        self
    }

    /// CSV: sets the dtype of the columns; `float32` by default. Other formats store it.
    pub fn dtype(mut self, dtype: DType) -> Self {
        self.dtype = dtype;
        self
    }

    /// CSV: sets the dtype of one column: `int64` for labels, `string` for text.
    pub fn column_dtype(mut self, name: impl Into<String>, dtype: DType) -> Self {
        self.column_dtypes.push((name.into(), dtype));
        self
    }

    /// Reads the arrays of a file, whose name tells the format.
    ///
    /// # Errors
    /// Names the file and the place in it, with a kind that says what is wrong:
    /// [`Data`](crate::ErrorKind::Data) or, for a zip archive or safetensors,
    /// [`Archive`](crate::ErrorKind::Archive) when it is broken, cut short, or lacks what is requested;
    /// [`Limit`](crate::ErrorKind::Limit) when it is too large;
    /// [`CodeRefused`](crate::ErrorKind::CodeRefused) for pickled objects;
    /// [`Unsupported`](crate::ErrorKind::Unsupported) for what tensors can't hold or this build can't
    /// read.
    pub fn read(&self, path: impl AsRef<Path>) -> Result<Arrays> {
        let path = path.as_ref();
        let form = DataForm::of(path)?;
        let file = Section::open(path, self.memory_map);
        file.and_then(|file| self.read_section(form, file)).at_with(|| path.display().to_string())
    }

    /// Reads the arrays of a file in memory. The array of a `.npy` file is named `arr_0`, as
    /// `numpy.savez` names an array without a name.
    ///
    /// # Errors
    /// As [`ReadArrays::read`].
    pub fn read_bytes(&self, form: DataForm, bytes: impl Into<Source>) -> Result<Arrays> {
        self.read_section(form, bytes.into().into_bytes().into())
    }

    pub(super) fn read_section(&self, form: DataForm, file: Section) -> Result<Arrays> {
        match form {
            DataForm::Npy => {
                self.only.places(&["arr_0"])?;
                Ok(std::iter::once(("arr_0".to_owned(), npy::read(&file, &self.limits)?)).collect())
            }
            DataForm::Npz => npz::read(file, &self.only, &self.limits),
            DataForm::Safetensors => self.read_safetensors(&file),
            DataForm::Csv => self.read_csv(&file),
            DataForm::Parquet => self.read_parquet(&file),
        }
    }

    fn read_safetensors(&self, file: &Section) -> Result<Arrays> {
        let (entries, _) = safetensors::entries(file, &self.limits)?;
        let entries: IndexMap<_, _> = entries.into_iter().collect();
        let names: Vec<&str> = entries.keys().map(String::as_str).collect();
        let mut total = 0u64;
        let wanted = self.only.places(&names)?.into_iter().filter_map(|place| entries.get_index(place));
        let arrays = wanted.map(|(name, data)| {
            let bytes = data.data.len();
            total = total.saturating_add(bytes);
            Limits::check("bytes of an array", bytes, self.limits.max_dataset_bytes)
                .and_then(|()| Limits::check("bytes of all arrays", total, self.limits.max_total_bytes))
                .and_then(|()| Tensor::from_bytes(&normalized(data.read()?)))
                .map(|tensor| (name.clone(), tensor))
                .at_with(|| name.clone())
        });
        arrays.collect()
    }

    #[cfg(feature = "csv")]
    fn read_csv(&self, file: &Section) -> Result<Arrays> {
        Limits::check("bytes of a table", file.len(), self.limits.max_total_bytes)?;
        super::csv::read(&file.read()?, self)
    }

    #[cfg(not(feature = "csv"))]
    fn read_csv(&self, _: &Section) -> Result<Arrays> {
        Err(lacking(DataForm::Csv, "enable the feature `csv`"))
    }

    #[cfg(feature = "parquet")]
    fn read_parquet(&self, file: &Section) -> Result<Arrays> {
        Limits::check("bytes of a table", file.len(), self.limits.max_total_bytes)?;
        super::parquet::read(&file.read()?, &self.only, &self.limits)
    }

    #[cfg(not(feature = "parquet"))]
    fn read_parquet(&self, _: &Section) -> Result<Arrays> {
        Err(lacking(DataForm::Parquet, "enable the feature `parquet`"))
    }
}

#[cfg(not(all(feature = "csv", feature = "parquet")))]
fn lacking(form: DataForm, hint: &'static str) -> crate::Error {
    crate::Error::new(crate::ErrorKind::Unsupported, format!("this build does not read {form}")).hint(hint)
}
