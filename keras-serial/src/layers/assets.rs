//! What layers keep in a file beside weights.

use indexmap::IndexMap;

use crate::error::{Error, ErrorKind, Result};

/// The files of one layer, by name: `vocabulary.txt`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Assets {
    files: IndexMap<String, Vec<u8>>,
}

impl Assets {
    /// Adds a file.
    pub fn insert(&mut self, name: impl Into<String>, bytes: impl Into<Vec<u8>>) {
        self.files.insert(name.into(), bytes.into());
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
        self.files.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice()))
    }
}
