//! Windows that move over the axes of an image: steps, padding, and the engine's layout with the channels first.

use super::{Concat, Reshape, Transpose, extent_mut};
use crate::error::{Error, ErrorKind, Result};
use crate::program::onnx::{Attribute, Call, Extent, Value};
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
                .received(input.to_string())
                .hint("the window is larger than the input: make it smaller, or pad with `Padding::Same`")),
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
    let mut shape = x.shape().dims().to_vec();
    shape.insert(2.min(shape.len()), Some(1));
    Reshape(shape.into()).eval(&[x])
}

/// Removes the axis that [`lifted`] added.
pub(super) fn without_second(x: &Tensor) -> Result<Tensor> {
    let kept = x.shape().dims().iter().enumerate().filter(|(axis, _)| *axis != 2).map(|(_, extent)| *extent);
    Reshape(kept.collect()).eval(&[x])
}

/// Returns numbers as an attribute.
pub(super) fn ints(numbers: impl Iterator<Item = usize>) -> Attribute {
    Attribute::Ints(numbers.map(|number| number as i64).collect())
}

/// Returns the padding of windows as an attribute: numbers, or the word for that of Keras's `same`, where they depend
/// on an unknown extent.
pub(super) fn padding<P: Primitive>(
    call: &mut Call,
    axes: impl Fn(&P) -> &[Steps],
) -> Result<(&'static str, Attribute)> {
    let [from, to] = [call.extents(call.first()?)?, call.result()];
    let (mut before, mut after, mut is_same) = (Vec::new(), Vec::new(), true);
    for (axis, (from, to)) in from.iter().zip(&to).skip(1).take(from.len().saturating_sub(2)).enumerate() {
        let start = call.each(|primitive: &P| axes(primitive).get(axis).map(|steps| steps.before))?;
        let end = call.each(|primitive: &P| axes(primitive).get(axis).map(|steps| steps.after))?;
        let stride = call.each(|primitive: &P| axes(primitive).get(axis).map(|steps| steps.stride))?;
        // One more at the end where the number is odd.
        let surplus = start.values().iter().zip(end.values()).map(|(start, end)| end.wrapping_sub(*start));
        is_same &= surplus.into_iter().all(|surplus| surplus <= 1);
        is_same &= *to == from.zip(&stride, |extent, stride| extent.div_ceil(stride.max(1)));
        before.push(start);
        after.push(end);
    }
    let all: Option<Vec<usize>> = before.iter().chain(&after).map(Extent::known).collect();
    match all {
        Some(all) => Ok(("pads", ints(all.into_iter()))),
        None if is_same => Ok(("auto_pad", Attribute::Text("SAME_UPPER"))),
        None => Err(call.unsupported("the padding depends on an unknown extent in a way that has no ONNX form")),
    }
}

/// Adds an operator on images, which ONNX has with the channels first; other operands are in ONNX's form.
pub(super) fn with_channels_first<const N: usize>(
    call: &mut Call,
    name: &'static str,
    mut operands: [Value; N],
    attributes: Vec<(&'static str, Attribute)>,
) -> Result<Value> {
    let rank = call.result().len().saturating_sub(2);
    let first: Vec<usize> = [0, rank + 1].into_iter().chain(1..=rank).collect();
    if let Some(x) = operands.first_mut() {
        *x = call.graph.transposed(*x, &first);
    }
    let value = call.operator(name, &operands, attributes)?;
    let last: Vec<usize> = [0].into_iter().chain(2..rank + 2).chain([1]).collect();
    let value = call.graph.transposed(value, &last);
    call.rounded(value)
}
