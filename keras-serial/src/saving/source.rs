//! Where the bytes of a file come from.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;

use super::map::map;
use crate::error::{Result, ResultExt};

/// A whole file as bytes that are shared, not copied.
///
/// ```
/// use keras_serial::saving::Source;
/// let source = Source::from(vec![1, 2, 3]);
/// assert_eq!(source.bytes().slice(1..).as_ref(), [2, 3]);
/// ```
#[derive(Debug, Clone)]
pub struct Source {
    bytes: Bytes,
    /// The file that `bytes` are a mapping of.
    file: Option<Arc<File>>,
}

impl Source {
    /// A file, mapped into memory where the system can (and read where it can't).
    ///
    /// The weights read from it are slices of the mapping. As with every mapped file, it must not
    /// be cut short or written in place while they live; replacing it by renaming another over it,
    /// as [`write_atomically`](super::write_atomically) does, is fine.
    ///
    /// # Errors
    /// [`ErrorKind::Io`](crate::ErrorKind::Io) when the file can't be opened or read.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        Self::open_bare(path).at_with(|| path.display().to_string())
    }

    /// As [`Source::open`], with errors that do not name the file.
    pub(super) fn open_bare(path: &Path) -> Result<Self> {
        Self::of_file(&mut File::open(path)?)
    }

    /// The bytes of an open file, from its start.
    pub(super) fn of_file(file: &mut File) -> Result<Self> {
        file.rewind()?;
        // Pipes and devices can't be mapped; an empty mapping is an error on some systems.
        let metadata = file.metadata()?;
        if metadata.is_file()
            && metadata.len() > 0
            && let Ok(bytes) = map(file)
        {
            return Ok(Self { bytes, file: Some(Arc::new(file.try_clone()?)) });
        }
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok(bytes.into())
    }

    /// All that a reader holds, from its start.
    ///
    /// # Errors
    /// [`ErrorKind::Io`](crate::ErrorKind::Io) when the reader fails.
    pub fn from_reader(mut reader: impl Read + Seek) -> Result<Self> {
        let mut bytes = Vec::new();
        reader.seek(SeekFrom::Start(0))?;
        reader.read_to_end(&mut bytes)?;
        Ok(bytes.into())
    }

    /// The bytes.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// A part of a mapped file in memory of its own, read without touching the mapping; `None` where
    /// there is no file, or the system can't.
    #[cfg(unix)]
    pub(super) fn read_apart(&self, range: Range<usize>) -> Option<Bytes> {
        use std::os::unix::fs::FileExt;
        let file = self.file.as_ref()?;
        let mut data = vec![0; range.len()];
        file.read_exact_at(&mut data, range.start as u64).ok()?;
        Some(data.into())
    }

    #[cfg(not(unix))]
    pub(super) fn read_apart(&self, _: Range<usize>) -> Option<Bytes> {
        None
    }

    /// The bytes, given away.
    pub fn into_bytes(self) -> Bytes {
        self.bytes
    }
}

impl From<Vec<u8>> for Source {
    fn from(bytes: Vec<u8>) -> Self {
        Bytes::from(bytes).into()
    }
}

impl From<Bytes> for Source {
    fn from(bytes: Bytes) -> Self {
        Self { bytes, file: None }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    #[test]
    fn files_readers_and_vectors_give_the_same_bytes() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        for content in [&b""[..], b"content"] {
            std::fs::write(&path, content).unwrap();
            assert_eq!(Source::open(&path).unwrap().bytes(), content);
            let mut cursor = Cursor::new(content);
            cursor.set_position(3);
            assert_eq!(Source::from_reader(cursor).unwrap().bytes(), content);
        }
        let error = Source::open(directory.path().join("none")).unwrap_err();
        assert_eq!(error.kind(), crate::ErrorKind::Io);
        assert!(error.path().ends_with("none"), "{error}");
    }
}
