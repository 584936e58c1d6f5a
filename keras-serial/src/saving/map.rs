//! Files mapped into memory.
#![allow(unsafe_code)]

use std::fs::File;
use std::io;

use bytes::Bytes;

/// The contents of a file, mapped read-only.
pub(super) fn map(file: &File) -> io::Result<Bytes> {
    // SAFETY: a mapping is unsound where another process changes the file under it. Files are mapped only
    // where the caller has asked for it, by `memory_map(true)`, whose documentation says that nobody may
    // write to the file meanwhile. No use of the bytes relies on them for memory safety (every offset is
    // checked against the length, which is fixed when mapping), and this crate replaces files by
    // renaming a new one over them, which leaves the mapped one as it was.
    let map = unsafe { memmap2::Mmap::map(file)? };
    Ok(Bytes::from_owner(map))
}
