//! Windows that move over the axes of an image: steps, padding, and the engine's layout with the channels first.

use super::{Concat, Reshape, Transpose, extent_mut};
use crate::error::{Error, ErrorKind, Result};
use crate::program::primitive::Primitive;
use crate::tensor::Tensor;
use crate::tensor::cast::cast;

/// How the window moves over one axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Steps {
    pub stride: usize,
    pub dilation: usize,
    /// Positions added before the input.
    pub before: usize,
    /// Positions added after the input.
    pub after: usize,
}

impl Steps {
    /// Returns how far a window of this size reaches.
    fn reach(self, window: usize) -> usize {
        window.saturating_sub(1) * self.dilation + 1
    }

    /// Returns the number of results.
    pub(crate) fn results(self, input: usize, window: usize) -> Result<usize> {
        match (input + self.before + self.after).checked_sub(self.reach(window)) {
            Some(room) => Ok(room / self.stride.max(1) + 1),
            None => Err(Error::new(ErrorKind::Shape, "Computed output size would be negative")
                .expected(format!("at least {} positions", self.reach(window)))
                .received(input.to_string())),
        }
    }

    /// Returns how many positions of a window at a place lie inside the input, without dilation.
    pub(super) fn inside(self, place: usize, window: usize, input: usize) -> usize {
        let start = place * self.stride;
        (start + window).min(input + self.before).saturating_sub(start.max(self.before))
    }
}

/// Adds positions with a value before and after an axis.
pub(super) fn padded(x: &Tensor, axis: usize, steps: &Steps, value: f32) -> Result<Tensor> {
    let edge = |count: usize| -> Result<Option<Tensor>> {
        if count == 0 {
            return Ok(None);
        }
        let mut shape = x.shape().known()?;
        *extent_mut(&mut shape, axis)? = count;
        let edge = Tensor::from_vec(vec![value; shape.iter().product()], shape)?;
        cast(&edge, x.dtype()).map(Some)
    };
    let (before, after) = (edge(steps.before)?, edge(steps.after)?);
    if before.is_none() && after.is_none() {
        return Ok(x.clone());
    }
    let parts: Vec<&Tensor> = before.iter().chain([x]).chain(&after).collect();
    Concat(axis).eval(&parts)
}

/// Moves the last axis, that of the channels, behind the first.
pub(super) fn channels_first(x: &Tensor) -> Result<Tensor> {
    let last = x.rank().saturating_sub(1);
    Transpose([0, last].into_iter().chain(1..last).collect()).eval(&[x])
}

/// Moves the second axis, that of the channels, to the end.
pub(super) fn channels_last(x: &Tensor) -> Result<Tensor> {
    Transpose([0].into_iter().chain(2..x.rank()).chain([1]).collect()).eval(&[x])
}

/// Adds an axis of extent 1 after the first two.
pub(super) fn lifted(x: &Tensor) -> Result<Tensor> {
    let mut shape = x.shape().known()?;
    shape.insert(2.min(shape.len()), 1);
    Reshape(shape).eval(&[x])
}

/// Removes the axis that [`lifted`] added.
pub(super) fn without_second(x: &Tensor) -> Result<Tensor> {
    let shape = x.shape().known()?;
    let kept = shape.iter().enumerate().filter(|(axis, _)| *axis != 2).map(|(_, extent)| *extent);
    Reshape(kept.collect()).eval(&[x])
}
