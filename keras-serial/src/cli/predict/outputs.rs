//! Writes outputs as they are computed.

use std::fs::File;
use std::io::{self, BufWriter, Seek, SeekFrom, Write};

use crate::cli::terminal::Terminal;
use crate::error::{Error, ErrorKind, Result, ResultExt};
use crate::files::npy::header_text;
use crate::files::safetensors::{Entry, header as safetensors_header};
use crate::models::Model;
use crate::tensor::{DType, Tensor};

/// What computes the outputs: it calls the given function with those of each batch.
pub(super) type Batches<'a> = dyn FnMut(&mut dyn FnMut(&[Tensor]) -> Result<()>) -> Result<()> + 'a;

/// Returns the names of the outputs: those of the layers that give them, with numbers if a layer gives several.
pub(super) fn names(model: &Model) -> Vec<String> {
    let outputs = model.outputs();
    let name = |output: &Tensor| output.history().map(|history| history.node.operation.name()).unwrap_or_default();
    let names: Vec<String> =
        outputs.iter().flat_map(|outputs| outputs.leaves().into_iter().map(name).collect::<Vec<_>>()).collect();
    let count = |names: &[String], name: &String| names.iter().filter(|other| *other == name).count();
    let numbered = |(place, name): (usize, &String)| match count(&names, name) {
        several if several > 1 && !name.is_empty() => {
            format!("{name}_{}", count(names.get(..place).unwrap_or_default(), name))
        }
        _ => name.clone(),
    };
    names.iter().enumerate().map(numbered).collect()
}

#[cfg(feature = "parquet")]
pub(super) use super::parquet::parquet;

#[cfg(not(feature = "parquet"))]
pub(super) fn parquet(_: &[String], _: &mut File, _: &mut Batches<'_>) -> Result<()> {
    Err(lacking("Parquet", "parquet"))
}

#[cfg(not(all(feature = "csv", feature = "parquet")))]
fn lacking(format: &str, feature: &str) -> Error {
    Error::new(ErrorKind::Unsupported, format!("this build does not write {format}"))
        .hint(format!("build it with the feature `{feature}`"))
}

/// Returns the name of an output of a model, of which a model without a graph has none.
pub(super) fn name(names: &[String], place: usize) -> String {
    names.get(place).filter(|name| !name.is_empty()).cloned().unwrap_or_else(|| format!("output_{place}"))
}

/// Writes one output as an array of NumPy. The number of rows is written last.
pub(super) fn npy(file: &mut File, batches: &mut Batches<'_>) -> Result<()> {
    let mut output = BufWriter::new(&mut *file);
    let mut written: Option<(DType, Vec<usize>)> = None;
    batches(&mut |outputs| {
        let [y] = outputs else {
            return Err(Error::new(ErrorKind::InvalidArgument, "an array of NumPy holds one output")
                .received(format!("a model with {}", outputs.len()))
                .hint("write `.safetensors`, `.parquet` or `.csv`"));
        };
        let bytes = numbers(y)?;
        match &mut written {
            None => {
                output.write_all(&header_text(bytes.dtype, &bytes.shape)?)?;
                written = Some((bytes.dtype, bytes.shape.clone()));
            }
            Some((_, shape)) => add(shape, &bytes.shape)?,
        }
        Ok(output.write_all(&bytes.data)?)
    })?;
    let (dtype, shape) = written.ok_or_else(no_rows)?;
    output.seek(SeekFrom::Start(0))?;
    output.write_all(&header_text(dtype, &shape)?)?;
    Ok(output.flush()?)
}

/// Adds the rows of a batch to those that were written.
pub(super) fn add(shape: &mut [usize], batch: &[usize]) -> Result<()> {
    if shape.get(1..) != batch.get(1..) {
        return Err(Error::new(ErrorKind::Shape, "the rows of batches differ in shape")
            .expected(format!("{:?}", shape.get(1..).unwrap_or_default()))
            .received(format!("{:?}", batch.get(1..).unwrap_or_default()))
            .hint("a larger `--batch-size` computes all at once"));
    }
    if let (Some(rows), Some(more)) = (shape.first_mut(), batch.first()) {
        *rows += more;
    }
    Ok(())
}

fn numbers(y: &Tensor) -> Result<crate::array::TensorBytes> {
    if y.dtype() == DType::String {
        return Err(Error::new(ErrorKind::DType, "texts are not written as numbers").hint("write `.csv` or `.parquet`"));
    }
    y.to_bytes()
}

pub(super) fn no_rows() -> Error {
    Error::new(ErrorKind::Data, "the inputs have no rows")
}

/// An output that waits in a file of its own until all rows are known.
struct Spool {
    name: String,
    dtype: DType,
    shape: Vec<usize>,
    file: BufWriter<File>,
}

/// Writes all outputs by their names.
pub(super) fn safetensors(names: &[String], file: &mut File, batches: &mut Batches<'_>) -> Result<()> {
    let mut spools: Vec<Spool> = Vec::new();
    batches(&mut |outputs| {
        for (place, y) in outputs.iter().enumerate() {
            let bytes = numbers(y).at_with(|| name(names, place))?;
            if let Some(spool) = spools.get_mut(place) {
                add(&mut spool.shape, &bytes.shape).at_with(|| name(names, place))?;
                spool.file.write_all(&bytes.data)?;
                continue;
            }
            let mut file = BufWriter::new(tempfile::tempfile()?);
            file.write_all(&bytes.data)?;
            spools.push(Spool { name: name(names, place), dtype: bytes.dtype, shape: bytes.shape, file });
        }
        Ok(())
    })?;
    if spools.is_empty() {
        return Err(no_rows());
    }
    // Large elements first, so that all are aligned.
    spools.sort_by_key(|spool| std::cmp::Reverse(spool.dtype.size()));
    let entries =
        spools.iter().map(|spool| Entry { name: spool.name.clone(), dtype: spool.dtype, shape: &spool.shape });
    let entries: Vec<Entry<'_>> = entries.collect();
    file.write_all(&safetensors_header(&entries, Vec::new())?)?;
    for spool in spools {
        let mut spooled = spool.file.into_inner().map_err(io::IntoInnerError::into_error)?;
        spooled.seek(SeekFrom::Start(0))?;
        io::copy(&mut spooled, file)?;
    }
    Ok(())
}

/// Writes all outputs as the columns of a table.
#[cfg(feature = "csv")]
pub(super) fn csv(names: &[String], output: impl Write, batches: &mut Batches<'_>) -> Result<()> {
    let broken = |error: csv::Error| match error.into_kind() {
        csv::ErrorKind::Io(error) => Error::from(error),
        kind => Error::new(ErrorKind::Data, format!("the table can't be written: {kind:?}")),
    };
    let mut table = csv::Writer::from_writer(output);
    let mut is_first = true;
    batches(&mut |outputs| {
        let columns = outputs.iter().map(Column::of).collect::<Result<Vec<Column>>>()?;
        if std::mem::take(&mut is_first) {
            let head =
                columns.iter().enumerate().flat_map(|(place, column)| column_names(&name(names, place), column.width));
            table.write_record(head).map_err(broken)?;
        }
        for row in 0..columns.first().map_or(0, |column| column.rows) {
            table.write_record(columns.iter().flat_map(|column| column.row(row))).map_err(broken)?;
        }
        Ok(table.flush()?)
    })?;
    if is_first { Err(no_rows()) } else { Ok(()) }
}

#[cfg(not(feature = "csv"))]
pub(super) fn csv(_: &[String], _: impl Write, _: &mut Batches<'_>) -> Result<()> {
    Err(lacking("CSV", "csv"))
}

/// Returns the names of an output's columns: its own, with numbers if they are several.
#[cfg(any(feature = "csv", feature = "parquet"))]
pub(super) fn column_names(name: &str, width: usize) -> Vec<String> {
    if width == 1 { vec![name.to_owned()] } else { (0..width).map(|i| format!("{name}_{i}")).collect() }
}

/// The columns of an output.
#[cfg(feature = "csv")]
struct Column {
    rows: usize,
    width: usize,
    cells: Vec<String>,
}

#[cfg(feature = "csv")]
impl Column {
    fn of(y: &Tensor) -> Result<Self> {
        let shape = y.shape().known()?;
        let width = shape.iter().skip(1).product();
        Ok(Self { rows: shape.first().copied().unwrap_or_default(), width, cells: cells(y)? })
    }

    fn row(&self, row: usize) -> &[String] {
        self.cells.get(row * self.width..(row + 1) * self.width).unwrap_or_default()
    }
}

/// Returns the elements as texts, from which the same numbers are read.
#[cfg(feature = "csv")]
fn cells(y: &Tensor) -> Result<Vec<String>> {
    use half::{bf16, f16};

    macro_rules! texts {
        ($($dtype:ident $type:ty),*) => {
            match y.dtype() {
                $(DType::$dtype => Ok(y.to_vec::<$type>()?.iter().map(ToString::to_string).collect()),)*
                DType::String => Ok(y.strings()?.to_vec()),
            }
        };
    }
    texts!(
        Float16 f16, BFloat16 bf16, Float32 f32, Float64 f64, Int8 i8, Int16 i16, Int32 i32, Int64 i64, UInt8 u8,
        UInt16 u16, UInt32 u32, UInt64 u64, Bool bool
    )
}

/// Standard output, which takes what comes until its reader closes it.
pub(super) struct Standard<'a>(&'a Terminal);

impl<'a> Standard<'a> {
    pub(super) fn of(terminal: &'a Terminal) -> Self {
        Self(terminal)
    }
}

impl Write for Standard<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes).map_err(io::Error::other)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
