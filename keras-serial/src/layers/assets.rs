//! What layers keep in a file beside weights.

use bytes::Bytes;
use indexmap::IndexMap;

use crate::error::{Error, ErrorKind, Result};

/// The files of one layer, by name: `vocabulary.txt`, or `tokenizer/merges.txt` for one in a folder.
///
/// As in Keras, a layer is given all that lies in its folder, what its sublayers have saved too.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Assets {
    files: IndexMap<String, Bytes>,
}

impl Assets {
    /// Adds a file.
    pub fn insert(&mut self, name: impl Into<String>, bytes: impl Into<Vec<u8>>) {
        self.files.insert(name.into(), bytes.into().into());
    }

    /// Adds a file whose bytes are shared.
    pub(crate) fn insert_shared(&mut self, name: &str, bytes: &Bytes) {
        self.files.insert(name.to_owned(), bytes.clone());
    }

    /// A file's text.
    ///
    /// # Errors
    /// When it is missing or not UTF-8.
    pub fn text(&self, name: &str) -> Result<&str> {
        let bytes = self.files.get(name).ok_or_else(|| {
            Error::new(ErrorKind::Archive, format!("missing asset `{name}`"))
                .received(self.files.keys().cloned().collect::<Vec<_>>().join(", "))
        })?;
        std::str::from_utf8(bytes).map_err(|error| {
            Error::new(ErrorKind::Archive, format!("the asset `{name}` is not UTF-8")).with_source(error)
        })
    }

    /// Are there no files?
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// All files.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.files.iter().map(|(name, bytes)| (name.as_str(), bytes.as_ref()))
    }
}
