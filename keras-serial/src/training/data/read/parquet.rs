//! `.parquet`: a table stored by columns.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use ::parquet::basic::{Compression, ConvertedType, LogicalType, Type};
use ::parquet::column::reader::get_column_reader;
use ::parquet::data_type::{BoolType, DataType, DoubleType, FixedLenByteArrayType, FloatType, Int32Type, Int64Type};
use ::parquet::errors::ParquetError;
use ::parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData, ParquetMetaDataReader};
use ::parquet::schema::types::ColumnDescPtr;
use bytes::Bytes;
use half::f16;

use super::parquet_pages::{Chunks, Pages};
use super::thrift::is_sound;
use super::{Arrays, Select};
use crate::error::{Error, ErrorKind, Result, ResultExt};
use crate::files::Limits;
use crate::tensor::{DType, Element, Tensor};
use crate::utils::panic_text;

/// Reads the requested columns of a table, each as a tensor of rank 1.
pub(super) fn read(bytes: &Bytes, only: &Select, limits: &Limits) -> Result<Arrays> {
    // The library's decoders panic on some broken pages. They share only the bytes, which they can't
    // change, so a panic leaves no inconsistent state.
    catch_unwind(AssertUnwindSafe(|| Table::open(bytes, limits)?.read(only))).unwrap_or_else(|panic| {
        let told = panic_text(&*panic).unwrap_or("unknown");
        Err(Error::new(ErrorKind::Data, format!("a page of the table is broken: {told}")))
    })
}

/// The footer, and the bytes that it describes.
struct Table<'a> {
    footer: ParquetMetaData,
    chunks: Arc<Chunks>,
    size: u64,
    limits: &'a Limits,
}

impl<'a> Table<'a> {
    fn open(bytes: &Bytes, limits: &'a Limits) -> Result<Self> {
        let tail = bytes.last_chunk::<8>().filter(|tail| tail.ends_with(b"PAR1") && bytes.starts_with(b"PAR1"));
        let [length @ .., _, _, _, _] = tail.ok_or_else(|| {
            Error::new(ErrorKind::Data, "not a Parquet file, or cut short").expected("`PAR1` at both ends")
        })?;
        let length = u32::from_le_bytes(*length);
        Limits::check("bytes of a footer", u64::from(length), limits.max_config_bytes)?;
        let end = bytes.len() - 8;
        let start = usize::try_from(length).ok().and_then(|length| end.checked_sub(length));
        if !start.and_then(|start| bytes.get(start..end)).is_some_and(is_sound) {
            return Err(Error::new(ErrorKind::Data, "the footer of the table is broken"));
        }
        let footer = ParquetMetaDataReader::new().parse_and_finish(bytes).map_err(broken)?;
        let chunks = Arc::new(Chunks::new(bytes.clone(), limits.clone()));
        Ok(Self { footer, chunks, size: bytes.len() as u64, limits })
    }

    fn read(&self, only: &Select) -> Result<Arrays> {
        let schema = self.footer.file_metadata().schema_descr();
        Limits::check("columns of a table", schema.num_columns() as u64, self.limits.max_datasets as u64)?;
        let names: Vec<String> = schema.columns().iter().map(|column| column.path().string()).collect();
        let known: Vec<&str> = names.iter().map(String::as_str).collect();
        let places = only.places(&known)?;
        let rows = self.rows()?;
        let mut columns = Vec::new();
        let mut total = 0u64;
        for place in places {
            let Some((name, column)) = names.get(place).zip(schema.columns().get(place)) else { continue };
            let at = || format!("column `{name}`");
            let dtype = dtype(column).at_with(at)?;
            let bytes = rows.saturating_mul(dtype.size() as u64);
            total = total.saturating_add(bytes);
            Limits::check("bytes of a column", bytes, self.limits.max_dataset_bytes)
                .and_then(|()| Limits::check("bytes of all columns", total, self.limits.max_total_bytes))
                .and_then(|()| self.limits.check_ratio("bytes of all columns", total, self.size))
                .at_with(at)?;
            columns.push((place, name, column, dtype));
        }
        let tensor = |(place, name, column, dtype): (usize, &String, &ColumnDescPtr, DType)| {
            Ok((name.clone(), self.column(place, column, dtype).at_with(|| format!("column `{name}`"))?))
        };
        columns.into_iter().map(tensor).collect()
    }

    /// Returns the number of rows of all row groups, as the footer counts them.
    fn rows(&self) -> Result<u64> {
        let rows = self
            .footer
            .row_groups()
            .iter()
            .try_fold(0u64, |sum, group| sum.checked_add(u64::try_from(group.num_rows()).ok()?));
        let told = u64::try_from(self.footer.file_metadata().num_rows()).ok();
        rows.filter(|rows| Some(*rows) == told)
            .ok_or_else(|| Error::new(ErrorKind::Data, "the footer contradicts itself about the number of rows"))
    }

    fn column(&self, place: usize, column: &ColumnDescPtr, dtype: DType) -> Result<Tensor> {
        match dtype {
            DType::Bool => self.values::<BoolType, _>(place, column, |flag| flag),
            // Narrow and unsigned integers are stored bit by bit in wider and signed types.
            DType::Int8 => self.values::<Int32Type, _>(place, column, |number| number as i8),
            DType::Int16 => self.values::<Int32Type, _>(place, column, |number| number as i16),
            DType::Int32 => self.values::<Int32Type, _>(place, column, |number| number),
            DType::UInt8 => self.values::<Int32Type, _>(place, column, |number| number as u8),
            DType::UInt16 => self.values::<Int32Type, _>(place, column, |number| number as u16),
            DType::UInt32 => self.values::<Int32Type, _>(place, column, |number| number as u32),
            DType::Int64 => self.values::<Int64Type, _>(place, column, |number| number),
            DType::UInt64 => self.values::<Int64Type, _>(place, column, |number| number as u64),
            DType::Float32 => self.values::<FloatType, _>(place, column, |number| number),
            DType::Float64 => self.values::<DoubleType, _>(place, column, |number| number),
            _ => self.values::<FixedLenByteArrayType, _>(place, column, |two| {
                f16::from_le_bytes(two.data().first_chunk().copied().unwrap_or_default())
            }),
        }
    }

    /// Reads the column's values in all row groups.
    fn values<D: DataType, T: Element>(
        &self,
        place: usize,
        column: &ColumnDescPtr,
        convert: impl Fn(D::T) -> T,
    ) -> Result<Tensor> {
        let mut out: Vec<T> = Vec::new();
        for (number, group) in self.footer.row_groups().iter().enumerate() {
            let rows = usize::try_from(group.num_rows()).unwrap_or_default();
            let values = self.chunk::<D>(group.columns().get(place), column, rows);
            out.extend(values.at_with(|| format!("row group {number}"))?.into_iter().map(&convert));
        }
        let count = out.len();
        Tensor::from_vec(out, [count])
    }

    /// Reads the column's values in one row group.
    fn chunk<D: DataType>(
        &self,
        chunk: Option<&ColumnChunkMetaData>,
        column: &ColumnDescPtr,
        rows: usize,
    ) -> Result<Vec<D::T>> {
        let chunk = chunk.filter(|chunk| chunk.column_type() == D::get_physical_type());
        let chunk =
            chunk.ok_or_else(|| Error::new(ErrorKind::Data, "the footer contradicts itself about the column"))?;
        if !matches!(chunk.compression(), Compression::UNCOMPRESSED | Compression::SNAPPY) {
            return Err(Error::new(ErrorKind::Unsupported, "the column is packed in a way that is not read")
                .expected("snappy or none")
                .received(chunk.compression().to_string())
                .hint("write the table with `compression=\"snappy\"`"));
        }
        let unpacked = u64::try_from(chunk.uncompressed_size()).unwrap_or(u64::MAX);
        Limits::check("bytes of a column's pages", unpacked, self.limits.max_dataset_bytes)?;
        self.limits.check_ratio("bytes of a column's pages", unpacked, self.size)?;
        let pages = Pages::new(self.chunks.clone(), chunk, rows).map_err(broken)?;
        let reader = D::get_column_reader(get_column_reader(column.clone(), Box::new(pages)));
        let mut reader = reader.ok_or_else(|| Error::new(ErrorKind::Data, "the column is of another type"))?;
        let (mut values, mut levels) = (Vec::new(), Vec::new());
        let optional = column.max_def_level() > 0;
        let read = reader.read_records(rows, optional.then_some(&mut levels), None, &mut values).map_err(broken)?;
        if read.0 != rows {
            return Err(Error::new(ErrorKind::Data, "the pages hold fewer rows than the footer says")
                .expected(rows.to_string())
                .received(read.0.to_string()));
        }
        if let Some(row) = levels.iter().position(|level| *level == 0) {
            return Err(Error::new(ErrorKind::Data, "a value is missing (null), which no number stands for")
                .hint("fill it in before saving: `table.fillna(0)`")
                .at(format!("row {row}")));
        }
        Ok(values)
    }
}

/// Returns the dtype for a column; an error if no tensor can hold it.
fn dtype(column: &ColumnDescPtr) -> Result<DType> {
    let refused = |message: &'static str| {
        let error = Error::new(ErrorKind::Unsupported, message).expected("a flat column of numbers or truth values");
        error.received(sort(column)).hint("leave it out with `only`, or convert it before saving")
    };
    if column.max_rep_level() > 0 || column.path().parts().len() > 1 || column.max_def_level() > 1 {
        return Err(refused("nested columns are not read"));
    }
    let integer = match (column.logical_type_ref(), column.converted_type()) {
        (Some(LogicalType::Integer(integer)), _) => Some((integer.bit_width, integer.is_signed)),
        (Some(LogicalType::Float16), _) if column.physical_type() == Type::FIXED_LEN_BYTE_ARRAY => {
            return if column.type_length() == 2 { Ok(DType::Float16) } else { Err(refused("the column is broken")) };
        }
        (Some(LogicalType::Unknown), _) => return Err(refused("columns of nulls are not read")),
        (Some(_), _) => return Err(refused("columns of this type are not read")),
        (None, ConvertedType::NONE) => None,
        (None, ConvertedType::INT_8) => Some((8, true)),
        (None, ConvertedType::INT_16) => Some((16, true)),
        (None, ConvertedType::INT_32) => Some((32, true)),
        (None, ConvertedType::INT_64) => Some((64, true)),
        (None, ConvertedType::UINT_8) => Some((8, false)),
        (None, ConvertedType::UINT_16) => Some((16, false)),
        (None, ConvertedType::UINT_32) => Some((32, false)),
        (None, ConvertedType::UINT_64) => Some((64, false)),
        (None, _) => return Err(refused("columns of this type are not read")),
    };
    Ok(match (column.physical_type(), integer) {
        (Type::BOOLEAN, None) => DType::Bool,
        (Type::FLOAT, None) => DType::Float32,
        (Type::DOUBLE, None) => DType::Float64,
        (Type::INT32, Some((8, true))) => DType::Int8,
        (Type::INT32, Some((16, true))) => DType::Int16,
        (Type::INT32, None | Some((32, true))) => DType::Int32,
        (Type::INT32, Some((8, false))) => DType::UInt8,
        (Type::INT32, Some((16, false))) => DType::UInt16,
        (Type::INT32, Some((32, false))) => DType::UInt32,
        (Type::INT64, None | Some((64, true))) => DType::Int64,
        (Type::INT64, Some((64, false))) => DType::UInt64,
        _ => return Err(refused("columns of this type are not read")),
    })
}

/// Returns the file's name for the element type.
fn sort(column: &ColumnDescPtr) -> String {
    match column.logical_type_ref() {
        Some(logical) => format!("{} ({logical:?})", column.physical_type()),
        None => column.physical_type().to_string(),
    }
}

/// Converts an error of the Parquet library to one of this crate.
fn broken(error: ParquetError) -> Error {
    match error {
        ParquetError::External(source) => match source.downcast::<Error>() {
            Ok(own) => *own,
            Err(source) => Error::new(ErrorKind::Data, source.to_string()).with_source(source),
        },
        ParquetError::NYI(what) => Error::new(ErrorKind::Unsupported, format!("the table can't be read: {what}")),
        error => Error::new(ErrorKind::Data, format!("the table can't be read: {error}")).with_source(error),
    }
}
