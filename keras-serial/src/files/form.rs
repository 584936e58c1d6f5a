//! The file formats in which Keras keeps models and weights, told by file names.

use std::fmt;
use std::path::Path;

use crate::error::{Error, ErrorKind, Result};

/// A file format of models or weights, told by a file's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FileForm {
    /// `.keras`: a zip archive of configuration, weights and assets.
    Keras,
    /// A directory with the members of a `.keras` archive (`zipped=False`).
    Directory,
    /// `.weights.h5`: weights by the paths of layers.
    WeightsH5,
    /// `.weights.json`: the index of weights in several files (shards).
    WeightsJson,
    /// `.h5`, `.hdf5`: a whole model, or its weights by the names of layers, as Keras 2 saved them.
    LegacyH5,
    /// `.json`: the configuration alone.
    Json,
    /// `.safetensors`: weights by their own paths.
    Safetensors,
}

impl FileForm {
    /// Returns the format that a path's suffix stands for.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`] if it is not a format of Keras; lists the suffixes that are.
    pub fn of(path: &Path) -> Result<Self> {
        if path.is_dir() {
            return Ok(FileForm::Directory);
        }
        Self::of_name(path).map_err(|error| match path.exists() {
            true => error,
            false => error.hint("there is no file or directory of this name"),
        })
    }

    /// Returns the format that the end of a name stands for, whatever exists there.
    ///
    /// # Errors
    /// As [`FileForm::of`].
    pub(crate) fn of_name(path: &Path) -> Result<Self> {
        let name = path.to_string_lossy();
        const SUFFIXES: [(&str, FileForm); 7] = [
            (".keras", FileForm::Keras),
            (".weights.h5", FileForm::WeightsH5),
            (".weights.json", FileForm::WeightsJson),
            (".h5", FileForm::LegacyH5),
            (".hdf5", FileForm::LegacyH5),
            (".safetensors", FileForm::Safetensors),
            (".json", FileForm::Json),
        ];
        let known = SUFFIXES.iter().find(|(suffix, _)| name.ends_with(suffix));
        known.map(|(_, form)| *form).ok_or_else(|| {
            Error::new(ErrorKind::InvalidArgument, format!("File format not supported: filepath={name}"))
                .expected(
                    "a model (`.keras`, `.h5`, a directory), a configuration (`.json`), \
                     or weights (`.weights.h5`, `.weights.json`, `.h5`, `.safetensors`)",
                )
                .at(name.into_owned())
        })
    }

    /// Returns true if files of this format have a configuration, from which a model can be loaded.
    pub fn is_model(self) -> bool {
        matches!(self, FileForm::Keras | FileForm::Directory | FileForm::LegacyH5 | FileForm::Json)
    }

    /// Returns the usual file suffix.
    pub fn suffix(self) -> &'static str {
        match self {
            FileForm::Keras => ".keras",
            FileForm::Directory => "",
            FileForm::WeightsH5 => ".weights.h5",
            FileForm::WeightsJson => ".weights.json",
            FileForm::LegacyH5 => ".h5",
            FileForm::Json => ".json",
            FileForm::Safetensors => ".safetensors",
        }
    }
}

impl fmt::Display for FileForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            FileForm::Keras => "Keras archive",
            FileForm::Directory => "Keras directory",
            FileForm::WeightsH5 => "weights in HDF5",
            FileForm::WeightsJson => "sharded weights in HDF5",
            FileForm::LegacyH5 => "legacy HDF5",
            FileForm::Json => "configuration in JSON",
            FileForm::Safetensors => "weights in safetensors",
        })
    }
}

/// Returns the error for a name with another suffix than `right`, which is needed `when`.
pub(crate) fn wrong_suffix(path: &Path, right: &str, when: &str) -> Error {
    let space = if when.is_empty() { "" } else { " " };
    Error::new(ErrorKind::InvalidArgument, format!("The filename must end in `{right}`{space}{when}"))
        .received(format!("filepath={}", path.display()))
        .at(path.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_the_form() {
        let form = |name: &str| FileForm::of(Path::new(name)).unwrap();
        assert_eq!(form("a.weights.h5"), FileForm::WeightsH5);
        assert_eq!(form("a.h5"), FileForm::LegacyH5);
        assert_eq!(form("a.weights.json"), FileForm::WeightsJson);
        assert_eq!(form("model.json"), FileForm::Json);
        assert_eq!(form("weights.h5"), FileForm::LegacyH5);
        let error = FileForm::of(Path::new("model.pb")).unwrap_err();
        assert!(error.to_string().contains("`.keras`"), "{error}");
    }
}
