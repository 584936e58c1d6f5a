//! Memory-mapped files.
#![allow(unsafe_code)]

use std::fs::File;
use std::io;

use bytes::Bytes;

/// Maps the contents of a file, read-only.
pub(crate) fn map(file: &File) -> io::Result<Bytes> {
    // SAFETY: a mapping is unsound if another process changes the file. Files are mapped only if the
    // caller asks for it with `memory_map(true)`, whose documentation says that nobody may write to the
    // file meanwhile. No use of the bytes relies on them for memory safety (every offset is checked
    // against the length, which is fixed when mapping), and this crate replaces files by renaming a new
    // one over them, which leaves the mapped one unchanged.
    let map = unsafe { memmap2::Mmap::map(file)? };
    Ok(Bytes::from_owner(map))
}
