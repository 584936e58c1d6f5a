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
pub(crate) struct Block {
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
        let mut block = Self { lines, length };
        ask_for_huge_pages(block.as_mut());
        Ok(block)
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

/// Asks the system to back large memory with huge pages: to fill it then costs one page fault for every 2 MiB
/// and not for every 4 KiB. The request may be ignored.
#[cfg(target_os = "linux")]
fn ask_for_huge_pages(memory: &mut [MaybeUninit<u8>]) {
    const HUGE: usize = 2 << 20;
    // The whole huge pages within the memory.
    let before = memory.as_ptr().align_offset(HUGE);
    let Some(inside) = memory.get_mut(before..) else { return };
    let whole = inside.len() / HUGE * HUGE;
    if let Some(inside) = inside.get_mut(..whole).filter(|inside| !inside.is_empty()) {
        // SAFETY: the range is memory of this block, and the advice changes neither its contents nor its
        // validity.
        let _ =
            unsafe { rustix::mm::madvise(inside.as_mut_ptr().cast(), inside.len(), rustix::mm::Advice::LinuxHugepage) };
    }
}

#[cfg(not(target_os = "linux"))]
fn ask_for_huge_pages(_: &mut [MaybeUninit<u8>]) {}

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
        for length in [0usize, 1, 63, 64, 65, 1000, (5 << 20) + 3] {
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
