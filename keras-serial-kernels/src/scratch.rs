//! Scratch memory of a thread: a buffer that is kept from call to call, so that a warm kernel allocates nothing.
#![allow(unsafe_code)]

use std::cell::RefCell;

/// A cache line; what packed weights and scratch memory are aligned to.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
struct Line {
    _elements: [f32; 16],
}

/// Elements aligned to a cache line.
#[derive(Clone, Debug, Default)]
pub struct Aligned {
    lines: Vec<Line>,
    len: usize,
}

impl Aligned {
    /// So many zeros.
    pub fn zeros(len: usize) -> Self {
        let mut aligned = Self::default();
        aligned.resize(len);
        aligned
    }

    /// Changes the length. New elements are zero; others keep their values or those of an earlier use.
    pub fn resize(&mut self, len: usize) {
        let lines = len.div_ceil(16);
        if lines > self.lines.len() {
            self.lines.resize(lines, Line { _elements: [0.0; 16] });
        }
        self.len = len;
    }

    /// The elements.
    pub fn as_slice(&self) -> &[f32] {
        // SAFETY: lines are arrays of elements without gaps, and there are enough of them.
        unsafe { std::slice::from_raw_parts(self.lines.as_ptr().cast(), self.len) }
    }

    /// The elements, to write.
    pub fn as_mut_slice(&mut self) -> &mut [f32] {
        // SAFETY: lines are arrays of elements without gaps, and there are enough of them.
        unsafe { std::slice::from_raw_parts_mut(self.lines.as_mut_ptr().cast(), self.len) }
    }
}

/// Runs a function with `len` elements of this thread's scratch memory, whose values are arbitrary.
///
/// A call inside the function gets memory of its own, which is kept too.
pub fn with<T>(len: usize, function: impl FnOnce(&mut [f32]) -> T) -> T {
    thread_local! {
        /// The buffers that no call uses; that of an outer call lies on those of inner ones.
        static IDLE: RefCell<Vec<Aligned>> = const { RefCell::new(Vec::new()) };
    }
    let mut buffer = IDLE.with_borrow_mut(Vec::pop).unwrap_or_default();
    buffer.resize(len);
    let result = function(buffer.as_mut_slice());
    IDLE.with_borrow_mut(|idle| idle.push(buffer));
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_aligned_and_kept() {
        let first = with(100, |buffer| {
            buffer[99] = 7.0;
            let inner = with(3, |inner| inner.as_ptr());
            (buffer.as_ptr(), inner)
        });
        assert!(first.0.addr().is_multiple_of(64));
        let again = with(100, |buffer| {
            assert_eq!((buffer.len(), buffer[99]), (100, 7.0));
            (buffer.as_ptr(), with(3, |inner| inner.as_ptr()))
        });
        assert_eq!(first, again);
        assert!(with(0, |buffer| buffer.is_empty()));
        assert_eq!(Aligned::zeros(17).as_slice(), [0.0; 17]);
    }
}
