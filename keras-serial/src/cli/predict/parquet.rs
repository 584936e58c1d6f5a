//! Writes outputs as a Parquet table, as they are computed.

use std::collections::HashSet;
use std::fs::File;
use std::sync::Arc;

use ::parquet::basic::{Compression, LogicalType, Repetition, Type as Physical};
use ::parquet::data_type::{
    BoolType, ByteArray, ByteArrayType, DataType, DoubleType, FixedLenByteArray, FixedLenByteArrayType, FloatType,
    Int32Type, Int64Type,
};
use ::parquet::errors::ParquetError;
use ::parquet::file::properties::WriterProperties;
use ::parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use ::parquet::schema::types::Type;
use half::{bf16, f16};

use super::outputs::{Batches, add, column_names, name, no_rows};
use crate::error::{Error, ErrorKind, Result, ResultExt};
use crate::tensor::{DType, Tensor};

/// The bytes of outputs that are kept for a row group, in which values stand by columns.
const GROUP_BYTES: usize = 16 << 20;

/// An output, and the batches of it that are not written yet.
struct Output {
    name: String,
    dtype: DType,
    shape: Vec<usize>,
    batches: Vec<Tensor>,
}

/// Writes all outputs as the columns of a table, one for each value of a row.
pub(super) fn parquet(names: &[String], file: &mut File, batches: &mut Batches<'_>) -> Result<()> {
    let mut outputs: Vec<Output> = Vec::new();
    let mut table: Option<SerializedFileWriter<&mut File>> = None;
    let mut file = Some(file);
    let mut held = 0;
    batches(&mut |batch| {
        for (place, y) in batch.iter().enumerate() {
            let shape = y.shape().known()?;
            held += shape.iter().product::<usize>() * y.dtype().size();
            match outputs.get_mut(place) {
                Some(output) => {
                    add(&mut output.shape, &shape).at_with(|| output.name.clone())?;
                    output.batches.push(y.clone());
                }
                None => {
                    outputs.push(Output { name: name(names, place), dtype: y.dtype(), shape, batches: vec![y.clone()] })
                }
            }
        }
        if let Some(file) = file.take() {
            table = Some(open(&outputs, file)?);
        }
        match table.as_mut().filter(|_| held >= GROUP_BYTES) {
            Some(table) => {
                held = 0;
                write_group(table, &mut outputs)
            }
            None => Ok(()),
        }
    })?;
    let mut table = table.ok_or_else(no_rows)?;
    write_group(&mut table, &mut outputs)?;
    table.close().map_err(failed).map(drop)
}

fn failed(error: ParquetError) -> Error {
    match error {
        ParquetError::External(source) => match source.downcast::<std::io::Error>() {
            Ok(error) => Error::from(*error),
            Err(source) => Error::new(ErrorKind::Data, format!("the table can't be written: {source}")),
        },
        error => Error::new(ErrorKind::Data, format!("the table can't be written: {error}")).with_source(error),
    }
}

/// Starts the table, with the columns of the outputs.
fn open<'a>(outputs: &[Output], file: &'a mut File) -> Result<SerializedFileWriter<&'a mut File>> {
    let (mut columns, mut known) = (Vec::new(), HashSet::new());
    for output in outputs {
        let (physical, logical) = types(output.dtype);
        for name in column_names(&output.name, output.width()) {
            if !known.insert(name.clone()) {
                return Err(Error::new(ErrorKind::Data, "two columns of the table have the same name")
                    .received(format!("`{name}`"))
                    .hint("write `.safetensors`, or give other names to the layers")
                    .at(output.name.clone()));
            }
            let column = Type::primitive_type_builder(&name, physical)
                .with_repetition(Repetition::REQUIRED)
                .with_logical_type(logical.clone())
                .with_length(if output.dtype == DType::Float16 { 2 } else { -1 });
            columns.push(Arc::new(column.build().map_err(failed)?));
        }
    }
    let schema = Type::group_type_builder("schema").with_fields(columns).build().map_err(failed)?;
    // Values of models seldom repeat, so that dictionaries and compression gain little.
    let properties = WriterProperties::builder()
        .set_created_by(format!("keras-serial {}", env!("CARGO_PKG_VERSION")))
        .set_compression(Compression::UNCOMPRESSED)
        .set_dictionary_enabled(false);
    SerializedFileWriter::new(file, Arc::new(schema), Arc::new(properties.build())).map_err(failed)
}

/// Returns how values of a dtype are stored, and what they stand for.
fn types(dtype: DType) -> (Physical, Option<LogicalType>) {
    let integer = |bits, is_signed| Some(LogicalType::integer(bits, is_signed));
    match dtype {
        DType::Bool => (Physical::BOOLEAN, None),
        DType::Int8 => (Physical::INT32, integer(8, true)),
        DType::Int16 => (Physical::INT32, integer(16, true)),
        DType::Int32 => (Physical::INT32, None),
        DType::Int64 => (Physical::INT64, None),
        DType::UInt8 => (Physical::INT32, integer(8, false)),
        DType::UInt16 => (Physical::INT32, integer(16, false)),
        DType::UInt32 => (Physical::INT32, integer(32, false)),
        DType::UInt64 => (Physical::INT64, integer(64, false)),
        DType::Float16 => (Physical::FIXED_LEN_BYTE_ARRAY, Some(LogicalType::Float16)),
        // Parquet has no bfloat16; float32 holds all of its values.
        DType::BFloat16 | DType::Float32 => (Physical::FLOAT, None),
        DType::Float64 => (Physical::DOUBLE, None),
        DType::String => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
    }
}

/// Writes the batches that are held as a row group.
fn write_group(table: &mut SerializedFileWriter<&mut File>, outputs: &mut [Output]) -> Result<()> {
    if outputs.iter().all(|output| output.batches.is_empty()) {
        return Ok(());
    }
    let mut group = table.next_row_group().map_err(failed)?;
    for output in outputs {
        output.write(&mut group).at_with(|| output.name.clone())?;
        output.batches.clear();
    }
    group.close().map_err(failed).map(drop)
}

impl Output {
    /// Returns the number of values in a row.
    fn width(&self) -> usize {
        self.shape.iter().skip(1).product()
    }

    fn write(&self, group: &mut SerializedRowGroupWriter<'_, &mut File>) -> Result<()> {
        macro_rules! columns {
            ($($dtype:ident $type:ty => $stored:ty, $convert:expr;)*) => {
                match self.dtype {
                    $(DType::$dtype => {
                        let mut values = Vec::new();
                        for batch in &self.batches {
                            values.extend(batch.to_vec::<$type>()?);
                        }
                        self.write_columns::<$type, $stored>(group, &values, $convert)
                    })*
                    DType::String => {
                        let mut values = Vec::new();
                        for batch in &self.batches {
                            values.extend(batch.strings()?.iter().cloned());
                        }
                        self.write_columns::<String, ByteArrayType>(group, &values, |text| ByteArray::from(text.as_str()))
                    }
                }
            };
        }
        // Narrow and unsigned integers are stored bit by bit in wider and signed types.
        columns! {
            Bool bool => BoolType, |flag| *flag;
            Int8 i8 => Int32Type, |number| i32::from(*number);
            Int16 i16 => Int32Type, |number| i32::from(*number);
            Int32 i32 => Int32Type, |number| *number;
            Int64 i64 => Int64Type, |number| *number;
            UInt8 u8 => Int32Type, |number| i32::from(*number);
            UInt16 u16 => Int32Type, |number| i32::from(*number);
            UInt32 u32 => Int32Type, |number| number.cast_signed();
            UInt64 u64 => Int64Type, |number| number.cast_signed();
            Float16 f16 => FixedLenByteArrayType, |number| {
                FixedLenByteArray::from(ByteArray::from(number.to_le_bytes().to_vec()))
            };
            BFloat16 bf16 => FloatType, |number| number.to_f32();
            Float32 f32 => FloatType, |number| *number;
            Float64 f64 => DoubleType, |number| *number;
        }
    }

    fn write_columns<T, D: DataType>(
        &self,
        group: &mut SerializedRowGroupWriter<'_, &mut File>,
        values: &[T],
        convert: impl Fn(&T) -> D::T,
    ) -> Result<()> {
        let width = self.width();
        for place in 0..width {
            let column: Vec<D::T> = values.iter().skip(place).step_by(width).map(&convert).collect();
            let writer = group.next_column().map_err(failed)?;
            let mut writer = writer.ok_or_else(|| Error::new(ErrorKind::Data, "the table has too few columns"))?;
            writer.typed::<D>().write_batch(&column, None, None).map_err(failed)?;
            writer.close().map_err(failed)?;
        }
        Ok(())
    }
}
