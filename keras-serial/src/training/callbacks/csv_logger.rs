//! A callback that logs the results of each epoch to a CSV file.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use super::python_format::repr;
use super::{Callback, CallbackContext, Logs};
use crate::error::{Error, Result, ResultExt};

/// A callback that writes a line of comma-separated values per epoch, with the same bytes as Keras.
///
/// # Arguments
/// - `filename`.
/// - `separator`: the separator of values; `,` by default.
/// - `append`: whether an existing file is kept, for continued training; false by default.
///
/// Names are sorted. The columns of the validation exist from the first epoch on, with `NA` until known.
/// Follows <https://keras.io/api/callbacks/csv_logger>.
///
/// ```
/// use keras_serial::training::callbacks::CSVLogger;
/// let callback = CSVLogger::new("training.log").separator(';').append(true);
/// # let _ = callback;
/// ```
#[derive(Debug)]
pub struct CSVLogger {
    filename: PathBuf,
    separator: char,
    append: bool,
    file: Option<File>,
    writes_header: bool,
    /// The names of the columns, known after the first epoch.
    keys: Option<Vec<String>>,
}

impl CSVLogger {
    /// Creates the callback for this file, which is overwritten.
    pub fn new(filename: impl AsRef<Path>) -> Self {
        let filename = filename.as_ref().to_path_buf();
        Self { filename, separator: ',', append: false, file: None, writes_header: true, keys: None }
    }

    /// Sets `separator`.
    #[must_use]
    pub fn separator(mut self, separator: char) -> Self {
        self.separator = separator;
        self
    }

    /// Sets `append`.
    #[must_use]
    pub fn append(mut self, append: bool) -> Self {
        self.append = append;
        self
    }

    fn open(&mut self) -> Result<File> {
        if !self.append {
            return Ok(File::create(&self.filename)?);
        }
        let file = OpenOptions::new().read(true).append(true).create(true).open(&self.filename)?;
        let mut first = Vec::new();
        BufReader::new(&file).read_until(b'\n', &mut first)?;
        self.writes_header = first.is_empty();
        Ok(file)
    }

    /// Writes one line; fields are quoted only if necessary.
    fn write_row(&mut self, fields: impl IntoIterator<Item = String>) -> Result<()> {
        let quoted = |field: String| {
            if field.contains([self.separator, '"', '\r', '\n']) {
                format!("\"{}\"", field.replace('"', "\"\""))
            } else {
                field
            }
        };
        let fields: Vec<String> = fields.into_iter().map(quoted).collect();
        let line = fields.join(&self.separator.to_string()) + "\r\n";
        if let Some(file) = &mut self.file {
            file.write_all(line.as_bytes()).map_err(Error::from).at_with(|| self.filename.display().to_string())?;
        }
        Ok(())
    }
}

impl Callback for CSVLogger {
    fn on_train_begin(&mut self, _: &mut Logs, _: &CallbackContext<'_>) -> Result<()> {
        self.file = Some(self.open().at_with(|| self.filename.display().to_string())?);
        self.keys = None;
        Ok(())
    }

    fn on_epoch_end(&mut self, epoch: usize, logs: &mut Logs, _: &CallbackContext<'_>) -> Result<()> {
        let keys = match self.keys.take() {
            Some(keys) => keys,
            None => {
                let mut keys: Vec<String> = logs.keys().cloned().collect();
                keys.sort();
                if !keys.iter().any(|key| key.starts_with("val_")) {
                    let of_validation: Vec<String> = keys.iter().map(|key| format!("val_{key}")).collect();
                    keys.extend(of_validation);
                }
                if self.writes_header {
                    self.write_row(std::iter::once("epoch".to_owned()).chain(keys.iter().cloned()))?;
                }
                keys
            }
        };
        let values = keys.iter().map(|key| logs.get(key).map_or_else(|| "NA".to_owned(), |value| repr(*value)));
        self.write_row(std::iter::once(epoch.to_string()).chain(values))?;
        self.keys = Some(keys);
        Ok(())
    }

    fn on_train_end(&mut self, _: &mut Logs, _: &CallbackContext<'_>) -> Result<()> {
        self.file = None;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::training::callbacks::testing::{drive, model};

    // With "loss" in the logs too: csv = keras.callbacks.CSVLogger("a.csv"), then CSVLogger("a.csv", ";", append=True).
    // open("a.csv", "rb").read()
    #[test]
    fn the_file_is_that_of_keras() {
        let path = std::env::temp_dir().join(format!("keras-serial-csv-{}.csv", std::process::id()));
        drive(&mut CSVLogger::new(&path), &model(), "b,\"ar", &[1.5, 1e-5, f64::NAN]).unwrap();
        let first = "epoch,\"b,\"\"ar\",\"val_b,\"\"ar\"\r\n0,1.5,NA\r\n1,1e-05,NA\r\n2,nan,NA\r\n";
        assert_eq!(std::fs::read_to_string(&path).unwrap(), first);
        let mut more = CSVLogger::new(&path).append(true).separator(';');
        drive(&mut more, &model(), "val_x", &[2.0]).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), format!("{first}0;2.0\r\n"));
        std::fs::remove_file(&path).unwrap();
        let error = drive(&mut CSVLogger::new("/nowhere/at/all.csv"), &model(), "loss", &[1.0]).unwrap_err();
        assert!(error.to_string().contains("/nowhere/at/all.csv"), "{error}");
    }
}
