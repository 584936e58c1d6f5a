//! An open file for reading, which notices changes by others.

use std::fs::{File, Metadata, OpenOptions};
use std::io;
use std::path::Path;
use std::sync::Mutex;
use std::time::SystemTime;

use crate::error::{Error, ErrorKind, Result, did_you_mean};
use crate::utils::Locked;

/// The bytes of a block of the cache, and the number of blocks.
const BLOCK: usize = 16 << 10;
const BLOCKS: u64 = 16;

/// An ordinary file, open for reading, with a small cache for data that is close together (directories,
/// headers); weights are not cached.
#[derive(Debug)]
pub(crate) struct OpenFile {
    file: File,
    stamp: Stamp,
    cache: Mutex<Vec<(u64, Vec<u8>)>>,
}

/// The metadata that changes when somebody writes to the file. (The change time, `ctime`, would not do:
/// it is also set when another file takes over the name.)
#[derive(Debug, PartialEq)]
struct Stamp {
    length: u64,
    modified: Option<SystemTime>,
}

/// The largest number of names in a directory that are compared with that of a missing file.
const MOST_NAMES: usize = 1000;

/// Returns the error for a file that is not there, with names like its in the same directory.
fn not_there(path: &Path, error: io::Error) -> Error {
    let error = Error::from(error);
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let Some(name) = path.file_name().and_then(|name| name.to_str()) else { return error };
    let Ok(entries) = directory.read_dir() else {
        return error.hint(format!("there is no directory `{}` to read", directory.display()));
    };
    let names = entries.take(MOST_NAMES).filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let names: Vec<String> = names.collect();
    match did_you_mean(name, names.iter().map(String::as_str)) {
        Some(near) => error.hint(near),
        None => error,
    }
}

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        Self { length: metadata.len(), modified: metadata.modified().ok() }
    }
}

impl OpenFile {
    /// Opens a file.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] when it can't be opened, or is a pipe, a device or a directory.
    pub fn open(path: &Path) -> Result<Self> {
        let mut options = OpenOptions::new();
        options.read(true);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt;
            // Without this, opening a pipe would wait for a writer.
            options.custom_flags(rustix::fs::OFlags::NONBLOCK.bits() as i32);
        }
        Self::new(options.open(path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => not_there(path, error),
            _ => error.into(),
        })?)
    }

    /// Wraps a file that is already open.
    ///
    /// # Errors
    /// As [`OpenFile::open`].
    pub fn new(file: File) -> Result<Self> {
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return Err(Error::new(ErrorKind::Io, "not an ordinary file")
                .expected("a file on a disk, whose length is known")
                .hint("read a pipe or device into memory, and load from that: `load_model_from_bytes`"));
        }
        Ok(Self { stamp: Stamp::of(&metadata), file, cache: Mutex::default() })
    }

    /// Returns the underlying file.
    pub fn file(&self) -> &File {
        &self.file
    }

    /// Returns the length at the time of opening.
    pub fn len(&self) -> u64 {
        self.stamp.length
    }

    /// Returns an error if somebody has written to the file since it was opened.
    pub fn check_unchanged(&self) -> io::Result<()> {
        if Stamp::of(&self.file.metadata()?) == self.stamp {
            return Ok(());
        }
        Err(io::Error::other("the file was changed while it was read"))
    }

    /// Fills a buffer from `start` on; small reads go through the cache.
    ///
    /// # Errors
    /// When the file ends too early, can't be read, or was changed.
    pub fn read_cached(&self, start: u64, buffer: &mut [u8]) -> io::Result<()> {
        if buffer.len() > BLOCK {
            self.read_exact_at(start, buffer)?;
            return self.check_unchanged();
        }
        let (mut start, mut rest) = (start, buffer);
        while !rest.is_empty() {
            let (number, offset) = (start / BLOCK as u64, (start % BLOCK as u64) as usize);
            let count = rest.len().min(BLOCK - offset);
            let (now, later) = rest.split_at_mut(count);
            self.with_block(number, |block| match block.get(offset..offset + count) {
                Some(bytes) => {
                    now.copy_from_slice(bytes);
                    Ok(())
                }
                None => Err(cut_short()),
            })?;
            (start, rest) = (start + count as u64, later);
        }
        Ok(())
    }

    fn with_block(&self, number: u64, take: impl FnOnce(&[u8]) -> io::Result<()>) -> io::Result<()> {
        let mut cache = self.cache.locked();
        let place = (number % BLOCKS) as usize;
        if cache.is_empty() {
            cache.resize_with(BLOCKS as usize, || (u64::MAX, Vec::new()));
        }
        let Some((held, block)) = cache.get_mut(place) else { return Err(cut_short()) };
        if *held != number {
            let start = number.saturating_mul(BLOCK as u64);
            let length = self.len().saturating_sub(start).min(BLOCK as u64) as usize;
            *held = u64::MAX;
            block.resize(length, 0);
            self.read_exact_at(start, block)?;
            self.check_unchanged()?;
            *held = number;
        }
        take(block)
    }

    /// Fills a buffer from `start` on.
    ///
    /// # Errors
    /// When the file ends too early, or can't be read.
    #[cfg(unix)]
    pub fn read_exact_at(&self, start: u64, buffer: &mut [u8]) -> io::Result<()> {
        use std::os::unix::fs::FileExt;
        self.file.read_exact_at(buffer, start).map_err(short)
    }

    #[cfg(not(unix))]
    pub fn read_exact_at(&self, start: u64, buffer: &mut [u8]) -> io::Result<()> {
        use std::io::{Read, Seek, SeekFrom};
        // All handles of a file share the position, so a read holds this lock.
        static POSITION: Mutex<()> = Mutex::new(());
        let _position = POSITION.locked();
        (&self.file).seek(SeekFrom::Start(start))?;
        (&self.file).read_exact(buffer).map_err(short)
    }
}

fn short(error: io::Error) -> io::Error {
    if error.kind() == io::ErrorKind::UnexpectedEof { cut_short() } else { error }
}

/// Returns the error for a file that has become shorter than when it was opened.
pub(crate) fn cut_short() -> io::Error {
    io::Error::other("the file was cut short while it was read")
}
