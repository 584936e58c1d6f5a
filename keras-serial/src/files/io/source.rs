//! The bytes of a file, from a path, a reader or memory.

use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use bytes::Bytes;

use super::section::Section;
use crate::error::{Result, ResultExt};

/// The bytes of a whole file, shared without copies.
///
/// ```
/// use keras_serial::files::Source;
/// let source = Source::from(vec![1, 2, 3]);
/// assert_eq!(source.bytes().slice(1..).as_ref(), [2, 3]);
/// ```
#[derive(Debug, Clone)]
pub struct Source {
    bytes: Bytes,
}

impl Source {
    /// Reads a file into memory; later changes to the file have no effect.
    ///
    /// # Errors
    /// [`ErrorKind::Io`](crate::ErrorKind::Io) when the file can't be opened or read, is not an ordinary
    /// file (but a pipe or a device), or changes while it is read.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        Section::open(path, false).and_then(|file| file.read()).map(Self::from).at_with(|| path.display().to_string())
    }

    /// Reads everything from the start of a reader.
    ///
    /// # Errors
    /// [`ErrorKind::Io`](crate::ErrorKind::Io) when the reader fails.
    pub fn from_reader(mut reader: impl Read + Seek) -> Result<Self> {
        let mut bytes = Vec::new();
        reader.seek(SeekFrom::Start(0))?;
        reader.read_to_end(&mut bytes)?;
        Ok(bytes.into())
    }

    /// Returns the bytes.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// Consumes the source and returns its bytes.
    pub fn into_bytes(self) -> Bytes {
        self.bytes
    }
}

/// Bytes of the program itself: `include_bytes!`.
impl From<&'static [u8]> for Source {
    fn from(bytes: &'static [u8]) -> Self {
        Bytes::from_static(bytes).into()
    }
}

impl From<Vec<u8>> for Source {
    fn from(bytes: Vec<u8>) -> Self {
        Bytes::from(bytes).into()
    }
}

impl From<Bytes> for Source {
    fn from(bytes: Bytes) -> Self {
        Self { bytes }
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
