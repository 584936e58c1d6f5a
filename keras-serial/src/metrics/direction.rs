//! Whether larger or smaller values of a metric are better.

/// Whether larger or smaller values are better; used by callbacks in the mode `auto`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Larger is better.
    Up,
    /// Smaller is better.
    Down,
}
