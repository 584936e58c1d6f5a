//! The pages of a Parquet column, whose headers are checked before the library allocates the memory that
//! they declare.

use std::sync::Arc;

use ::parquet::basic::Type;
use ::parquet::column::page::{Page, PageMetadata, PageReader};
use ::parquet::errors::{ParquetError, Result};
use ::parquet::file::metadata::ColumnChunkMetaData;
use ::parquet::file::reader::{ChunkReader, Length};
use ::parquet::file::serialized_reader::SerializedPageReader;
use bytes::Bytes;

use super::thrift::{is_sound, varint};
use crate::files::Limits;

/// The Thrift compact protocol's header of a next field of type i32.
const FIELD: u8 = 0x15;

/// The bytes of a file; refuses a read at a page header whose page would unpack to too much.
pub(super) struct Chunks {
    bytes: Bytes,
    limits: Limits,
}

impl Chunks {
    pub(super) fn new(bytes: Bytes, limits: Limits) -> Self {
        Self { bytes, limits }
    }

    /// Checks the first fields of a page header: its type, unpacked size and stored size. `None` if the
    /// header is broken.
    fn check_page(&self, start: u64) -> Option<crate::Result<()>> {
        let mut rest = self.bytes.get(usize::try_from(start).ok()?..).filter(|rest| is_sound(rest))?;
        let mut field = || {
            rest = rest.strip_prefix(&[FIELD])?;
            let zigzag = varint(&mut rest)?;
            (zigzag & 1 == 0).then_some(zigzag >> 1)
        };
        let (_, unpacked, stored) = (field()?, field()?, field()?);
        let within = Limits::check("bytes of a page", unpacked, self.limits.max_dataset_bytes);
        Some(within.and_then(|()| self.limits.check_ratio("bytes of a page", unpacked, stored)))
    }
}

impl Length for Chunks {
    fn len(&self) -> u64 {
        self.bytes.len() as u64
    }
}

impl ChunkReader for Chunks {
    type T = <Bytes as ChunkReader>::T;

    fn get_read(&self, start: u64) -> Result<Self::T> {
        match self.check_page(start) {
            Some(Ok(())) => self.bytes.get_read(start),
            Some(Err(error)) => Err(ParquetError::External(error.into())),
            None => Err(ParquetError::General("header of a page is broken".into())),
        }
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        self.bytes.get_bytes(start, length)
    }
}

/// The pages of a column chunk, which may not hold more values than bytes or rows allow.
pub(super) struct Pages {
    inner: SerializedPageReader<Chunks>,
    physical: Type,
    rows: usize,
}

impl Pages {
    pub(super) fn new(chunks: Arc<Chunks>, chunk: &ColumnChunkMetaData, rows: usize) -> Result<Self> {
        let inner = SerializedPageReader::new(chunks, chunk, rows, None)?;
        Ok(Self { inner, physical: chunk.column_type(), rows })
    }

    fn check(&self, page: &Page) -> Result<()> {
        // The library allocates a dictionary's values before it reads them.
        let most = match (page, self.physical) {
            (Page::DictionaryPage { buf, .. }, Type::BOOLEAN) => buf.len().saturating_mul(8),
            (Page::DictionaryPage { buf, .. }, Type::INT32 | Type::FLOAT) => buf.len() / 4,
            (Page::DictionaryPage { buf, .. }, Type::INT64 | Type::DOUBLE) => buf.len() / 8,
            (Page::DictionaryPage { buf, .. }, _) => buf.len(),
            _ => self.rows,
        };
        if page.num_values() as usize <= most {
            return Ok(());
        }
        Err(ParquetError::General(format!(
            "a page says that it holds {} values, not at most {most}",
            page.num_values()
        )))
    }
}

impl Iterator for Pages {
    type Item = Result<Page>;

    fn next(&mut self) -> Option<Self::Item> {
        self.get_next_page().transpose()
    }
}

impl PageReader for Pages {
    fn get_next_page(&mut self) -> Result<Option<Page>> {
        let page = self.inner.get_next_page()?;
        page.as_ref().map_or(Ok(()), |page| self.check(page))?;
        Ok(page)
    }

    // Used to skip rows, which never happens here; the library would read a header ahead.
    fn peek_next_page(&mut self) -> Result<Option<PageMetadata>> {
        Err(ParquetError::NYI("pages are read in their order".into()))
    }

    fn skip_next_page(&mut self) -> Result<()> {
        Err(ParquetError::NYI("pages are read in their order".into()))
    }

    fn at_record_boundary(&mut self) -> Result<bool> {
        // In a flat column each value is a row.
        Ok(true)
    }
}
