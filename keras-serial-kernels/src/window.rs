//! The window of a convolution or pooling on one axis: extents, strides, dilation and explicit padding.

use super::error::{Result, check};

/// One axis of a convolution or pooling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Axis {
    /// Positions of the input.
    pub input: usize,
    /// Positions of the output.
    pub output: usize,
    /// Positions of the window.
    pub window: usize,
    /// The distance of two windows.
    pub stride: usize,
    /// The distance of two positions of a window.
    pub dilation: usize,
    /// How many positions of padding stand before the input.
    pub before: usize,
}

impl Axis {
    /// An axis with one position.
    pub const NONE: Self = Self { input: 1, output: 1, window: 1, stride: 1, dilation: 1, before: 0 };

    /// Windows that lie inside the input (`padding="valid"`).
    pub fn valid(input: usize, window: usize, stride: usize, dilation: usize) -> Result<Self> {
        Self::padded(input, window, stride, dilation, [0, 0])
    }

    /// As many windows as positions, over the stride (`padding="same"`).
    pub fn same(input: usize, window: usize, stride: usize, dilation: usize) -> Result<Self> {
        check(stride > 0 && window > 0, "strides and windows are positive")?;
        let reach = reach(window, dilation)?;
        let steps = input.div_ceil(stride).saturating_sub(1);
        let total = steps.saturating_mul(stride).saturating_add(reach).saturating_sub(input);
        Self::padded(input, window, stride, dilation, [total / 2, total - total / 2])
    }

    /// Windows over an input with so many positions of padding before and after it.
    pub fn padded(input: usize, window: usize, stride: usize, dilation: usize, pads: [usize; 2]) -> Result<Self> {
        check(stride > 0 && window > 0, "strides and windows are positive")?;
        let reach = reach(window, dilation)?;
        let extent = input.checked_add(pads[0]).and_then(|sum| sum.checked_add(pads[1]));
        let room = extent.and_then(|extent| extent.checked_sub(reach));
        check(room.is_some(), "a window fits the padded input")?;
        let output = room.unwrap_or(0) / stride + 1;
        let axis = Self { input, output, window, stride, dilation, before: pads[0] };
        axis.check()?;
        Ok(axis)
    }

    /// Checks what kernels rely on: no number is zero that may not be, and places don't overflow.
    pub(crate) fn check(&self) -> Result<()> {
        check(self.stride > 0 && self.window > 0 && self.dilation > 0, "strides, windows and dilations are positive")?;
        let last = self.output.saturating_sub(1).checked_mul(self.stride);
        let end = last.and_then(|last| last.checked_add(reach(self.window, self.dilation).ok()?));
        check(end.is_some_and(|end| end <= isize::MAX as usize), "windows lie in the address space")
    }

    /// Positions from the first one of a window to the last.
    pub(crate) fn reach(&self) -> usize {
        (self.window - 1) * self.dilation + 1
    }

    /// The input's position under an element of an output's window; `None` in the padding.
    #[inline(always)]
    pub fn place(&self, output: usize, element: usize) -> Option<usize> {
        (output * self.stride + element * self.dilation).checked_sub(self.before).filter(|at| *at < self.input)
    }

    /// Does every window lie inside the input?
    pub(crate) fn is_inside(&self) -> bool {
        self.before == 0 && self.output.saturating_sub(1) * self.stride + self.reach() <= self.input
    }
}

fn reach(window: usize, dilation: usize) -> Result<usize> {
    let reach = window.saturating_sub(1).checked_mul(dilation).and_then(|span| span.checked_add(1));
    check(dilation > 0 && reach.is_some(), "dilations are positive and fit the address space")?;
    Ok(reach.unwrap_or(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outputs_and_padding() {
        let valid = Axis::valid(10, 3, 2, 2).unwrap();
        assert_eq!((valid.output, valid.before, valid.reach()), (3, 0, 5));
        assert!(valid.is_inside());
        let same = Axis::same(7, 3, 2, 1).unwrap();
        assert_eq!((same.output, same.before), (4, 1));
        assert!(!same.is_inside());
        assert_eq!((same.place(0, 0), same.place(0, 1), same.place(3, 2)), (None, Some(0), None));
        assert_eq!(Axis::same(224, 3, 2, 1).unwrap().before, 0);
        assert_eq!(Axis::padded(224, 7, 2, 1, [3, 3]).unwrap().output, 112);
    }

    #[test]
    fn impossible_windows_are_errors() {
        assert!(Axis::valid(2, 3, 1, 1).is_err());
        assert!(Axis::valid(2, 0, 1, 1).is_err());
        assert!(Axis::valid(2, 1, 0, 1).is_err());
        assert!(Axis::same(2, 2, 1, 0).is_err());
        assert!(Axis::valid(usize::MAX, usize::MAX, 1, 2).is_err());
        assert!(Axis::padded(usize::MAX, 2, 1, 1, [1, 0]).is_err());
    }
}
