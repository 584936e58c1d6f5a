//! Reads data files some rows at a time.

use std::path::Path;

use super::{Arrays, DataForm, ReadArrays, select};
#[cfg(feature = "csv")]
use super::{Select, csv};
use crate::error::{Error, ErrorKind, Result, ResultExt};
#[cfg(feature = "csv")]
use crate::files::io::SectionReader;
use crate::files::io::{Section, open_named};
use crate::files::npy::{normalized, plain};
use crate::files::{FileTensor, safetensors};
use crate::tensor::{DType, Tensor};
use crate::training::data::rows::slice_rows;

/// A data file that is read some rows at a time.
///
/// `.npy`, `.safetensors` and `.csv` are read as far as they are asked for; `.npz` and `.parquet`, which are packed, are
/// read whole.
pub(crate) struct RowReader {
    source: Source,
    /// The number of rows, if it is known without reading them.
    rows: Option<usize>,
    taken: usize,
}

enum Source {
    /// Elements that are contiguous in the file.
    Sections(Vec<(String, FileTensor)>),
    Whole(Arrays),
    #[cfg(feature = "csv")]
    Csv(Box<Csv>),
}

/// A table, and what is needed to read it anew with other columns.
#[cfg(feature = "csv")]
struct Csv {
    table: csv::Table<SectionReader>,
    section: Section,
    options: ReadArrays,
}

impl RowReader {
    /// Opens a file, whose name tells the format unless `form` does.
    ///
    /// # Errors
    /// As [`ReadArrays::read`].
    pub(crate) fn open(path: &Path, form: Option<DataForm>, options: &ReadArrays) -> Result<Self> {
        let form = form.map_or_else(|| DataForm::of(path), Ok)?;
        let section = open_named(path, false)?;
        Self::of_section(section, form, options).at_with(|| path.display().to_string())
    }

    /// Reads a file that is open, or in memory.
    ///
    /// # Errors
    /// As [`ReadArrays::read_bytes`].
    pub(crate) fn of_section(section: Section, form: DataForm, options: &ReadArrays) -> Result<Self> {
        let source = match form {
            DataForm::Safetensors => Source::Sections(safetensors::entries(&section, &options.limits)?.0),
            DataForm::Npy => match plain(&section, &options.limits)? {
                Some(array) => Source::Sections(vec![("arr_0".to_owned(), array)]),
                None => Source::Whole(options.read_section(form, section)?),
            },
            #[cfg(feature = "csv")]
            DataForm::Csv => {
                let table = csv::Table::open(section.reader(), options)?;
                Source::Csv(Box::new(Csv { table, section, options: options.clone() }))
            }
            _ => Source::Whole(options.read_section(form, section)?),
        };
        let mut reader = Self { source, rows: None, taken: 0 };
        reader.rows = reader.count(&reader.names())?;
        Ok(reader)
    }

    /// Returns the names of the arrays or columns.
    pub(crate) fn names(&self) -> Vec<String> {
        match &self.source {
            Source::Sections(entries) => entries.iter().map(|(name, _)| name.clone()).collect(),
            Source::Whole(arrays) => arrays.names().map(str::to_owned).collect(),
            #[cfg(feature = "csv")]
            Source::Csv(csv) => csv.table.names().map(str::to_owned).collect(),
        }
    }

    /// Returns true for a table, whose columns are one feature each.
    pub(crate) fn is_table(&self) -> bool {
        match &self.source {
            Source::Sections(_) => false,
            Source::Whole(arrays) => !arrays.is_empty() && arrays.iter().all(|(_, tensor)| tensor.rank() == 1),
            #[cfg(feature = "csv")]
            Source::Csv(_) => true,
        }
    }

    /// Returns the number of rows, if it is known without reading them.
    pub(crate) fn rows(&self) -> Option<usize> {
        self.rows
    }

    /// Takes these arrays or columns alone; texts of a CSV are parsed as these dtypes.
    ///
    /// # Errors
    /// If there is none of a name, they differ in their numbers of rows, or rows have been read already.
    pub(crate) fn select(&mut self, wanted: &[(String, DType)]) -> Result<()> {
        let names = self.names();
        let known: Vec<&str> = names.iter().map(String::as_str).collect();
        if let Some((name, _)) = wanted.iter().find(|(name, _)| !names.contains(name)) {
            return Err(select::unknown(name, &known));
        }
        let is_wanted = |name: &str| wanted.iter().any(|(known, _)| known == name);
        match &mut self.source {
            Source::Sections(entries) => entries.retain(|(name, _)| is_wanted(name)),
            Source::Whole(arrays) => {
                let kept = arrays.iter().filter(|(name, _)| is_wanted(name));
                *arrays = kept.map(|(name, tensor)| (name.to_owned(), tensor.clone())).collect();
            }
            #[cfg(feature = "csv")]
            Source::Csv(csv) => {
                let only = Select::Names(wanted.iter().map(|(name, _)| name.clone()).collect());
                let mut options = csv.options.clone().only(only);
                for (name, dtype) in wanted {
                    options = options.column_dtype(name.clone(), *dtype);
                }
                csv.table = csv::Table::open(csv.section.reader(), &options)?;
            }
        }
        self.rows = self.count(&self.names())?;
        Ok(())
    }

    /// Returns the common number of rows of the arrays, as far as it is known.
    fn count(&self, names: &[String]) -> Result<Option<usize>> {
        let shapes: Vec<Vec<usize>> = match &self.source {
            Source::Sections(entries) => entries.iter().map(|(_, tensor)| tensor.shape.clone()).collect(),
            Source::Whole(arrays) => arrays.iter().map(|(_, tensor)| tensor.shape().known()).collect::<Result<_>>()?,
            #[cfg(feature = "csv")]
            Source::Csv(_) => return Ok(None),
        };
        let scalar = names.iter().zip(&shapes).find(|(_, shape)| shape.is_empty());
        if let Some((name, _)) = scalar {
            return Err(Error::new(ErrorKind::Data, "a scalar has no rows").at(name.clone()));
        }
        let first = shapes.first().and_then(|shape| shape.first()).copied();
        // Arrays that are not taken may have others.
        Ok(first.filter(|first| shapes.iter().all(|shape| shape.first() == Some(first))))
    }

    /// Reads the next rows, at most `most`; arrays without rows at the end.
    ///
    /// # Errors
    /// When the file can't be read, or its arrays differ in their numbers of rows.
    pub(crate) fn next(&mut self, most: usize) -> Result<Arrays> {
        let start = self.taken;
        let range = |rows: usize| start.min(rows)..start.saturating_add(most).min(rows);
        let rows = match &self.source {
            Source::Sections(_) | Source::Whole(_) => self.rows.ok_or_else(|| {
                Error::new(ErrorKind::Data, "the arrays differ in their numbers of rows")
                    .hint("name one for each input")
            })?,
            #[cfg(feature = "csv")]
            Source::Csv(_) => 0,
        };
        let arrays = match &mut self.source {
            Source::Sections(entries) => {
                let part = |(name, tensor): &(String, FileTensor)| {
                    Ok((name.clone(), rows_of(tensor, range(rows)).at_with(|| name.clone())?))
                };
                entries.iter().map(part).collect::<Result<Arrays>>()?
            }
            Source::Whole(arrays) => {
                let range = range(rows);
                let part = |(name, tensor): (&str, &Tensor)| {
                    Ok((name.to_owned(), slice_rows(tensor, range.start, range.end)?))
                };
                arrays.iter().map(part).collect::<Result<Arrays>>()?
            }
            #[cfg(feature = "csv")]
            Source::Csv(csv) => csv.table.take(most)?,
        };
        self.taken = self.taken.saturating_add(most);
        Ok(arrays)
    }
}

/// Reads a range of rows.
fn rows_of(tensor: &FileTensor, range: std::ops::Range<usize>) -> Result<Tensor> {
    let mut shape = tensor.shape.clone();
    let size =
        shape.iter().skip(1).fold(tensor.dtype.size() as u64, |size, extent| size.saturating_mul(*extent as u64));
    let bytes = size.saturating_mul(range.start as u64)..size.saturating_mul(range.end as u64);
    let data = tensor.data.part(bytes).ok_or_else(|| Error::new(ErrorKind::Data, "the array is cut short"))?;
    if let Some(rows) = shape.first_mut() {
        *rows = range.len();
    }
    Tensor::from_bytes(&normalized(FileTensor { dtype: tensor.dtype, shape, data }.read()?))
}
