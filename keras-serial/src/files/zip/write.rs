//! Writes zip archives.

use std::collections::BTreeSet;
use std::io::{Seek, Write};

use ::zip::write::SimpleFileOptions;
use ::zip::{CompressionMethod, DateTime};

use super::{check_name, zip_error};
use crate::error::{Error, ErrorKind, Result, ResultExt};
use crate::files::Limits;

/// The modification time of an archive's members: years 1980 to 2107, no time zone.
///
/// The default is the earliest time of the format, so that equal models make equal archives.
#[derive(Debug, Clone, Copy, Default)]
pub struct ZipTime(DateTime);

impl ZipTime {
    /// Creates a time; seconds are rounded down to an even number.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`] for a time that the format can't represent.
    pub fn new(year: u16, month: u8, day: u8, hour: u8, minute: u8, second: u8) -> Result<Self> {
        DateTime::from_date_and_time(year, month, day, hour, minute, second).map(Self).map_err(|_| {
            Error::new(ErrorKind::InvalidArgument, "no time of a zip archive")
                .expected("a time from 1980 to 2107")
                .received(format!("{year}-{month}-{day} {hour}:{minute}:{second}"))
        })
    }
}

/// Members begin at multiples of this, so that data aligned in a member is also aligned in a mapped
/// archive.
const ALIGNMENT: u16 = 64;

/// Writes an archive as Python's `zipfile` does: members uncompressed, in the order they are added.
pub struct ZipWriter<W: Write + Seek> {
    writer: ::zip::ZipWriter<W>,
    time: ZipTime,
    names: BTreeSet<String>,
}

impl<W: Write + Seek> ZipWriter<W> {
    /// Creates an archive that is written to `output` from its current position.
    pub fn new(output: W) -> Self {
        Self { writer: ::zip::ZipWriter::new(output), time: ZipTime::default(), names: BTreeSet::new() }
    }

    /// Sets the time of members that are added afterwards.
    #[must_use]
    pub fn with_time(mut self, time: ZipTime) -> Self {
        self.time = time;
        self
    }

    /// Adds a member.
    ///
    /// # Errors
    /// [`ErrorKind::Archive`] for a name that is taken or leads out of the archive; [`ErrorKind::Io`]
    /// when the output fails.
    pub fn add(&mut self, name: &str, data: &[u8]) -> Result<()> {
        self.add_with(name, data.len() as u64, |output| Ok(output.write_all(data)?))
    }

    /// Adds a member that `write` writes in pieces; `at_most` bounds its size in bytes.
    ///
    /// # Errors
    /// As [`ZipWriter::add`], and those of `write`.
    pub fn add_with(
        &mut self,
        name: &str,
        at_most: u64,
        write: impl FnOnce(&mut dyn Write) -> Result<()>,
    ) -> Result<()> {
        self.add_member(name, at_most, write).at_with(|| name.to_owned())
    }

    fn add_member(&mut self, name: &str, at_most: u64, write: impl FnOnce(&mut dyn Write) -> Result<()>) -> Result<()> {
        check_name(name, &Limits::default())?;
        if !self.names.insert(name.to_owned()) {
            return Err(Error::new(ErrorKind::Archive, "archive has a member of this name"));
        }
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Stored)
            .last_modified_time(self.time.0)
            .unix_permissions(0o600)
            .with_alignment(ALIGNMENT)
            .large_file(at_most >= u64::from(u32::MAX));
        self.writer.start_file(name, options).map_err(zip_error)?;
        write(&mut self.writer)
    }

    /// Writes the directory and returns the output.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] when the output fails.
    pub fn finish(self) -> Result<W> {
        self.writer.finish().map_err(|error| match error {
            ::zip::result::ZipError::Io(error) => error.into(),
            error => zip_error(error),
        })
    }
}
