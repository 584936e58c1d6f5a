//! Memory for the contents of files: aligned, and not zeroed before it is filled.
#![allow(unsafe_code)]

use std::mem::MaybeUninit;

use bytes::Bytes;

use crate::error::{Error, ErrorKind, Result};

/// The alignment of a block: enough for all element types and for vector instructions.
const ALIGNMENT: usize = 64;

/// One alignment unit of uninitialized bytes.
#[derive(Clone, Copy)]
#[repr(align(64))]
struct Line {
    _bytes: [MaybeUninit<u8>; ALIGNMENT],
}

/// A block of memory to be filled from a file.
pub(super) struct Block {
    lines: Vec<Line>,
    length: usize,
}

impl Block {
    /// Allocates `length` bytes.
    ///
    /// # Errors
    /// [`ErrorKind::Limit`] if that much memory can't be allocated.
    pub fn new(length: usize) -> Result<Self> {
        let mut lines: Vec<Line> = Vec::new();
        let count = length.div_ceil(ALIGNMENT);
        lines.try_reserve_exact(count).map_err(|error| {
            let error = Error::new(ErrorKind::Limit, "no memory for the contents of the file").with_source(error);
            error.received(format!("{length} bytes"))
        })?;
        // SAFETY: the capacity is at least `count`, and a `Line` holds `MaybeUninit`, which any memory
        // is valid for.
        unsafe { lines.set_len(count) };
        Ok(Self { lines, length })
    }

    /// Returns the uninitialized bytes, to be filled.
    pub fn as_mut(&mut self) -> &mut [MaybeUninit<u8>] {
        let start = self.lines.as_mut_ptr().cast::<MaybeUninit<u8>>();
        // SAFETY: the lines are contiguous, at least `length` bytes, and borrowed for as long as the
        // result.
        unsafe { std::slice::from_raw_parts_mut(start, self.length) }
    }

    /// Returns the bytes, once all of them have been filled.
    ///
    /// # Safety
    /// Every byte of [`Block::as_mut`] has been written.
    pub unsafe fn filled(self) -> Bytes {
        Bytes::from_owner(Filled(self))
    }
}

struct Filled(Block);

impl AsRef<[u8]> for Filled {
    fn as_ref(&self) -> &[u8] {
        // SAFETY: as in `Block::as_mut`; `Block::filled` requires that all bytes have been written.
        unsafe { std::slice::from_raw_parts(self.0.lines.as_ptr().cast::<u8>(), self.0.length) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_aligned_and_hold_what_is_written() {
        for length in [0usize, 1, 63, 64, 65, 1000] {
            let mut block = Block::new(length).unwrap();
            for (index, byte) in block.as_mut().iter_mut().enumerate() {
                byte.write(index as u8);
            }
            // SAFETY: the loop has written all bytes.
            let bytes = unsafe { block.filled() };
            assert_eq!(bytes, (0..length).map(|index| index as u8).collect::<Vec<_>>());
            assert!(bytes.as_ptr().addr().is_multiple_of(ALIGNMENT) || length == 0);
        }
        assert_eq!(Block::new(usize::MAX / 2).map(drop).unwrap_err().kind(), ErrorKind::Limit);
    }
}
