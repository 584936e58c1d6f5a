//! Reads parts of a file with several threads, and computes the checksum in the same pass.
#![allow(unsafe_code)]

use std::io;
use std::mem::MaybeUninit;
use std::ops::Range;

use bytes::Bytes;
use crc32fast::Hasher;
use rayon::prelude::*;

use super::memory::Block;
use super::open_file::{OpenFile, cut_short};
use super::section::Section;
use crate::error::{Error, ErrorKind, Result};

/// The bytes that one thread reads before it takes the next task.
const TASK: usize = 4 << 20;
/// The bytes that are read in one call; they stay in the processor's cache for the checksum.
const CALL: usize = 256 << 10;

impl Section {
    /// Returns all bytes: a slice if they are in memory or mapped, else read by several threads into
    /// fresh memory.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] when the file can't be read, or was changed since it was opened.
    pub fn read(&self) -> Result<Bytes> {
        match self.at_hand() {
            Some(bytes) => Ok(bytes),
            None => read(self),
        }
    }
}

/// Reads all bytes of a section of a file.
fn read(section: &Section) -> Result<Bytes> {
    let mut blocks = Vec::new();
    fetch(section, std::slice::from_ref(&(0..section.len())), false, &mut blocks)?;
    blocks.pop().ok_or_else(|| Error::new(ErrorKind::Io, "nothing was read"))
}

/// Computes the checksum (CRC-32) of a section without keeping its bytes.
pub(crate) fn checksum(section: &Section) -> Result<u32> {
    match section.at_hand() {
        Some(bytes) => Ok(checksum_of(&bytes)),
        None => fetch(section, &[], true, &mut Vec::new()),
    }
}

/// Computes the checksum of bytes in memory, with several threads if there are many.
pub(crate) fn checksum_of(data: &[u8]) -> u32 {
    let of_piece = |piece: &[u8]| {
        let mut sum = Hasher::new();
        sum.update(piece);
        sum
    };
    data.par_chunks(TASK).map(of_piece).reduce(Hasher::new, joined).finalize()
}

fn joined(mut sum: Hasher, next: Hasher) -> Hasher {
    sum.combine(&next);
    sum
}

/// Reads ranges of a section of a file, each into its own memory, and adds them to `blocks`. The ranges
/// must be in order and must not overlap. With `whole`, everything else is read too, and the checksum of
/// the whole section is returned (else 0).
///
/// # Errors
/// [`ErrorKind::Io`] when the file can't be read or was changed, [`ErrorKind::Limit`] when memory is
/// short.
pub(crate) fn fetch(section: &Section, ranges: &[Range<u64>], whole: bool, blocks: &mut Vec<Bytes>) -> Result<u32> {
    let (file, start) =
        section.in_file().ok_or_else(|| Error::new(ErrorKind::Io, "the bytes are at hand, and in no file"))?;
    let length = |range: &Range<u64>| usize::try_from(range.end.saturating_sub(range.start)).unwrap_or(usize::MAX);
    let mut memory = ranges.iter().map(|range| Block::new(length(range))).collect::<Result<Vec<_>>>()?;
    let mut plan = Plan::default();
    let mut position = 0;
    for (range, block) in ranges.iter().zip(&mut memory) {
        if range.start < position || range.end < range.start || range.end > section.len() {
            return Err(Error::new(ErrorKind::Io, "a part leads out of the file or into another part"));
        }
        if whole {
            plan.pass(start + position, range.start - position);
        }
        plan.keep(start + range.start, block.as_mut());
        position = range.end;
    }
    if whole {
        plan.pass(start + position, section.len() - position);
    }
    let sums = plan.tasks.into_par_iter().map(|task| run(file, task, whole));
    let sum = sums.try_reduce(Hasher::new, |sum, next| Ok(joined(sum, next)))?;
    file.check_unchanged()?;
    // SAFETY: every byte of each block is in a task, and a task that does not fill all its bytes is an
    // error, with which this function has returned.
    blocks.extend(memory.into_iter().map(|block| unsafe { block.filled() }));
    Ok(sum.finalize())
}

/// A piece of the file that starts at `start`.
struct Piece<'a> {
    start: u64,
    target: Target<'a>,
}

enum Target<'a> {
    Kept(&'a mut [MaybeUninit<u8>]),
    /// This many bytes, which are read for the checksum only.
    Passed(usize),
}

/// The reads, split into tasks of at most [`TASK`] bytes.
#[derive(Default)]
struct Plan<'a> {
    tasks: Vec<Vec<Piece<'a>>>,
    /// The bytes that still fit in the last task.
    room: usize,
}

impl<'a> Plan<'a> {
    fn keep(&mut self, mut start: u64, mut target: &'a mut [MaybeUninit<u8>]) {
        while !target.is_empty() {
            let count = self.room_for(target.len());
            let (now, later) = target.split_at_mut(count);
            self.add(Piece { start, target: Target::Kept(now) }, count);
            (start, target) = (start + count as u64, later);
        }
    }

    fn pass(&mut self, mut start: u64, mut left: u64) {
        while left > 0 {
            let count = self.room_for(usize::try_from(left).unwrap_or(usize::MAX));
            self.add(Piece { start, target: Target::Passed(count) }, count);
            (start, left) = (start + count as u64, left - count as u64);
        }
    }

    fn room_for(&mut self, count: usize) -> usize {
        if self.room == 0 {
            self.tasks.push(Vec::new());
            self.room = TASK;
        }
        count.min(self.room)
    }

    fn add(&mut self, piece: Piece<'a>, count: usize) {
        self.room -= count;
        if let Some(task) = self.tasks.last_mut() {
            task.push(piece);
        }
    }
}

/// Reads the pieces of a task and returns their checksum.
fn run(file: &OpenFile, task: Vec<Piece<'_>>, sums: bool) -> io::Result<Hasher> {
    let mut sum = Hasher::new();
    let mut passed = Vec::new();
    for Piece { mut start, target } in task {
        match target {
            Target::Kept(target) => {
                for part in target.chunks_mut(CALL) {
                    let filled = fill(file, start, part)?;
                    if sums {
                        sum.update(filled);
                    }
                    start += part.len() as u64;
                }
            }
            Target::Passed(mut left) => {
                passed.resize(CALL, 0);
                while left > 0 {
                    let part = passed.get_mut(..left.min(CALL)).unwrap_or_default();
                    file.read_exact_at(start, part)?;
                    sum.update(part);
                    (start, left) = (start + part.len() as u64, left - part.len());
                }
            }
        }
    }
    Ok(sum)
}

/// Fills a whole buffer from a file.
#[cfg(unix)]
fn fill<'a>(file: &OpenFile, start: u64, target: &'a mut [MaybeUninit<u8>]) -> io::Result<&'a [u8]> {
    let mut done = 0;
    while done < target.len() {
        let rest = target.get_mut(done..).unwrap_or_default();
        match rustix::io::pread(file.file(), rest, start + done as u64) {
            Ok(([], _)) => return Err(cut_short()),
            Ok((read, _)) => done += read.len(),
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    // SAFETY: the loop has ended, so the calls have written all bytes of `target`.
    Ok(unsafe { std::slice::from_raw_parts(target.as_ptr().cast::<u8>(), target.len()) })
}

#[cfg(not(unix))]
fn fill<'a>(file: &OpenFile, start: u64, target: &'a mut [MaybeUninit<u8>]) -> io::Result<&'a [u8]> {
    let zeroed = target.iter_mut().map(|byte| *byte.write(0)).count();
    // SAFETY: the line before has written all bytes.
    let bytes = unsafe { std::slice::from_raw_parts_mut(target.as_mut_ptr().cast::<u8>(), zeroed) };
    file.read_exact_at(start, bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_and_checksum_are_those_of_the_file() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("file");
        let content: Vec<u8> = (0..9_000_001u32).map(|index| (index * 31 + index / 257) as u8).collect();
        std::fs::write(&path, &content).unwrap();
        let section = Section::open(&path, false).unwrap();
        let inner = section.part(13..8_999_999).unwrap();
        let mut hasher = Hasher::new();
        hasher.update(&content[13..8_999_999]);
        let expected = hasher.finalize();
        assert_eq!(checksum(&inner).unwrap(), expected);
        assert_eq!(checksum_of(&content[13..8_999_999]), expected);
        let ranges = [5..6, 6..6, 100..4_300_000, 4_300_001..4_300_301, 8_999_980..8_999_986];
        for whole in [false, true] {
            let mut blocks = Vec::new();
            let sum = fetch(&inner, &ranges, whole, &mut blocks).unwrap();
            assert_eq!(sum, if whole { expected } else { 0 });
            for (block, range) in blocks.iter().zip(&ranges) {
                assert!(*block == content[13 + range.start as usize..13 + range.end as usize]);
            }
        }
        let overlapping = [5..9, 8..10];
        let past_the_end = std::slice::from_ref(&(0..8_999_987));
        for wrong in [&overlapping[..], past_the_end] {
            assert!(fetch(&inner, wrong, true, &mut Vec::new()).is_err());
        }
    }
}
