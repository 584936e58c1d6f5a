//! The random number generator for all choices.

/// SplitMix64: the same numbers for the same seed on every platform.
#[derive(Debug, Clone)]
pub struct Numbers(u64);

impl Numbers {
    /// Creates the sequence for a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Creates the sequence for one execution, which does not depend on earlier executions.
    pub fn of_execution(seed: u64, execution: u64) -> Self {
        let mut numbers = Self(seed ^ execution.wrapping_mul(0xd6e8_feb8_6659_fd93));
        numbers.any();
        numbers
    }

    /// Returns any number.
    pub fn any(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Returns a number below `bound` (0 for 0).
    pub fn below(&mut self, bound: usize) -> usize {
        (self.any() % bound.max(1) as u64) as usize
    }

    /// Returns one of several items.
    pub fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }
}
