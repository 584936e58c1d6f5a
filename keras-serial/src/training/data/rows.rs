//! Rows of tensors of any dtype: the engine has no strings.

use crate::error::{Error, ErrorKind, Result};
use crate::ops::shape::{Span, concat, slice_axis};
use crate::ops::take::take_axis;
use crate::tensor::{DType, Shape, Tensor};

/// Returns the rows from `start` to `end` (exclusive).
pub(in crate::training) fn slice_rows(x: &Tensor, start: usize, end: usize) -> Result<Tensor> {
    if x.dtype() == DType::String {
        return texts(x, start..end);
    }
    slice_axis(x, 0, Span::range(start, end))
}

/// Returns rows by index.
pub(in crate::training) fn take_rows(x: &Tensor, rows: &[i64]) -> Result<Tensor> {
    if x.dtype() == DType::String {
        return texts(x, rows.iter().map(|row| usize::try_from(*row).unwrap_or(usize::MAX)));
    }
    take_axis(x, &Tensor::from_slice(rows, [rows.len()])?, 0)
}

/// Joins the rows of tensors.
pub(in crate::training) fn join_rows(tensors: &[Tensor]) -> Result<Tensor> {
    let Some(first) = tensors.first().filter(|first| first.dtype() == DType::String && first.rank() > 0) else {
        return concat(tensors, 0);
    };
    let mut joined = Vec::new();
    let mut rows = 0;
    for x in tensors {
        if x.dtype() != DType::String || x.shape().with(0, None)? != first.shape().with(0, None)? {
            return Err(Error::new(ErrorKind::Shape, "tensors can't be joined along axis 0")
                .expected(format!("{first:?}, with any number of rows"))
                .received(format!("{x:?}")));
        }
        joined.extend_from_slice(x.strings()?);
        rows += x.shape().dim(0)?;
    }
    Tensor::from_strings(joined, first.shape().with(0, Some(rows))?)
}

/// Returns the strings of these rows.
fn texts(x: &Tensor, rows: impl Iterator<Item = usize>) -> Result<Tensor> {
    let (mut found, mut count) = (Vec::new(), 0);
    let extent = x.shape().dim(0)?;
    let texts = x.strings()?;
    let width = texts.len().checked_div(extent).unwrap_or_default();
    for row in rows {
        let texts = row.checked_mul(width).and_then(|start| texts.get(start..start.checked_add(width)?));
        found.extend_from_slice(texts.ok_or_else(|| {
            Error::new(ErrorKind::Shape, "index out of range")
                .expected(format!("an index below {extent}"))
                .received(row.to_string())
        })?);
        count += 1;
    }
    let shape: Shape = x.shape().with(0, Some(count))?;
    Tensor::from_strings(found, shape)
}
