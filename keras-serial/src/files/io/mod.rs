//! Bytes of files: read on demand, mapped or in memory, and written atomically.

mod atomic;
mod fetch;
mod look;
mod map;
mod memory;
mod open_file;
mod section;
pub(crate) mod sign;
mod source;

pub use atomic::write_atomically;
pub(crate) use atomic::{Staged, refuse_file, write_directory, write_file};
pub(crate) use fetch::{checksum, checksum_of, fetch};
pub(crate) use look::Look;
pub(crate) use section::{Section, SectionReader, open_named};
pub use source::Source;
