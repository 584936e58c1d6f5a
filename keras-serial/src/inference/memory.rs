//! Memory of a plan by liveness: results share buffers when one is needed no more before the other is made.

/// Assigns results to buffers, in the order of the steps.
#[derive(Debug, Default)]
pub(super) struct Assignment {
    /// The elements of each buffer.
    sizes: Vec<usize>,
    /// The buffers that hold nothing that is needed.
    free: Vec<usize>,
}

impl Assignment {
    /// Returns a buffer for so many elements: the free one that fits best; else the largest free one, which grows, or
    /// a new one.
    pub fn take(&mut self, elements: usize) -> usize {
        let size = |buffer: &usize| self.sizes.get(*buffer).copied().unwrap_or_default();
        let fitting = self.free.iter().enumerate().filter(|(_, buffer)| size(buffer) >= elements);
        let best = fitting.min_by_key(|(_, buffer)| size(buffer));
        let found = best.or_else(|| self.free.iter().enumerate().max_by_key(|(_, buffer)| size(buffer)));
        let buffer = match found.map(|(place, _)| place) {
            Some(place) => self.free.swap_remove(place),
            None => {
                self.sizes.push(0);
                self.sizes.len() - 1
            }
        };
        if let Some(size) = self.sizes.get_mut(buffer) {
            *size = (*size).max(elements);
        }
        buffer
    }

    /// Says that what a buffer holds is needed no more.
    pub fn release(&mut self, buffer: usize) {
        self.free.push(buffer);
    }

    /// Returns the elements of each buffer.
    pub fn sizes(self) -> Vec<usize> {
        self.sizes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_are_used_again() {
        let mut memory = Assignment::default();
        let (a, b) = (memory.take(10), memory.take(20));
        assert_ne!(a, b);
        memory.release(a);
        memory.release(b);
        // The best fit, then growth.
        assert_eq!(memory.take(8), a);
        assert_eq!(memory.take(30), b);
        let c = memory.take(1);
        assert!(c != a && c != b);
        assert_eq!(memory.sizes(), [10, 30, 1]);
    }
}
