//! Operations on shape and layout: reshape, transpose, concatenate, slice, gather.

use super::dtypes::{cast, promote};
use super::empty::empty_from;
use super::operand::Operand;
use super::text::{is_text, joined, moved, rows};
use crate::error::{Error, ErrorKind, Result};
use crate::program;
use crate::program::primitives::{Broadcast, Concat, Flip, Range, Reshape, Select, Slice, Transpose};
use crate::tensor::{DType, Shape, Tensor};

/// Reshapes a tensor; at most one extent may be unknown, and is inferred.
pub(crate) fn reshape_to(x: &Tensor, target: &Shape) -> Result<Tensor> {
    let target = resolve(x.shape(), target)?;
    if x.dtype() == DType::String
        && let Ok(text) = x.strings()
    {
        return Tensor::from_strings(text.to_vec(), target);
    }
    program::apply(Reshape(target), &[x])
}

/// Infers the unknown extent of a target shape.
fn resolve(from: &Shape, target: &Shape) -> Result<Shape> {
    let mismatch = || {
        Error::new(ErrorKind::Shape, "the number of elements must not change")
            .expected(format!("the elements of shape {from}"))
            .received(format!("shape {target}"))
    };
    let open = target.dims().iter().filter(|dim| dim.is_none()).count();
    let Some(count) = from.num_elements() else {
        // If the input has an unknown extent too, the target's stays unknown.
        return Ok(target.clone());
    };
    match open {
        0 if target.num_elements() == Some(count) => Ok(target.clone()),
        1 => {
            if count == 0 && target.dims().contains(&Some(0)) {
                // Any extent would fit; 0 is chosen.
                return Ok(target.dims().iter().map(|dim| dim.or(Some(0))).collect());
            }
            let rest = target.dims().iter().flatten().try_fold(1usize, |product, dim| product.checked_mul(*dim));
            let rest = rest.filter(|rest| *rest > 0 && count.is_multiple_of(*rest)).ok_or_else(mismatch)?;
            Ok(target.dims().iter().map(|dim| dim.or(Some(count / rest))).collect())
        }
        _ => Err(mismatch()),
    }
}

/// Permutes axes.
pub(crate) fn transpose_to(x: &Tensor, axes: &[usize]) -> Result<Tensor> {
    let mut seen = axes.to_vec();
    seen.sort_unstable();
    if !seen.iter().copied().eq(0..x.rank()) {
        return Err(Error::new(ErrorKind::InvalidArgument, "wrong axes")
            .expected(format!("an order of the axes 0 to {}", x.rank().saturating_sub(1)))
            .received(format!("{axes:?}")));
    }
    if axes.iter().copied().eq(0..x.rank()) {
        return Ok(x.unmasked());
    }
    if is_text(x) {
        return moved(x, |x| transpose_to(x, axes));
    }
    program::apply(Transpose(axes.to_vec()), &[x])
}

/// Broadcasts a tensor to a shape.
pub(crate) fn broadcast_to(x: &Tensor, shape: &Shape) -> Result<Tensor> {
    if x.shape() == shape {
        return Ok(x.unmasked());
    }
    if x.shape().broadcast(shape)? != *shape {
        return Err(Error::new(ErrorKind::Shape, "the tensor can't be broadcast")
            .expected(format!("shape {shape}"))
            .received(format!("shape {}", x.shape())));
    }
    if is_text(x) {
        return moved(x, |x| broadcast_to(x, shape));
    }
    let ones = std::iter::repeat_n(Some(1), shape.rank().saturating_sub(x.rank()));
    let x = reshape_to(x, &ones.chain(x.shape().dims().iter().copied()).collect())?;
    program::apply(Broadcast(shape.clone()), &[&x])
}

/// Inserts an axis of extent 1 at the position `axis`; negative ones count from the new end.
pub(crate) fn expand_at(x: &Tensor, axis: isize) -> Result<Tensor> {
    let rank = x.rank() as isize + 1;
    let position = if axis < 0 { axis + rank } else { axis };
    if !(0..rank).contains(&position) {
        return Err(Error::new(ErrorKind::Shape, "axis out of range")
            .expected(format!("an axis from {} to {}", -rank, rank - 1))
            .received(axis.to_string()));
    }
    let mut dims = x.shape().dims().to_vec();
    dims.insert(position as usize, Some(1));
    reshape_to(x, &dims.into())
}

/// Removes an axis of extent 1.
pub(crate) fn squeeze_at(x: &Tensor, axis: isize) -> Result<Tensor> {
    let position = x.shape().axis(axis)?;
    if let Some(extent @ 0 | extent @ 2..) = x.shape().get(axis)? {
        return Err(Error::new(ErrorKind::Shape, format!("axis {axis} can't be squeezed"))
            .expected("an extent of 1")
            .received(extent.to_string()));
    }
    let mut dims = x.shape().dims().to_vec();
    dims.remove(position);
    reshape_to(x, &dims.into())
}

/// Concatenates tensors along an axis.
pub(crate) fn concat(tensors: &[Tensor], axis: isize) -> Result<Tensor> {
    let [first, rest @ ..] = tensors else {
        return Err(Error::new(ErrorKind::InvalidArgument, "nothing to join").expected("at least one tensor"));
    };
    let position = first.shape().axis(axis)?;
    let dtype = rest.iter().fold(first.dtype(), |dtype, x| super::dtypes::result_type(dtype, x.dtype()));
    let mut shape = first.shape().clone();
    for x in rest {
        if !shape.with(axis, None)?.is_compatible(&if x.rank() == shape.rank() {
            x.shape().with(axis, None)?
        } else {
            x.shape().clone()
        }) {
            return Err(Error::new(ErrorKind::Shape, format!("tensors can't be joined along axis {axis}"))
                .expected(format!("shapes that agree with {} elsewhere", first.shape()))
                .received(format!("shape {}", x.shape())));
        }
        shape = shape.dims().iter().zip(x.shape().dims()).map(|(a, b)| a.or(*b)).collect();
    }
    if tensors.iter().all(is_text) {
        return joined(tensors, |positions| concat(positions, axis));
    }
    let tensors = tensors.iter().map(|x| cast(x, dtype)).collect::<Result<Vec<_>>>()?;
    program::apply(Concat(position), &tensors.iter().collect::<Vec<_>>())
}

/// A slice of one axis: Python's `start:stop:step`, clamped like Python's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    pub start: Option<isize>,
    pub stop: Option<isize>,
    pub step: isize,
}

impl Span {
    pub(crate) const ALL: Span = Span { start: None, stop: None, step: 1 };

    pub(crate) fn range(start: usize, stop: usize) -> Self {
        Self { start: Some(start as isize), stop: Some(stop as isize), step: 1 }
    }

    /// Returns the first position and the number of elements on an axis of this extent.
    pub(super) fn over(self, extent: usize) -> (usize, usize) {
        let n = extent as isize;
        let at = |bound: isize, low: isize, high: isize| (if bound < 0 { bound + n } else { bound }).clamp(low, high);
        if self.step > 0 {
            let start = self.start.map_or(0, |start| at(start, 0, n));
            let stop = self.stop.map_or(n, |stop| at(stop, 0, n));
            let count = (stop - start + self.step - 1).max(0) / self.step;
            (start as usize, count.max(0) as usize)
        } else {
            let start = self.start.map_or(n - 1, |start| at(start, -1, n - 1));
            let stop = self.stop.map_or(-1, |stop| at(stop, -1, n - 1));
            let count = ((start - stop - self.step - 1) / -self.step).max(0);
            (start.max(0) as usize, count as usize)
        }
    }
}

/// Slices the leading axes.
pub(crate) fn slice(x: &Tensor, spans: &[Span]) -> Result<Tensor> {
    if spans.len() > x.rank() {
        return Err(Error::new(ErrorKind::Shape, "too many indices")
            .expected(format!("at most {}", x.rank()))
            .received(spans.len().to_string()));
    }
    if spans.iter().any(|span| span.step == 0) {
        return Err(Error::new(ErrorKind::InvalidArgument, "the step of a slice can't be 0"));
    }
    let spans = spans.iter().copied().chain(std::iter::repeat(Span::ALL));
    let parts: Vec<(Span, Option<usize>)> = spans.zip(x.shape().dims().iter().copied()).collect();
    let shape: Shape = parts
        .iter()
        .map(|(span, dim)| if *span == Span::ALL { *dim } else { dim.map(|dim| span.over(dim).1) })
        .collect();
    if shape == *x.shape() && parts.iter().all(|(span, _)| span.step == 1) {
        return Ok(x.unmasked());
    }
    if is_text(x) {
        return slice_text(x, &parts, &shape);
    }
    if shape.num_elements() == Some(0) {
        return empty_from(&[x], &shape, x.dtype());
    }
    let ranges = parts.iter().map(|(span, dim)| {
        let (start, count) = span.over(dim.unwrap_or_default());
        Range { start, count, step: span.step }
    });
    program::apply(Slice(ranges.collect()), &[x])
}

/// Slices strings: the span of each axis, with the axis's extent.
fn slice_text(x: &Tensor, spans: &[(Span, Option<usize>)], shape: &Shape) -> Result<Tensor> {
    if let [(span, Some(extent)), rest @ ..] = spans
        && rest.iter().all(|(span, _)| *span == Span::ALL)
    {
        let (start, count) = span.over(*extent);
        let positions = (0..count as isize).map(|i| start as isize + i * span.step);
        return rows(x, positions.filter_map(|row| usize::try_from(row).ok()), shape);
    }
    moved(x, |x| slice(x, &spans.iter().map(|(span, _)| *span).collect::<Vec<_>>()))
}

/// Slices one axis.
pub(crate) fn slice_axis(x: &Tensor, axis: isize, span: Span) -> Result<Tensor> {
    let mut spans = vec![Span::ALL; x.shape().axis(axis)?];
    spans.push(span);
    slice(x, &spans)
}

/// Returns the slice at one position of an axis, without the axis.
pub(crate) fn index_axis(x: &Tensor, axis: isize, index: isize) -> Result<Tensor> {
    let extent = x.shape().get(axis)?;
    let position = match extent {
        Some(extent) => {
            let position = if index < 0 { index + extent as isize } else { index };
            if position < 0 || position >= extent as isize {
                return Err(Error::new(ErrorKind::Shape, "index out of range")
                    .expected(format!("an index below {extent}"))
                    .received(index.to_string()));
            }
            position
        }
        None => index,
    };
    let axis = x.shape().axis(axis)? as isize;
    let span = Span { start: Some(position), stop: (position != -1).then_some(position + 1), step: 1 };
    squeeze_at(&slice_axis(x, axis, span)?, axis)
}

/// Returns the entries of the first axis, with gradients whose cost does not grow with the number of entries.
pub(crate) fn unstack(x: &Tensor) -> Result<Vec<Tensor>> {
    let count = x.shape().dim(0)?;
    if x.dtype().is_float()
        && let Ok(raw) = x.raw()
        && let Some(parts) = program::kernels::unstack::run(&raw)
    {
        return Ok(parts.into_iter().map(|part| Tensor::from_raw(part, x.dtype())).collect());
    }
    (0..count).map(|index| index_axis(x, 0, index as isize)).collect()
}

/// Reverses the elements along axes.
pub(crate) fn flip_axes(x: &Tensor, axes: &[usize]) -> Result<Tensor> {
    program::apply(Flip(axes.to_vec()), &[x])
}

/// Selects `x` where the condition is true, else `y`; all three broadcast.
pub(crate) fn where_impl(condition: &Tensor, x: &Tensor, y: &Tensor) -> Result<Tensor> {
    let (x, y) = promote(Operand::from(x), Operand::from(y))?;
    let shape = condition.shape().broadcast(x.shape())?.broadcast(y.shape())?;
    let condition = broadcast_to(&cast(condition, DType::Bool)?, &shape)?;
    program::apply(Select, &[&condition, &broadcast_to(&x, &shape)?, &broadcast_to(&y, &shape)?])
}

/// Repeats each slice along an axis (`keras.ops.repeat`).
pub(crate) fn repeat_axis(x: &Tensor, repeats: usize, axis: isize) -> Result<Tensor> {
    let position = x.shape().axis(axis)?;
    let extent = x.shape().get(axis)?;
    let shape = x.shape().with(axis, extent.map(|extent| extent.saturating_mul(repeats)))?;
    if repeats == 1 {
        return Ok(x.unmasked());
    }
    let split = expand_at(x, position as isize + 1)?;
    let wide = split.shape().with(position as isize + 1, Some(repeats))?;
    reshape_to(&broadcast_to(&split, &wide)?, &shape)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn x() -> Tensor {
        Tensor::from_vec((0..6).collect::<Vec<i32>>(), [2, 3]).unwrap()
    }

    #[test]
    fn slices_are_pythons() {
        let reversed = slice(&x(), &[Span::ALL, Span { start: None, stop: None, step: -1 }]).unwrap();
        assert_eq!(reversed.to_vec::<i32>().unwrap(), [2, 1, 0, 5, 4, 3]);
        let tail = slice(
            &x(),
            &[Span { start: Some(-1), stop: None, step: 1 }, Span { start: Some(0), stop: Some(9), step: 2 }],
        )
        .unwrap();
        assert_eq!(tail.to_vec::<i32>().unwrap(), [3, 5]);
        assert_eq!(slice(&x(), &[Span::range(1, 1)]).unwrap().shape().to_string(), "(0, 3)");
        assert_eq!(index_axis(&x(), 1, -1).unwrap().to_vec::<i32>().unwrap(), [2, 5]);
    }

    #[test]
    fn joins() {
        let joined = concat(&[x(), x()], 1).unwrap();
        assert_eq!(joined.shape().to_string(), "(2, 6)");
        let symbol = Tensor::symbol([None, Some(3)], DType::Float32);
        assert!(concat(&[symbol.clone(), Tensor::symbol([None, Some(4)], DType::Float32)], 0).is_err());
        assert_eq!(
            reshape_to(&symbol, &Shape::from([None, Some(1), Some(3)])).unwrap().shape().to_string(),
            "(None, 1, 3)"
        );
    }
}
