//! Counting and searching elements: histograms, unique values, indices (`keras.ops.numpy`).

use std::collections::HashMap;

use super::arithmetic::equal;
use super::arrange;
use super::axes::Axes;
use super::define::{Call, call, classes};
use super::dtypes::{cast, promote};
use super::graph::config;
use super::pad::pad_with;
use super::reduce::{any_impl, max_impl, min_impl};
use super::shape::{Span, concat, expand_at, reshape_to, slice_axis};
use super::take::take_axis;
use crate::error::{Error, ErrorKind, Result};
use crate::json::Value;
use crate::program;
use crate::tensor::{CallArgs, DType, Nested, Shape, Tensor};

classes! { "keras.src.ops.numpy"
    "Histogram" = histogram_impl;
    "IsIn" = |c| {
        let (x, among) = promote(c.operand(0, "x1")?, c.operand(1, "x2")?)?;
        if x.shape().num_elements() == Some(0) || among.shape().num_elements() == Some(0) {
            return super::create::zeros(x.shape(), DType::Bool);
        }
        let among = reshape_to(&among, &Shape::from([among.shape().num_elements()]))?;
        let found = any_impl(&equal(expand_at(&x, -1)?, &among)?, &Axes::from(-1), false)?;
        if c.get("invert", false)? { super::logical_not(&found) } else { Ok(found) }
    };
    "Nonzero" = |c| {
        let x = c.x()?;
        let inferred = (0..x.rank()).map(|_| Tensor::symbol([None], DType::Int32)).collect::<Vec<_>>();
        program::infer_or_compute(&[&x], inferred, || {
            let places = places_of(&x)?;
            (0..x.rank())
                .map(|axis| Tensor::from_vec(places.iter().filter_map(|place| place.get(axis).copied()).collect(), [places.len()]))
                .collect::<Result<Vec<_>>>()
        })
    };
    "Unique" = unique_impl;
    "UnravelIndex" = |c| {
        let indices = c.tensor(0, "indices")?;
        let shape: Vec<usize> = c.required("shape")?;
        // For more than one axis of indices, Keras takes the extents in the wrong order, so its results
        // differ from NumPy's if extents differ.
        let order: Vec<usize> = if indices.rank() == 1 { shape.iter().rev().copied().collect() } else { shape };
        let mut rest = indices;
        let mut parts = Vec::new();
        for extent in order {
            let extent = cast(&Tensor::scalar(extent as i64)?, rest.dtype())?;
            parts.push(super::modulo(&rest, &extent)?);
            rest = super::floor_divide(&rest, &extent)?;
        }
        parts.reverse();
        Ok(parts)
    };
    "Argpartition" = |c| {
        let x = c.x()?;
        let axis = c.get::<Option<isize>>("axis", Some(-1))?;
        let (x, axis) = match axis {
            Some(axis) => (x, axis),
            None => (reshape_to(&x, &Shape::from([x.shape().num_elements()]))?, 0),
        };
        program::infer_or_compute(&[&x], Tensor::symbol(x.shape(), DType::Int32), || {
            // Keras compares the values cast to integers, which also determines the order in each part.
            let whole = cast(&x, DType::Int32)?;
            let turned = arrange::moveaxis(&whole, &[axis], &[-1])?;
            let kth = c.required::<i64>("kth")?.clamp(0, (turned.shape().dim(-1)? as i64 - 1).max(0)) as usize;
            let order = super::statistics::argsort_along(&cast(&turned, DType::Float64)?, -1, false)?;
            let below = slice_axis(&order, -1, Span::range(0, kth + 1))?;
            let above = above(&turned, &below)?;
            arrange::moveaxis(&concat(&[below, above], -1)?, &[-1], &[axis])
        })
    };
    "Size" = |c| {
        let x = c.x()?;
        program::infer_or_compute(&[&x], Tensor::symbol(Shape::scalar(), DType::Int32), || {
            Tensor::scalar(x.shape().known()?.iter().product::<usize>() as i32)
        })
    };
    "Ndim" = |c| {
        let x = c.x()?;
        program::infer_or_compute(&[&x], Tensor::symbol(Shape::scalar(), DType::Int32), || Tensor::scalar(x.rank() as i32))
    };
}

/// Returns the positions after the partition: in descending order of values, with the values in `below`
/// counted as 0, as in Keras.
fn above(x: &Tensor, below: &Tensor) -> Result<Tensor> {
    let extent = x.shape().dim(-1)?;
    let count = below.shape().dim(-1)?;
    let (numbers, firsts) = (cast(x, DType::Int64)?.to_vec::<i64>()?, cast(below, DType::Int64)?.to_vec::<i64>()?);
    let mut places = Vec::new();
    for (row, first) in numbers.chunks(extent.max(1)).zip(firsts.chunks(count.max(1))) {
        let value =
            |place: &usize| if first.contains(&(*place as i64)) { 0 } else { row.get(*place).copied().unwrap_or(0) };
        let mut order: Vec<usize> = (0..extent).collect();
        order.sort_by_key(|place| std::cmp::Reverse(value(place)));
        places.extend(order.into_iter().take(extent - count).map(|place| place as i32));
    }
    Tensor::from_vec(places, x.shape().with(-1, Some(extent - count))?)
}

/// Returns the indices of nonzero elements in row-major order.
fn places_of(x: &Tensor) -> Result<Vec<Vec<i32>>> {
    let dims = x.shape().known()?;
    let truth = cast(x, DType::Bool)?.to_vec::<bool>()?;
    let places = truth.iter().enumerate().filter(|(_, truth)| **truth).map(|(mut place, _)| {
        let mut indices: Vec<i32> = Vec::with_capacity(dims.len());
        for extent in dims.iter().rev() {
            indices.push((place % extent.max(&1)) as i32);
            place /= extent.max(&1);
        }
        indices.reverse();
        indices
    });
    Ok(places.collect())
}

/// Returns the indices of true elements, one row each (`keras.ops.where` with a condition only).
pub(super) fn where_true(condition: &Tensor) -> Result<Tensor> {
    let rank = condition.rank();
    program::infer_or_compute(&[condition], Tensor::symbol([None, Some(rank)], DType::Int64), || {
        let places = places_of(condition)?;
        let count = places.len();
        Tensor::from_vec(places.into_iter().flatten().map(i64::from).collect(), [count, rank])
    })
}

fn histogram_impl(c: &Call<'_>) -> Result<(Tensor, Tensor)> {
    let x = c.x()?;
    let bins: usize = c.get("bins", 10)?;
    program::infer_or_compute(&[&x], (Tensor::symbol([bins], x.dtype()), Tensor::symbol([bins + 1], x.dtype())), || {
        if x.rank() > 1 {
            return Err(Error::new(ErrorKind::Shape, "Input tensor must be 1-dimensional")
                .received(format!("shape {}", x.shape())));
        }
        let values = cast(&x.detached()?, DType::Float64)?.to_vec::<f64>()?;
        let (low, high) = match c.maybe::<[f64; 2]>("range")? {
            Some([low, high]) if low != 0.0 || high != 0.0 => (low, high),
            _ => {
                let bound = |x: Result<Tensor>| cast(&x?, DType::Float64)?.item::<f64>();
                let all = x.detached()?;
                (bound(min_impl(&all, &Axes::all(), false))?, bound(max_impl(&all, &Axes::all(), false))?)
            }
        };
        let edges: Vec<f64> =
            (0..=bins).map(|i| if i == bins { high } else { low + (high - low) * i as f64 / bins as f64 }).collect();
        let edges = cast(&Tensor::from_vec(edges, [bins + 1])?, x.dtype())?;
        let inner = cast(&edges, DType::Float64)?.to_vec::<f64>()?;
        let inner = inner.get(1..bins).unwrap_or_default();
        let mut counts = vec![0.0f64; bins];
        for value in values.into_iter().filter(|value| *value >= low && *value <= high) {
            if let Some(count) = counts.get_mut(inner.partition_point(|edge| *edge <= value)) {
                *count += 1.0;
            }
        }
        Ok((cast(&Tensor::from_vec(counts, [bins])?, x.dtype())?, edges))
    })
}

/// Returns the unique values along an axis (or of all elements), with the indices, inverse and counts that
/// are asked for.
fn unique_impl(c: &Call<'_>) -> Result<Nested<Tensor>> {
    let x = c.x()?;
    let axis = c.maybe::<isize>("axis")?;
    let size = c.maybe::<usize>("size")?;
    let wants = |name| c.get(name, false);
    let (index, inverse, counts) = (wants("return_index")?, wants("return_inverse")?, wants("return_counts")?);
    let extent = match axis {
        Some(axis) => x.shape().get(axis)?,
        None => x.shape().num_elements(),
    };
    let back = if axis.is_none() { x.shape().clone() } else { Shape::from([extent]) };
    let chosen = |parts: [Option<Tensor>; 4]| {
        let mut parts: Vec<Tensor> = parts.into_iter().flatten().collect();
        match (parts.len(), parts.pop()) {
            (1, Some(one)) => Nested::Leaf(one),
            (_, last) => Nested::list(parts.into_iter().chain(last)),
        }
    };
    let values = match axis {
        Some(axis) => x.shape().with(axis, size)?,
        None => Shape::from([size]),
    };
    let integers = |wanted: bool, shape: &Shape| wanted.then(|| Tensor::symbol(shape, DType::Int32));
    let found = Shape::from([size]);
    let inferred = chosen([
        Some(Tensor::symbol(values, x.dtype())),
        integers(index, &found),
        integers(inverse, &back),
        integers(counts, &found),
    ]);
    program::infer_or_compute(&[&x], inferred, || {
        let along = axis.unwrap_or(0);
        let list = if axis.is_none() { reshape_to(&x, &Shape::from([extent]))? } else { x.clone() };
        let rows = arrange::moveaxis(&list, &[along], &[0])?;
        let extent = extent.unwrap_or_default();
        let width = rows.shape().num_elements().unwrap_or_default() / extent.max(1);
        let numbers = cast(&rows.detached()?, DType::Float64)?.to_vec::<f64>()?;
        let row = |i: usize| numbers.get(i * width..(i + 1) * width).unwrap_or_default();
        // First positions, in order of appearance.
        let mut firsts: Vec<usize> = Vec::new();
        let mut known: HashMap<Vec<u64>, usize> = HashMap::new();
        let mut groups: Vec<usize> = Vec::with_capacity(extent);
        for i in 0..extent {
            // Adding 0 turns -0 into 0.
            let key: Vec<u64> = row(i).iter().map(|x| (x + 0.0).to_bits()).collect();
            let group = *known.entry(key).or_insert_with(|| {
                firsts.push(i);
                firsts.len() - 1
            });
            groups.push(group);
        }
        let mut order: Vec<usize> = (0..firsts.len()).collect();
        if c.get("sorted", true)? {
            let first = |group: &usize| row(firsts.get(*group).copied().unwrap_or(0));
            order.sort_by(|a, b| {
                let pairs = first(a).iter().zip(first(b));
                pairs.map(|(a, b)| a.total_cmp(b)).find(|side| side.is_ne()).unwrap_or(std::cmp::Ordering::Equal)
            });
        }
        let mut place = vec![0i32; order.len()];
        for (new, old) in order.iter().enumerate() {
            if let Some(slot) = place.get_mut(*old) {
                *slot = new as i32;
            }
        }
        let mut number = vec![0i32; order.len()];
        for group in &groups {
            let at = place.get(*group).copied().unwrap_or(0);
            if let Some(slot) = number.get_mut(at as usize) {
                *slot += 1;
            }
        }
        let found: Vec<i64> = order.iter().filter_map(|group| firsts.get(*group)).map(|first| *first as i64).collect();
        let count = found.len();
        let values = take_axis(&list, &Tensor::from_slice(&found, [count])?, along)?;
        let fitted = |x: Tensor, axis: isize, fill: f64| -> Result<Tensor> {
            let Some(size) = size else { return Ok(x) };
            let x = slice_axis(&x, axis, Span::range(0, size.min(count)))?;
            let position = x.shape().axis(axis)?;
            let widths: Vec<_> =
                (0..x.rank()).map(|i| (0, if i == position { size.saturating_sub(count) } else { 0 })).collect();
            pad_with(&x, &widths, fill)
        };
        let groups: Vec<i32> = groups.iter().filter_map(|group| place.get(*group).copied()).collect();
        let integers = |list: Vec<i32>| Tensor::from_slice(&list, [list.len()]);
        Ok(chosen([
            Some(fitted(values, along, c.maybe::<f64>("fill_value")?.unwrap_or(0.0))?),
            if index {
                Some(fitted(integers(found.iter().map(|first| *first as i32).collect())?, 0, 1.0)?)
            } else {
                None
            },
            if inverse { Some(reshape_to(&integers(groups)?, &back)?) } else { None },
            if counts { Some(fitted(integers(number)?, 0, 0.0)?) } else { None },
        ]))
    })
}

/// Counts the numbers of a vector in each of `bins` equal intervals of a range; also returns the edges
/// (`keras.ops.histogram`).
///
/// ```
/// use keras_serial::prelude::*;
/// let x = Tensor::from_slice(&[0.1f32, 0.2, 0.9, 5.0], [4])?;
/// let (counts, edges) = ops::histogram(&x, 2, Some([0.0, 1.0]))?;
/// assert_eq!(counts.to_vec::<f32>()?, [2.0, 1.0]);
/// assert_eq!(edges.to_vec::<f32>()?, [0.0, 0.5, 1.0]);
/// # Ok::<(), Error>(())
/// ```
///
/// # Errors
/// For more than one axis.
pub fn histogram(x: &Tensor, bins: usize, range: Option<[f64; 2]>) -> Result<(Tensor, Tensor)> {
    let range = range.map_or(Value::Null, |range| Value::from(range.to_vec()));
    super::define::two(call("Histogram", config! { bins: bins, range: range }, CallArgs::from(x))?)
}

/// Returns the unique values of a tensor in ascending order (`keras.ops.unique`).
///
/// # Errors
/// For strings.
pub fn unique(x: &Tensor) -> Result<Tensor> {
    let config = config! {
        sorted: true,
        return_index: false,
        return_inverse: false,
        return_counts: false,
        axis: Value::Null,
        size: Value::Null,
        fill_value: Value::Null,
    };
    call("Unique", config, CallArgs::from(x))?.into_single()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distinct_values_are_sorted() {
        let x = Tensor::from_slice(&[3i32, 1, 3, 2, 1, 1], [2, 3]).unwrap();
        assert_eq!(unique(&x).unwrap().to_vec::<i32>().unwrap(), [1, 2, 3]);
        let config = config! { return_counts: true, return_inverse: true, size: 4, axis: Value::Null };
        let parts = call("Unique", config, CallArgs::from(&x)).unwrap();
        let parts: Vec<Vec<i32>> = parts.leaves().iter().map(|part| part.to_vec().unwrap()).collect();
        assert_eq!(parts, [vec![1, 2, 3, 0], vec![2, 0, 2, 1, 0, 0], vec![3, 1, 2, 0]]);
        let config = config! { axis: 0 };
        let rows = Tensor::from_slice(&[2i32, 1, 0, 5, 2, 1], [3, 2]).unwrap();
        let rows = call("Unique", config, CallArgs::from(&rows)).unwrap().into_single().unwrap();
        assert_eq!(rows.to_vec::<i32>().unwrap(), [0, 5, 2, 1]);
    }

    #[test]
    fn positions_are_found() {
        let x = Tensor::from_slice(&[0i32, 1, 1, 0], [2, 2]).unwrap();
        assert_eq!(where_true(&x).unwrap().to_vec::<i64>().unwrap(), [0, 1, 1, 0]);
    }
}
