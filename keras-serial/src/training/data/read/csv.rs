//! `.csv`: a table as text.

use std::io::Read;
use std::str::FromStr;

use ::csv::{ByteRecord, Position, Reader, ReaderBuilder};
use half::{bf16, f16};

use super::{Arrays, ReadArrays};
use crate::error::{Error, ErrorKind, Result, ResultExt};
use crate::files::Limits;
use crate::tensor::{DType, Element, Tensor};

/// A column while it is read.
trait Cells {
    /// Adds a cell; returns false if it is not of the column's type.
    fn push(&mut self, cell: &str) -> bool;
    /// Returns the bytes that a cell takes in memory.
    fn size(&self, cell: &[u8]) -> u64;
    fn tensor(self: Box<Self>) -> Result<Tensor>;
}

impl<T: Element + FromStr> Cells for Vec<T> {
    fn push(&mut self, cell: &str) -> bool {
        cell.trim().parse().map(|number| Vec::push(self, number)).is_ok()
    }

    fn size(&self, _: &[u8]) -> u64 {
        size_of::<T>() as u64
    }

    fn tensor(self: Box<Self>) -> Result<Tensor> {
        let count = self.len();
        Tensor::from_vec(*self, [count])
    }
}

/// A column of booleans.
struct Flags(Vec<bool>);

impl Cells for Flags {
    fn push(&mut self, cell: &str) -> bool {
        let flag = match cell.trim() {
            "true" | "True" | "TRUE" | "1" => true,
            "false" | "False" | "FALSE" | "0" => false,
            _ => return false,
        };
        self.0.push(flag);
        true
    }

    fn size(&self, _: &[u8]) -> u64 {
        1
    }

    fn tensor(self: Box<Self>) -> Result<Tensor> {
        Box::new(self.0).tensor()
    }
}

/// A column of strings.
struct Texts(Vec<String>);

impl Cells for Texts {
    fn push(&mut self, cell: &str) -> bool {
        self.0.push(cell.to_owned());
        true
    }

    fn size(&self, cell: &[u8]) -> u64 {
        (size_of::<String>() + cell.len()) as u64
    }

    fn tensor(self: Box<Self>) -> Result<Tensor> {
        let count = self.0.len();
        Tensor::from_strings(self.0, [count])
    }
}

fn cells(dtype: DType) -> Box<dyn Cells> {
    match dtype {
        DType::Float32 => Box::new(Vec::<f32>::new()),
        DType::Float64 => Box::new(Vec::<f64>::new()),
        DType::Float16 => Box::new(Vec::<f16>::new()),
        DType::BFloat16 => Box::new(Vec::<bf16>::new()),
        DType::Int8 => Box::new(Vec::<i8>::new()),
        DType::Int16 => Box::new(Vec::<i16>::new()),
        DType::Int32 => Box::new(Vec::<i32>::new()),
        DType::Int64 => Box::new(Vec::<i64>::new()),
        DType::UInt8 => Box::new(Vec::<u8>::new()),
        DType::UInt16 => Box::new(Vec::<u16>::new()),
        DType::UInt32 => Box::new(Vec::<u32>::new()),
        DType::UInt64 => Box::new(Vec::<u64>::new()),
        DType::Bool => Box::new(Flags(Vec::new())),
        DType::String => Box::new(Texts(Vec::new())),
    }
}

/// A column to be read.
struct Column {
    place: usize,
    name: String,
    dtype: DType,
}

/// Reads the requested columns of a table, each as a tensor of rank 1.
pub(super) fn read(bytes: &[u8], options: &ReadArrays) -> Result<Arrays> {
    Table::open(bytes, options)?.take(usize::MAX)
}

/// A table that is read some rows at a time.
pub(super) struct Table<R> {
    reader: Reader<R>,
    /// The number of columns of each row.
    width: usize,
    columns: Vec<Column>,
    limits: Limits,
    record: ByteRecord,
    /// True if `record` is a row that was not taken yet.
    is_pending: bool,
    row: u64,
}

impl<R: Read> Table<R> {
    /// Reads the names of the columns.
    pub(super) fn open(input: R, options: &ReadArrays) -> Result<Self> {
        // Rows of the wrong length are reported here, with their number.
        let mut reader =
            ReaderBuilder::new().has_headers(false).flexible(true).delimiter(options.delimiter).from_reader(input);
        let mut record = ByteRecord::new();
        if !reader.read_byte_record(&mut record).map_err(broken)? {
            return Err(Error::new(ErrorKind::Data, "the table is empty").expected("at least one row"));
        }
        Limits::check("columns of a table", record.len() as u64, options.limits.max_datasets as u64)?;
        let names = names(&record, options.header)?;
        let columns = columns(&names, options)?;
        let (width, is_pending, limits) = (names.len(), !options.header, options.limits.clone());
        Ok(Self { reader, width, columns, limits, record, is_pending, row: 0 })
    }

    /// Returns the names of the requested columns.
    #[cfg(feature = "cli")]
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(|column| column.name.as_str())
    }

    /// Reads the next rows, at most `most`; fewer at the end, and then none.
    pub(super) fn take(&mut self, most: usize) -> Result<Arrays> {
        let mut held = 0u64;
        let mut taken: Vec<Box<dyn Cells>> = self.columns.iter().map(|column| cells(column.dtype)).collect();
        for _ in 0..most {
            let Self { reader, record, .. } = self;
            if !std::mem::take(&mut self.is_pending) && !reader.read_byte_record(record).map_err(broken)? {
                break;
            }
            self.add(&mut taken, &mut held)?;
            self.row += 1;
        }
        let columns = self.columns.iter().zip(taken);
        columns.map(|(column, cells)| Ok((column.name.clone(), cells.tensor()?))).collect()
    }

    /// Adds the cells of a row.
    fn add(&self, taken: &mut [Box<dyn Cells>], held: &mut u64) -> Result<()> {
        // Counted like the tensors' elements.
        let line = self.record.position().map_or(0, Position::line);
        let place = || format!("row {} (line {line})", self.row);
        if self.record.len() != self.width {
            return Err(Error::new(ErrorKind::Data, "wrong number of columns")
                .expected(self.width.to_string())
                .received(self.record.len().to_string())
                .at(place()));
        }
        for (column, cells) in self.columns.iter().zip(taken) {
            let cell = self.record.get(column.place).unwrap_or_default();
            *held = held.saturating_add(cells.size(cell));
            let text = std::str::from_utf8(cell).ok();
            if !text.is_some_and(|text| cells.push(text)) {
                let error = wrong_cell(cell, column.dtype);
                return Err(error.at(format!("column `{}`", column.name)).at(place()));
            }
        }
        Limits::check("bytes of all columns", *held, self.limits.max_total_bytes).at_with(place)
    }
}

fn names(first: &ByteRecord, header: bool) -> Result<Vec<String>> {
    if !header {
        return Ok((0..first.len()).map(|place| place.to_string()).collect());
    }
    let mut seen = std::collections::HashSet::new();
    let name = |bytes: &[u8]| {
        let name = std::str::from_utf8(bytes).ok().map(str::to_owned);
        let name = name.ok_or_else(|| Error::new(ErrorKind::Data, "the name of a column is not UTF-8").at("header"))?;
        if seen.insert(name.clone()) {
            return Ok(name);
        }
        let error = Error::new(ErrorKind::Data, "two columns have one name").received(format!("`{name}`"));
        Err(error.hint("if the first row holds data, say `header(false)`").at("header"))
    };
    first.iter().map(name).collect()
}

fn columns(names: &[String], options: &ReadArrays) -> Result<Vec<Column>> {
    let known: Vec<&str> = names.iter().map(String::as_str).collect();
    if let Some((name, _)) = options.column_dtypes.iter().find(|(name, _)| !names.contains(name)) {
        return Err(super::select::unknown(name, &known).at("column_dtype"));
    }
    let column = |place: usize| {
        let name = names.get(place)?.clone();
        let own = options.column_dtypes.iter().rev().find(|(known, _)| *known == name);
        let dtype = own.map_or(options.dtype, |(_, dtype)| *dtype);
        Some(Column { place, name, dtype })
    };
    Ok(options.only.places(&known)?.into_iter().filter_map(column).collect())
}

fn wrong_cell(cell: &[u8], dtype: DType) -> Error {
    let shown: String = String::from_utf8_lossy(cell).chars().take(40).collect();
    let error =
        Error::new(ErrorKind::Data, "wrong type of a cell").expected(dtype.name()).received(format!("{shown:?}"));
    match dtype {
        _ if cell.trim_ascii().is_empty() => error.hint("fill in what is missing, or leave the column out with `only`"),
        DType::String => error.hint("texts must be UTF-8"),
        _ => error.hint("leave the column out with `only`, or read it as another type with `column_dtype`"),
    }
}

fn broken(error: ::csv::Error) -> Error {
    Error::new(ErrorKind::Data, format!("the table can't be read: {error}")).with_source(error)
}
