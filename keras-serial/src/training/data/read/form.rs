//! The formats of data files, told by their names.

use std::fmt;
use std::path::Path;

use crate::error::{Error, ErrorKind, Result};

/// The format of a data file, told by its name.
///
/// ```
/// use keras_serial::training::data::DataForm;
/// assert_eq!(DataForm::of("digits.npz".as_ref())?, DataForm::Npz);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DataForm {
    /// `.npy`: one array, as `numpy.save` writes it.
    Npy,
    /// `.npz`: several arrays with names, as `numpy.savez` and `numpy.savez_compressed` write them.
    Npz,
    /// `.safetensors`: several tensors with names; needs the feature `safetensors`.
    Safetensors,
    /// `.csv`: a table as text; needs the feature `csv`.
    Csv,
    /// `.parquet`: a table by columns; needs the feature `parquet`.
    Parquet,
}

impl DataForm {
    /// All formats.
    pub const ALL: &'static [DataForm] =
        &[DataForm::Npy, DataForm::Npz, DataForm::Safetensors, DataForm::Csv, DataForm::Parquet];

    /// Returns the format that a path's suffix stands for.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`] for an unknown suffix.
    pub fn of(path: &Path) -> Result<Self> {
        let name = path.to_string_lossy();
        Self::ALL.iter().copied().find(|form| name.ends_with(form.suffix())).ok_or_else(|| {
            let suffixes: Vec<&str> = Self::ALL.iter().map(|form| form.suffix()).collect();
            Error::new(ErrorKind::InvalidArgument, "no known form of data")
                .expected(format!("a name that ends in {}", suffixes.join(", ")))
                .received(format!("{name:?}"))
        })
    }

    /// Returns the file suffix.
    pub fn suffix(self) -> &'static str {
        match self {
            DataForm::Npy => ".npy",
            DataForm::Npz => ".npz",
            DataForm::Safetensors => ".safetensors",
            DataForm::Csv => ".csv",
            DataForm::Parquet => ".parquet",
        }
    }
}

impl fmt::Display for DataForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            DataForm::Npy => "array of NumPy",
            DataForm::Npz => "archive of NumPy",
            DataForm::Safetensors => "safetensors",
            DataForm::Csv => "CSV",
            DataForm::Parquet => "Parquet",
        })
    }
}
