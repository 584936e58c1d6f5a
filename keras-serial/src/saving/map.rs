//! Files mapped into memory.
#![allow(unsafe_code)]

use std::fs::File;
use std::io;

use bytes::Bytes;

/// The contents of a file, mapped read-only.
pub(super) fn map(file: &File) -> io::Result<Bytes> {
    // SAFETY: a mapping is unsound only where another process changes the file under it. No use of
    // the bytes relies on them for memory safety (every offset is checked against the length, which
    // is fixed when mapping), this crate replaces files by renaming a new one over them, which
    // leaves the mapped one as it was, and `Source::open` documents what remains with the caller.
    let map = unsafe { memmap2::Mmap::map(file)? };
    Ok(Bytes::from_owner(map))
}
