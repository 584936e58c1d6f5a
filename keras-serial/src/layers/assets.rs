//! Assets: files that a layer saves beside its weights, such as a vocabulary.

use bytes::Bytes;
use indexmap::IndexMap;

use crate::error::{Error, ErrorKind, Result};

/// The asset files of one layer, by name: `vocabulary.txt`, or `tokenizer/merges.txt` in a subfolder.
///
/// As in Keras, a layer receives everything in its folder, including what its sublayers saved.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Assets {
    files: IndexMap<String, Bytes>,
}

impl Assets {
    /// Adds a file.
    pub fn insert(&mut self, name: impl Into<String>, bytes: impl Into<Vec<u8>>) {
        self.files.insert(name.into(), bytes.into().into());
    }

    /// Adds a file without copying its bytes.
    pub(crate) fn insert_shared(&mut self, name: &str, bytes: &Bytes) {
        self.files.insert(name.to_owned(), bytes.clone());
    }

    /// Returns the text of a file.
    ///
    /// # Errors
    /// If the file is missing or not UTF-8.
    pub fn text(&self, name: &str) -> Result<&str> {
        let bytes = self.files.get(name).ok_or_else(|| {
            Error::new(ErrorKind::Archive, format!("missing asset `{name}`"))
                .received(self.files.keys().cloned().collect::<Vec<_>>().join(", "))
        })?;
        std::str::from_utf8(bytes).map_err(|error| {
            Error::new(ErrorKind::Archive, format!("the asset `{name}` is not UTF-8")).with_source(error)
        })
    }

    /// Returns true if there are no files.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// Iterates over all files: name and bytes.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.files.iter().map(|(name, bytes)| (name.as_str(), bytes.as_ref()))
    }
}
