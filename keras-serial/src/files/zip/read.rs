//! Reads zip archives.

use std::collections::BTreeMap;
use std::io::{self, Read};

use ::zip::CompressionMethod;
use ::zip::read::ZipArchive;
use ::zip::result::ZipError;
use bytes::Bytes;

use super::{check_name, zip_error};
use crate::error::{Error, ErrorKind, Result, ResultExt, did_you_mean};
use crate::files::Limits;
use crate::files::io::{Section, SectionReader, checksum_of, sign};

/// A member of an archive.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ZipMember {
    /// The member's path, separated by `/`.
    pub name: String,
    /// The unpacked size in bytes.
    pub size: u64,
    /// The size in the archive in bytes.
    pub stored_size: u64,
}

/// A zip archive whose directory has been checked.
///
/// Members that are stored without compression, as Keras writes them, are slices of the archive.
#[derive(Debug)]
pub struct ZipReader {
    file: Section,
    archive: ZipArchive<SectionReader>,
    members: Vec<ZipMember>,
    index: BTreeMap<String, usize>,
    limits: Limits,
}

impl ZipReader {
    /// Reads and checks the directory of an archive.
    ///
    /// # Errors
    /// [`ErrorKind::Archive`] when it is not a sound zip archive, has members of the same name, members
    /// that overlap, symbolic links, or names that lead out of it (`..`, absolute, drives, backslashes);
    /// [`ErrorKind::Limit`] when it has too many members or they are too large.
    pub fn open(bytes: Bytes, limits: &Limits) -> Result<Self> {
        Self::of_section(bytes.into(), limits)
    }

    /// Like [`ZipReader::open`], for a file whose members are read on demand.
    pub(crate) fn of_section(file: Section, limits: &Limits) -> Result<Self> {
        let mut archive = ZipArchive::new(file.reader()).map_err(|error| unreadable(error, &file))?;
        Limits::check("members of an archive", archive.len() as u64, limits.max_members as u64)?;
        if archive.has_duplicate_names() {
            return Err(Error::new(ErrorKind::Archive, "archive has two members of one name"));
        }
        let mut members = Vec::new();
        let mut index = BTreeMap::new();
        let mut total: u64 = 0;
        for number in 0..archive.len() {
            let member = check_member(&archive, number, limits)?;
            total = total.saturating_add(member.size);
            index.insert(member.name.clone(), number);
            members.push(member);
        }
        Limits::check("bytes of all members", total, limits.max_total_bytes)?;
        limits.check_ratio("bytes of all members", total, file.len())?;
        if archive.has_overlapping_entries().map_err(zip_error)? {
            return Err(Error::new(ErrorKind::Archive, "members of the archive overlap"));
        }
        Ok(Self { file, archive, members, index, limits: limits.clone() })
    }

    /// Returns the members, in the order of the archive's directory.
    pub fn members(&self) -> &[ZipMember] {
        &self.members
    }

    /// Returns the number of bytes before the archive, which nothing reads.
    pub(crate) fn leading(&self) -> u64 {
        self.archive.offset()
    }

    /// Returns true if there is a member with this name.
    pub fn contains(&self, name: &str) -> bool {
        self.index.contains_key(name)
    }

    /// Reads a member and checks its checksum: a slice of the archive if it is stored, unpacked if it is
    /// deflated.
    ///
    /// # Errors
    /// [`ErrorKind::Archive`], with the member's name as path, when there is no such member, its
    /// checksum is wrong, or it is encrypted or compressed in another way; [`ErrorKind::Limit`] when it
    /// unpacks to more than it declares.
    pub fn read(&self, name: &str) -> Result<Bytes> {
        self.read_at_most(name, self.limits.max_member_bytes)
    }

    /// Reads a text of at most [`Limits::max_config_bytes`], like [`ZipReader::read`].
    pub fn read_text(&self, name: &str) -> Result<Bytes> {
        self.read_at_most(name, self.limits.max_config_bytes)
    }

    /// Like [`ZipReader::read`], but without checking the checksum of a stored member, so that none of
    /// its bytes are touched.
    ///
    /// # Errors
    /// As [`ZipReader::read`].
    pub fn peek(&self, name: &str) -> Result<Bytes> {
        let (member, _) = self.section(name)?;
        member.read().at_with(|| name.to_owned())
    }

    /// Returns a member that is read on demand, and its expected checksum; no checksum for one that had
    /// to be unpacked, which is already checked.
    pub(crate) fn section(&self, name: &str) -> Result<(Section, Option<u32>)> {
        let number = self.number(name).at_with(|| name.to_owned())?;
        match self.stored(number).at_with(|| name.to_owned())? {
            Some((member, checksum)) => Ok((member, Some(checksum))),
            None => Ok((self.read(name)?.into(), None)),
        }
    }

    /// Returns a member that is stored without compression, and its checksum.
    fn stored(&self, number: usize) -> Result<Option<(Section, u32)>> {
        let mut archive = self.archive.clone();
        let raw = archive.by_index_raw(number).map_err(zip_error)?;
        if raw.encrypted() || raw.compression() != CompressionMethod::Stored {
            return Ok(None);
        }
        Limits::check("bytes of a member", raw.size(), self.limits.max_member_bytes)?;
        let start = raw.data_start().filter(|_| raw.size() == raw.compressed_size());
        let range = start.and_then(|start| Some(start..start.checked_add(raw.size())?));
        let member = range.and_then(|range| self.file.part(range));
        let member = member.ok_or_else(|| Error::new(ErrorKind::Archive, "member is cut short"))?;
        Ok(Some((member.aligned(), raw.crc32())))
    }

    fn number(&self, name: &str) -> Result<usize> {
        self.index.get(name).copied().ok_or_else(|| {
            let names = self.members.iter().map(|member| member.name.as_str());
            let error = Error::new(ErrorKind::Archive, "archive has no such member");
            match did_you_mean(name, names) {
                Some(hint) => error.hint(hint),
                None => error,
            }
        })
    }

    fn read_at_most(&self, name: &str, limit: u64) -> Result<Bytes> {
        self.number(name).and_then(|number| self.unpack(number, limit)).at_with(|| name.to_owned())
    }

    fn unpack(&self, number: usize, limit: u64) -> Result<Bytes> {
        // The clone shares the directory and the bytes; only the position is separate.
        let mut archive = self.archive.clone();
        let raw = archive.by_index_raw(number).map_err(zip_error)?;
        let (size, stored, method) = (raw.size(), raw.compressed_size(), raw.compression());
        if raw.encrypted() {
            return Err(Error::new(ErrorKind::Archive, "member is encrypted"));
        }
        drop(raw);
        Limits::check("bytes of a member", size, limit)?;
        self.limits.check_ratio("bytes of a member", size, stored)?;
        match method {
            CompressionMethod::Stored => {
                let cut = || Error::new(ErrorKind::Archive, "member is cut short");
                let (member, checksum) = self.stored(number)?.ok_or_else(cut)?;
                let bytes = member.read()?;
                check_sum(checksum_of(&bytes), checksum)?;
                Ok(bytes)
            }
            CompressionMethod::Deflated => {
                let member = archive.by_index(number).map_err(zip_error)?;
                let mut data = Vec::new();
                member.take(size.saturating_add(1)).read_to_end(&mut data).map_err(unpack_error)?;
                if data.len() as u64 != size {
                    return Err(Error::new(ErrorKind::Archive, "member unpacks to another size than the archive says")
                        .expected(format!("{size} bytes")));
                }
                Ok(data.into())
            }
            method => Err(Error::new(ErrorKind::Archive, "member is packed in a way that is not read")
                .expected("stored or deflated")
                .received(method.to_string())
                .hint("load and save the model with Keras, which stores members as they are")),
        }
    }
}

/// Returns the error for a file whose archive directory can't be read.
fn unreadable(error: ZipError, file: &Section) -> Error {
    if !sign::is_zip(file) {
        return sign::not("a zip archive", ErrorKind::Archive, file).with_source(error);
    }
    if ends_as_archive(file) { zip_error(error) } else { sign::cut_short(ErrorKind::Archive, file) }
}

/// Returns true if the file ends with an archive's end record, which a comment may follow.
fn ends_as_archive(file: &Section) -> bool {
    const RECORD: usize = 22;
    const LONGEST_COMMENT: u64 = 0xffff;
    let start = file.len().saturating_sub(RECORD as u64 + LONGEST_COMMENT);
    let tail = file.peek(start..file.len()).ok().flatten().unwrap_or_default();
    tail.windows(RECORD).any(|record| record.starts_with(b"PK\x05\x06"))
}

/// Checks that a member has the expected checksum.
pub(crate) fn check_sum(received: u32, expected: u32) -> Result<()> {
    if received == expected {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Archive, "member is damaged: its checksum is wrong")
        .expected(format!("{expected:08x}"))
        .received(format!("{received:08x}")))
}

fn unpack_error(error: io::Error) -> Error {
    Error::new(ErrorKind::Archive, format!("member can't be unpacked: {error}")).with_source(error)
}

fn check_member(archive: &ZipArchive<SectionReader>, number: usize, limits: &Limits) -> Result<ZipMember> {
    let entry = archive.by_index_data(number).map_err(zip_error)?;
    let name = entry.name().map_err(zip_error)?.into_owned();
    check_name(&name, limits)?;
    if entry.is_symlink() {
        return Err(Error::new(ErrorKind::Archive, "member is a symbolic link").at(name));
    }
    let (size, stored_size) = (entry.size(), entry.compressed_size());
    Limits::check("bytes of a member", size, limits.max_member_bytes)
        .and_then(|()| limits.check_ratio("bytes of a member", size, stored_size))
        .at_with(|| name.clone())?;
    Ok(ZipMember { name, size, stored_size })
}
