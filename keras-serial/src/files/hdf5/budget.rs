//! Bounds how much of a file the HDF5 library may read.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use hdf5_pure::{FormatError, Source};

use crate::files::io::Section;

/// A file handed to the HDF5 library, with a budget of bytes to read.
///
/// The structures of a sound file are read a few times each. A file made to exhaust its reader makes it
/// read the same few bytes over and over: by loops, by many links to one group, by many strings in one
/// place. The budget stops all of these, in whatever form.
#[derive(Debug, Clone)]
pub(super) struct Budgeted {
    file: Section,
    state: Arc<State>,
}

#[derive(Debug)]
struct State {
    left: AtomicU64,
    /// The offset of the first read since [`Budgeted::watch`] began; `u64::MAX` if there was none.
    first: AtomicU64,
}

/// How often the whole file may be read in one walk, and the extra bytes for small files.
const ROUNDS: u64 = 64;
const FLOOR: u64 = 16 << 20;

pub(super) const SPENT: &str =
    "the same few bytes are read over and over: links or strings were made to exhaust the reader";

impl Budgeted {
    pub(super) fn new(file: Section) -> Self {
        let budgeted =
            Self { file, state: Arc::new(State { left: AtomicU64::new(0), first: AtomicU64::new(u64::MAX) }) };
        budgeted.refill(0);
        budgeted
    }

    /// Grants a new budget, with `extra` bytes added.
    pub(super) fn refill(&self, extra: u64) {
        let budget = self.file.len().saturating_mul(ROUNDS).saturating_add(FLOOR).saturating_add(extra);
        self.state.left.store(budget, Ordering::Relaxed);
    }

    /// Runs `read` and returns the offset of its first read.
    ///
    /// The library does not tell where an object is in the file, but the first thing it reads of an
    /// object is its header. Only for walks on one thread.
    pub(super) fn watch<T>(&self, read: impl FnOnce() -> T) -> (T, Option<u64>) {
        self.state.first.store(u64::MAX, Ordering::Relaxed);
        let result = read();
        let first = self.state.first.load(Ordering::Relaxed);
        (result, (first != u64::MAX).then_some(first))
    }

    pub(super) fn file(&self) -> &Section {
        &self.file
    }
}

impl Source for Budgeted {
    fn len(&self) -> u64 {
        self.file.len()
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<(), FormatError> {
        let length = buffer.len() as u64;
        let _ = self.state.first.compare_exchange(u64::MAX, offset, Ordering::Relaxed, Ordering::Relaxed);
        self.state
            .left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(length.max(16)))
            .map_err(|_| FormatError::Source(SPENT.into()))?;
        let end = offset.checked_add(length).ok_or(FormatError::OffsetOverflow { offset, length })?;
        if end > self.file.len() {
            return Err(FormatError::UnexpectedEof {
                expected: usize::try_from(end).unwrap_or(usize::MAX),
                available: usize::try_from(self.file.len()).unwrap_or(usize::MAX),
            });
        }
        self.file.fill(offset, buffer).map_err(|error| FormatError::Source(error.to_string()))
    }
}
