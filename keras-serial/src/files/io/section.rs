//! A section of a file, or of bytes in memory, that is read on demand.
//!
//! Files are read with `pread` into memory of this process. A mapping would save the copy, but then
//! another process that truncates the file kills this one, and one that writes to it changes a loaded
//! model.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;

use super::map::map;
use super::open_file::OpenFile;
use crate::error::{Error, ErrorKind, Result, ResultExt};

/// The alignment that suffices for all element types.
const ALIGNMENT: usize = 8;
/// The size in bytes from which data is aligned.
const LARGE: u64 = 64 << 10;

/// A section of a file, or of bytes in memory. Clones share the file.
#[derive(Debug, Clone)]
pub(crate) struct Section {
    origin: Origin,
    start: u64,
    length: u64,
}

#[derive(Debug, Clone)]
enum Origin {
    Memory(Bytes),
    File(Arc<OpenFile>),
    Mapped(Bytes, Arc<OpenFile>),
}

impl From<Bytes> for Section {
    fn from(bytes: Bytes) -> Self {
        Self { start: 0, length: bytes.len() as u64, origin: Origin::Memory(bytes) }
    }
}

impl Section {
    /// Opens a whole file, to be read on demand; memory-mapped if asked for and the system can.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] when it can't be opened, or is not an ordinary file but a pipe or a device. The
    /// errors do not name the file.
    pub fn open(path: &Path, memory_map: bool) -> Result<Self> {
        Self::of(OpenFile::open(path)?, memory_map)
    }

    /// Takes the whole of an open file, in its present state.
    pub fn of_file(file: &File) -> Result<Self> {
        Self::of(OpenFile::new(file.try_clone()?)?, false)
    }

    fn of(file: OpenFile, memory_map: bool) -> Result<Self> {
        let length = file.len();
        let file = Arc::new(file);
        let origin = match memory_map.then(|| map(file.file())) {
            // An empty mapping is an error on some systems.
            Some(Ok(bytes)) if bytes.len() as u64 == length => Origin::Mapped(bytes, file),
            _ => Origin::File(file),
        };
        Ok(Self { origin, start: 0, length })
    }

    /// Returns the number of bytes.
    pub fn len(&self) -> u64 {
        self.length
    }

    /// Returns a part of this section; `None` if the range leads out of it.
    pub fn part(&self, range: Range<u64>) -> Option<Self> {
        let inside = range.start <= range.end && range.end <= self.length;
        let start = self.start.checked_add(range.start).filter(|_| inside)?;
        Some(Self { origin: self.origin.clone(), start, length: range.end - range.start })
    }

    /// Returns the same section, copied into its own memory if it is at an unaligned place in a mapping
    /// (Keras aligns nothing): otherwise each of its weights would be copied separately, from pages that
    /// stay in memory.
    pub fn aligned(mut self) -> Self {
        if let Origin::Mapped(bytes, file) = &self.origin
            && self.length >= LARGE
            && !bytes.as_ptr().addr().wrapping_add(self.start as usize).is_multiple_of(ALIGNMENT)
        {
            self.origin = Origin::File(Arc::clone(file));
        }
        self
    }

    /// Returns the bytes, if they are in memory or mapped.
    pub fn at_hand(&self) -> Option<Bytes> {
        let (Origin::Memory(bytes) | Origin::Mapped(bytes, _)) = &self.origin else { return None };
        let start = usize::try_from(self.start).ok()?;
        let end = start.checked_add(usize::try_from(self.length).ok()?)?;
        (end <= bytes.len()).then(|| bytes.slice(start..end))
    }

    /// Returns the file of bytes that are not in memory, and their offset in it.
    pub fn in_file(&self) -> Option<(&OpenFile, u64)> {
        match &self.origin {
            Origin::File(file) => Some((file, self.start)),
            _ => None,
        }
    }

    /// Reads a few bytes, through a small cache; `None` if they lead out of the section.
    ///
    /// # Errors
    /// As [`Section::read`].
    pub fn peek(&self, range: Range<u64>) -> Result<Option<Bytes>> {
        let Some(part) = self.part(range) else { return Ok(None) };
        if let Some(bytes) = part.at_hand() {
            return Ok(Some(bytes));
        }
        let length = usize::try_from(part.length).map_err(|_| too_long(part.length))?;
        let mut buffer = Vec::new();
        buffer.try_reserve_exact(length).map_err(|_| too_long(part.length))?;
        buffer.resize(length, 0);
        part.fill(0, &mut buffer)?;
        Ok(Some(buffer.into()))
    }

    /// Reads the first bytes, at most `most`.
    ///
    /// # Errors
    /// As [`Section::read`].
    pub fn head(&self, most: u64) -> Result<Bytes> {
        Ok(self.peek(0..self.length.min(most))?.unwrap_or_default())
    }

    /// Fills a buffer from `offset` on; small reads go through a small cache.
    ///
    /// # Errors
    /// When the range leads out of the section, and as [`Section::read`].
    pub fn fill(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        let end = offset.checked_add(buffer.len() as u64).filter(|end| *end <= self.length);
        let start = end.and_then(|_| self.start.checked_add(offset));
        let start = start.ok_or_else(|| io::Error::from(io::ErrorKind::UnexpectedEof))?;
        match &self.origin {
            Origin::File(file) => file.read_cached(start, buffer),
            Origin::Memory(bytes) | Origin::Mapped(bytes, _) => {
                let start = usize::try_from(start).unwrap_or(usize::MAX);
                let slice = bytes.get(start..start.saturating_add(buffer.len()));
                buffer.copy_from_slice(slice.ok_or_else(|| io::Error::from(io::ErrorKind::UnexpectedEof))?);
                Ok(())
            }
        }
    }

    /// Returns a reader of the bytes from their start.
    pub fn reader(&self) -> SectionReader {
        SectionReader { section: self.clone(), position: 0 }
    }
}

fn too_long(length: u64) -> Error {
    Error::new(ErrorKind::Limit, "no memory for the contents of the file").received(format!("{length} bytes"))
}

/// A reader of a section; a clone has its own position.
#[derive(Debug, Clone)]
pub(crate) struct SectionReader {
    section: Section,
    position: u64,
}

impl Read for SectionReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.section.len().saturating_sub(self.position);
        let count = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
        if let Some(buffer) = buffer.get_mut(..count) {
            self.section.fill(self.position, buffer)?;
        }
        self.position += count as u64;
        Ok(count)
    }
}

impl Seek for SectionReader {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let position = match to {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::End(offset) => self.section.len().checked_add_signed(offset),
            SeekFrom::Current(offset) => self.position.checked_add_signed(offset),
        };
        self.position = position.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        Ok(self.position)
    }
}

/// Opens a file like [`Section::open`], with its name in errors.
pub(crate) fn open_named(path: &Path, memory_map: bool) -> Result<Section> {
    Section::open(path, memory_map).at_with(|| path.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_files_and_of_memory_are_the_same() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("file");
        let content: Vec<u8> = (0..200_000u32).map(|index| (index * 7 + index / 256) as u8).collect();
        std::fs::write(&path, &content).unwrap();
        let sections = [
            Section::open(&path, false).unwrap(),
            Section::open(&path, true).unwrap(),
            Bytes::from(content.clone()).into(),
        ];
        for section in sections {
            assert_eq!(section.len(), content.len() as u64);
            assert!(section.read().unwrap() == content);
            let part = section.part(7..150_007).unwrap();
            assert!(part.clone().aligned().read().unwrap() == content[7..150_007]);
            assert!(part.part(3..9).unwrap().read().unwrap() == content[10..16]);
            assert_eq!(part.peek(16_300..16_500).unwrap().unwrap(), content[16_307..16_507]);
            assert!(part.part(3..150_001).is_none() && part.peek(0..150_001).unwrap().is_none());
            let mut reader = part.reader();
            reader.seek(SeekFrom::End(-3)).unwrap();
            let mut last = Vec::new();
            reader.read_to_end(&mut last).unwrap();
            assert_eq!(last, content[150_004..150_007]);
            assert!(reader.seek(SeekFrom::Current(-200_000)).is_err());
        }
    }

    #[test]
    fn a_file_that_changes_while_it_is_open_is_an_error() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("file");
        std::fs::write(&path, vec![1; 100_000]).unwrap();
        let section = Section::open(&path, false).unwrap();
        assert_eq!(section.head(4).unwrap(), [1; 4].as_slice());
        let file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
        file.set_len(50_000).unwrap();
        for error in [section.read().unwrap_err(), section.peek(60_000..60_010).unwrap_err()] {
            assert_eq!(error.kind(), ErrorKind::Io, "{error}");
        }
        // The same length, with other contents.
        file.set_len(100_000).unwrap();
        let error = section.read().unwrap_err();
        assert!(error.to_string().contains("changed"), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn what_is_no_ordinary_file_is_an_error_at_once() {
        let home = tempfile::tempdir().unwrap();
        let pipe = home.path().join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status();
        assert!(made.is_ok_and(|status| status.success()));
        for path in [pipe.as_path(), Path::new("/dev/zero"), home.path()] {
            let error = open_named(path, false).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Io, "{error}");
            assert!(error.path().contains(path.to_str().unwrap()), "{error}");
        }
    }
}
