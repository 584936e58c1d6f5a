//! Gather, scatter and segment operations.

use super::axes::Axes;
use super::create::{full, zeros};
use super::define::{Call, call, classes};
use super::dtypes::cast;
use super::graph::config;
use super::one_hot::one_hot;
use super::pad::pad_with;
use super::reduce::{max_impl, min_impl, prod_impl, sum_impl};
use super::shape::{Span, broadcast_to, concat, reshape_to, slice, slice_axis, where_impl};
use super::take::take_axis;
use crate::config::ConfigField;
use crate::error::{Error, ErrorKind, Result};
use crate::program;
use crate::program::primitives::{ScatterAdd, TakeAlong};
use crate::tensor::{CallArgs, DType, Rows, Shape, Tensor};

classes! { "keras.src.ops.numpy"
    "TakeAlongAxis" = |c| {
        let (x, indices) = (c.x()?, c.tensor(1, "indices")?);
        match c.maybe("axis")? {
            Some(axis) => take_along(&x, &indices, axis),
            None => take_along(&reshape_to(&x, &Shape::from([x.shape().num_elements()]))?, &reshape_to(&indices, &Shape::from([indices.shape().num_elements()]))?, 0),
        }
    };
}

classes! { "keras.src.ops.core"
    "Slice" = |c| {
        let (x, shape) = (c.tensor(0, "inputs")?, c.required::<Vec<isize>>("shape")?);
        let starts = positions(c, 1, "start_indices")?;
        let spans = starts.iter().zip(&shape).map(|(start, length)| Span {
            start: Some(*start),
            stop: if *length < 0 { None } else { Some(start + length) },
            step: 1,
        });
        let y = slice(&x, &spans.collect::<Vec<_>>())?;
        // An axis of unknown extent has a known length after slicing.
        let dims = shape.iter().zip(y.shape().dims()).map(|(length, dim)| usize::try_from(*length).ok().or(*dim));
        program::infer_or_compute(&[&y], Tensor::symbol(dims.collect::<Shape>(), y.dtype()), || Ok(y.clone()))
    };
    "SliceUpdate" = |c| {
        let (x, updates) = (c.tensor(0, "inputs")?, c.tensor(2, "updates")?);
        let starts = positions(c, 1, "start_indices")?;
        program::infer_or_compute(&[&x, &updates], Tensor::symbol(x.shape(), x.dtype()), || {
            let (outer, inner) = (x.shape().known()?, updates.shape().known()?);
            let widths = starts.iter().zip(outer.iter().zip(&inner)).map(|(start, (outer, inner))| {
                // As in TensorFlow, an update that would reach beyond the end is moved back.
                let start = (*start).clamp(0, outer.saturating_sub(*inner) as isize) as usize;
                (start, outer.saturating_sub(start + inner))
            });
            let widths: Vec<_> = widths.collect();
            let inside = super::create::ones(&Shape::from(inner), DType::Int32)?;
            let inside = cast(&pad_with(&inside, &widths, 0.0)?, DType::Bool)?;
            where_impl(&inside, &pad_with(&cast(&updates, x.dtype())?, &widths, 0.0)?, &x)
        })
    };
    "Scatter" = |c| {
        let (indices, values) = (c.tensor(0, "indices")?, c.tensor(1, "values")?);
        let shape = Shape::from(c.required::<Vec<usize>>("shape")?);
        program::infer_or_compute(&[&indices, &values], Tensor::symbol(&shape, values.dtype()), || {
            scatter_into(&zeros(&shape, values.dtype())?, &indices, &values, true)
        })
    };
    "ScatterUpdate" = |c| {
        let (x, indices, updates) = (c.tensor(0, "inputs")?, c.tensor(1, "indices")?, c.tensor(2, "updates")?);
        program::infer_or_compute(&[&x, &indices, &updates], Tensor::symbol(x.shape(), x.dtype()), || {
            let updates = cast(&updates, x.dtype())?;
            match c.maybe::<String>("reduction")?.as_deref() {
                None => scatter_into(&x, &indices, &updates, false),
                Some("add") => scatter_into(&x, &indices, &updates, true),
                Some("max") => scatter_fold(&x, &indices, &updates, |a, b| super::maximum(a, b)),
                Some("min") => scatter_fold(&x, &indices, &updates, |a, b| super::minimum(a, b)),
                Some("mul") => scatter_fold(&x, &indices, &updates, |a, b| super::multiply(a, b)),
                Some(other) => Err(Error::new(ErrorKind::InvalidArgument, "Invalid reduction").expected("add, max, min, mul or null").received(other.to_owned())),
            }
        })
    };
    "SaturateCast" = |c| {
        let x = c.x()?;
        let dtype = c.dtype()?.unwrap_or(x.dtype());
        if !dtype.is_int() {
            return cast(&x, dtype);
        }
        let (low, high) = super::image::int_range(dtype);
        cast(&super::minimum(super::maximum(&x, low)?, high)?, dtype)
    };
    "ConvertToTensor" = |c| {
        let x = c.x()?;
        match c.dtype()? { Some(dtype) => cast(&x, dtype), None => Ok(x) }
    };
}

classes! { "keras.src.ops.math"
    "SegmentSum" = |c| segments(c, sum_impl, 0.0);
    "SegmentMax" = |c| segments(c, max_impl, f64::NEG_INFINITY);
    "SegmentMin" = |c| segments(c, min_impl, f64::INFINITY);
    "SegmentProd" = |c| segments(c, prod_impl, 1.0);
}

fn positions(c: &Call<'_>, position: usize, name: &'static str) -> Result<Vec<isize>> {
    let indices = c.tensor(position, name)?;
    let values = program::unless_symbolic(&[&indices], || cast(&indices, DType::Int64)?.to_vec::<i64>())?;
    let values = values
        .ok_or_else(|| Error::new(ErrorKind::Unsupported, format!("`{name}` that are computed are not supported")))?;
    Ok(values.into_iter().map(|index| index as isize).collect())
}

/// Gathers elements at indices along an axis; the other axes broadcast (`keras.ops.take_along_axis`).
pub(crate) fn take_along(x: &Tensor, indices: &Tensor, axis: isize) -> Result<Tensor> {
    let position = x.shape().axis(axis)?;
    if x.rank() != indices.rank() {
        return Err(Error::new(ErrorKind::Shape, "indices must have the rank of the tensor")
            .expected(format!("{} axes", x.rank()))
            .received(format!("shape {}", indices.shape())));
    }
    let joint = x.shape().with(axis, Some(1))?.broadcast(&indices.shape().with(axis, Some(1))?)?;
    let shape = joint.with(axis, indices.shape().get(axis)?)?;
    program::infer_or_compute(&[x, indices], Tensor::symbol(&shape, x.dtype()), || {
        let extent = x.shape().dim(axis)?;
        let x = broadcast_to(x, &joint.with(axis, x.shape().get(axis)?)?)?;
        let indices = super::take::counted(&broadcast_to(indices, &shape)?, extent)?;
        if x.dtype() == DType::Bool {
            let picked = program::apply(TakeAlong(position), &[&cast(&x, DType::Int32)?, &indices])?;
            return cast(&picked, DType::Bool);
        }
        program::apply(TakeAlong(position), &[&x, &indices])
    })
}

/// Scatters `values` to the positions that the rows of `indices` name: adds them, or replaces elements.
fn scatter_into(x: &Tensor, indices: &Tensor, values: &Tensor, adding: bool) -> Result<Tensor> {
    let dims = x.shape().known()?;
    let width = indices.shape().dim(-1)?;
    if width > dims.len() {
        return Err(Error::new(ErrorKind::Shape, "more indices than axes")
            .expected(format!("at most {}", dims.len()))
            .received(width.to_string()));
    }
    let (head, tail) = dims.split_at(width);
    let flat = cast(indices, DType::Int64)?.to_vec::<i64>()?;
    let mut rows = Vec::with_capacity(flat.len() / width.max(1));
    for row in flat.chunks(width.max(1)) {
        let mut place = 0usize;
        for (index, extent) in row.iter().zip(head) {
            let counted = if *index < 0 { *index + *extent as i64 } else { *index };
            let counted = usize::try_from(counted).ok().filter(|counted| counted < extent);
            let counted = counted.ok_or_else(|| {
                Error::new(ErrorKind::InvalidArgument, "index out of range")
                    .expected(format!("an index below {extent}"))
                    .received(index.to_string())
            })?;
            place = place * extent + counted;
        }
        rows.push(place as i64);
    }
    let count: usize = head.iter().product();
    let size: usize = tail.iter().product();
    let table = reshape_to(x, &Shape::from([count, size]))?;
    let values = reshape_to(values, &Shape::from([rows.len(), size]))?;
    let table = if adding {
        table
    } else {
        // Replaced elements are set to zero first; of equal positions the last one counts.
        let mut last = std::collections::HashMap::new();
        rows.iter().enumerate().for_each(|(i, row)| {
            last.insert(*row, i);
        });
        let keep: Vec<f32> =
            rows.iter().enumerate().map(|(i, row)| f32::from(u8::from(last.get(row) == Some(&i)))).collect();
        let cleared: Vec<bool> = (0..count as i64).map(|row| last.contains_key(&row)).collect();
        let cleared = reshape_to(&Tensor::from_vec(cleared, [count])?, &Shape::from([count, 1]))?;
        let table = where_impl(&cleared, &zeros(&Shape::scalar(), x.dtype())?, &table)?;
        let keep =
            cast(&reshape_to(&Tensor::from_vec(keep, [rows.len()])?, &Shape::from([rows.len(), 1]))?, x.dtype())?;
        return reshape_to(&select_add(&table, rows, &super::multiply(&values, &keep)?)?, x.shape());
    };
    reshape_to(&select_add(&table, rows, &values)?, x.shape())
}

/// Folds `values` one after the other with the elements at the positions that the rows of `indices` name.
fn scatter_fold(
    x: &Tensor,
    indices: &Tensor,
    values: &Tensor,
    fold: impl Fn(&Tensor, &Tensor) -> Result<Tensor>,
) -> Result<Tensor> {
    let width = indices.shape().dim(-1)?;
    let rows = indices.shape().num_elements().unwrap_or_default() / width.max(1);
    let indices = reshape_to(indices, &Shape::from([rows, width]))?;
    let tail: Vec<Option<usize>> = x.shape().dims().iter().skip(width).copied().collect();
    let values = reshape_to(values, &std::iter::once(Some(rows)).chain(tail).collect())?;
    (0..rows).try_fold(x.clone(), |x, row| {
        let at = slice_axis(&indices, 0, Span::range(row, row + 1))?;
        let places = cast(&at, DType::Int64)?.to_vec::<i64>()?;
        let spans = places.iter().map(|place| Span {
            start: Some(*place as isize),
            stop: Some(place + 1).filter(|stop| *stop != 0).map(|stop| stop as isize),
            step: 1,
        });
        let old = slice(&x, &spans.collect::<Vec<_>>())?;
        let new = slice_axis(&values, 0, Span::range(row, row + 1))?;
        let old = reshape_to(&old, new.shape())?;
        scatter_into(&x, &at, &fold(&old, &new)?, false)
    })
}

/// Adds rows at indices of the first axis.
pub(super) fn select_add(table: &Tensor, rows: Vec<i64>, values: &Tensor) -> Result<Tensor> {
    if rows.is_empty() {
        return Ok(table.clone());
    }
    let count = rows.len();
    program::apply(ScatterAdd, &[table, &Tensor::from_vec(rows, [count])?, values])
}

/// Sums sparse gradients of rows to the dense gradient of a table of this shape.
pub(crate) fn sum_of_rows(Rows { indices, values }: &Rows, shape: &Shape) -> Result<Tensor> {
    select_add(&zeros(shape, values.dtype())?, indices.to_vec(), values)
}

fn segments(c: &Call<'_>, fold: fn(&Tensor, &Axes, bool) -> Result<Tensor>, neutral: f64) -> Result<Tensor> {
    let (data, ids) = (c.tensor(0, "data")?, c.tensor(1, "segment_ids")?);
    let count = match c.maybe::<usize>("num_segments")? {
        Some(count) => Some(count),
        None => program::unless_symbolic(&[&ids], || {
            let last = max_impl(&cast(&ids, DType::Int64)?, &Axes::all(), false)?.item::<i64>()?;
            Ok(last.max(-1) as usize + 1)
        })?,
    };
    let shape = data.shape().with(0, count)?;
    program::infer_or_compute(&[&data, &ids], Tensor::symbol(&shape, data.dtype()), || {
        let count = count.unwrap_or_default();
        let ids = cast(&ids, DType::Int64)?.to_vec::<i64>()?;
        let rows = |segment: usize| {
            ids.iter().enumerate().filter(move |(_, id)| **id == segment as i64).map(|(row, _)| row as i64)
        };
        if neutral == 0.0 {
            let size = data.shape().num_elements().unwrap_or_default() / ids.len().max(1);
            let table = zeros(&Shape::from([count + 1, size]), data.dtype())?;
            // Rows of invalid segments go to an extra segment, which is dropped.
            let rows = ids.iter().map(|id| if (0..count as i64).contains(id) { *id } else { count as i64 }).collect();
            let sums = select_add(&table, rows, &reshape_to(&data, &Shape::from([ids.len(), size]))?)?;
            return reshape_to(&slice_axis(&sums, 0, Span::range(0, count))?, &shape);
        }
        let neutral = match data.dtype() {
            dtype if dtype.is_float() && neutral.is_infinite() => {
                neutral.signum() * if dtype == DType::Float16 { 65504.0 } else { f64::from(f32::MAX) }
            }
            dtype if neutral.is_infinite() => {
                let (low, high) = super::image::int_range(dtype);
                if neutral > 0.0 { high } else { low }
            }
            _ => neutral,
        };
        let parts = (0..count).map(|segment| {
            let picked: Vec<i64> = rows(segment).collect();
            if picked.is_empty() {
                return full(&shape.with(0, Some(1))?, neutral, data.dtype());
            }
            let rows = picked.len();
            fold(&take_axis(&data, &Tensor::from_vec(picked, [rows])?, 0)?, &Axes::from(0), true)
        });
        concat(&parts.collect::<Result<Vec<_>>>()?, 0)
    })
}

classes! { "keras.src.ops.nn"
    "MultiHot" = |c| {
        let x = c.tensor(0, "inputs")?;
        let dtype = c.dtype()?.unwrap_or(DType::Float32);
        // The maximum over the last axis of the inputs, wherever the one-hot axis is.
        let axis = c.get("axis", -1)?;
        let codes = one_hot(&x, c.required("num_classes")?, axis, dtype)?;
        let folded = if axis == -1 || axis == x.rank() as isize { -2 } else { -1 };
        if x.rank() == 1 { max_impl(&codes, &Axes::from(0), false) } else { max_impl(&codes, &Axes::from(folded), false) }
    };
}

/// Gathers elements at indices along an axis (`keras.ops.take_along_axis`).
///
/// # Errors
/// If an index is out of range.
pub fn take_along_axis(x: &Tensor, indices: &Tensor, axis: isize) -> Result<Tensor> {
    call("TakeAlongAxis", config! { axis: axis }, CallArgs::from(x).and(indices.clone()))?.into_single()
}

/// Sums the rows of each segment (`keras.ops.segment_sum`).
///
/// # Errors
/// If the number of segment ids is not that of rows.
pub fn segment_sum(data: &Tensor, segment_ids: &Tensor, num_segments: Option<usize>) -> Result<Tensor> {
    let config = config! { num_segments: num_segments.to_value()?, sorted: false };
    call("SegmentSum", config, CallArgs::from(data).and(segment_ids.clone()))?.into_single()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_found_and_joined() {
        let x = Tensor::from_slice(&[1.0f32, 2.0, 3.0, 4.0, 5.0, 6.0], [3, 2]).unwrap();
        let picked = take_along_axis(&x, &Tensor::from_slice(&[1i32, 0, -1], [3, 1]).unwrap(), 1).unwrap();
        assert_eq!(picked.to_vec::<f32>().unwrap(), [2.0, 3.0, 6.0]);
        let ids = Tensor::from_slice(&[1i32, 1, 0], [3]).unwrap();
        let sums = segment_sum(&x, &ids, Some(3)).unwrap();
        assert_eq!(sums.to_vec::<f32>().unwrap(), [5.0, 6.0, 4.0, 6.0, 0.0, 0.0]);
        let put = Tensor::from_slice(&[9.0f32, 9.0], [1, 2]).unwrap();
        let y = scatter_into(&x, &Tensor::from_slice(&[-1i32], [1, 1]).unwrap(), &put, false).unwrap();
        assert_eq!(y.to_vec::<f32>().unwrap(), [1.0, 2.0, 3.0, 4.0, 9.0, 9.0]);
        assert!(take_along_axis(&x, &Tensor::from_slice(&[2i32], [1, 1]).unwrap(), 1).is_err());
    }
}
