//! Rearranging elements: tile, roll, pad, diagonals, joins.

use super::arithmetic::{greater_equal, subtract};
use super::axes::Axes;
use super::create::{arange, zeros};
use super::define::{Call, call, classes};
use super::dtypes::cast;
use super::graph::config;
use super::pad::pad_with;
use super::reduce::sum_impl;
use super::shape::{
    Span, broadcast_to, concat, expand_at, flip_axes, index_axis, repeat_axis, reshape_to, slice_axis, transpose_to,
    where_impl,
};
use super::take::take_axis;
use crate::config::{ConfigField, wrong_type};
use crate::error::{Error, ErrorKind, Result, ResultExt};
use crate::json::Value;
use crate::program;
use crate::tensor::{CallArgs, DType, Shape, Tensor};

classes! { "keras.src.ops.numpy"
    "Tile" = |c| tile_impl(&c.x()?, &integers(c, "repeats")?);
    "Repeat" = |c| {
        let (x, axis) = flat_or(c)?;
        match c.config.get("repeats") {
            Some(Value::List(counts)) if counts.len() != 1 => {
                let counts = counts.iter().map(usize::from_value).collect::<Result<Vec<_>>>().at("repeats")?;
                let indices: Vec<i64> =
                    (0i64..).zip(counts).flat_map(|(index, count)| std::iter::repeat_n(index, count)).collect();
                let count = indices.len();
                take_axis(&x, &Tensor::from_vec(indices, [count])?, axis)
            }
            _ => {
                let repeats = integers(c, "repeats")?;
                repeat_axis(&x, repeats.first().map_or(0, |repeats| (*repeats).max(0) as usize), axis)
            }
        }
    };
    "Roll" = |c| {
        let x = c.x()?;
        let shifts = integers(c, "shift")?;
        match c.axes()? {
            Axes(None) => {
                let flat = roll(&reshape_to(&x, &Shape::from([None]))?, shifts.iter().sum(), 0)?;
                reshape_to(&flat, x.shape())
            }
            Axes(Some(axes)) => {
                let shifts = shifts.iter().copied().cycle().take(axes.len().max(shifts.len()));
                axes.iter().copied().cycle().zip(shifts).try_fold(x, |x, (axis, shift)| roll(&x, shift, axis))
            }
        }
    };
    "Pad" = pad;
    "Moveaxis" = |c| {
        let x = c.x()?;
        moveaxis(&x, &integers(c, "source")?, &integers(c, "destination")?)
    };
    "Swapaxes" = |c| {
        swapaxes_impl(&c.x()?, c.required("axis1")?, c.required("axis2")?)
    };
    "Ravel" = |c| {
        let x = c.x()?;
        reshape_to(&x, &Shape::from([x.shape().num_elements()]))
    };
    "Tril" = |c| triangle(&c.x()?, c.get("k", 0)?, true);
    "Triu" = |c| triangle(&c.x()?, c.get("k", 0)?, false);
    "Diagonal" = |c| diagonal(&c.x()?, c.get("offset", 0)?, c.get("axis1", 0)?, c.get("axis2", 1)?);
    "Trace" = |c| {
        sum_impl(&diagonal(&c.x()?, c.get("offset", 0)?, c.get("axis1", 0)?, c.get("axis2", 1)?)?, &Axes::from(-1), false)
    };
    "Diag" = |c| {
        let (x, k) = (c.x()?, c.get::<isize>("k", 0)?);
        if x.rank() == 2 { diagonal(&x, k, 0, 1) } else { diagonal_matrix(&x, k) }
    };
    "Diff" = |c| {
        let axis = c.get("axis", -1)?;
        (0..c.get("n", 1usize)?).try_fold(c.x()?, |x, _| {
            let from = |start| slice_axis(&x, axis, Span { start: Some(start), stop: None, step: 1 });
            subtract(from(1)?, slice_axis(&x, axis, Span { start: None, stop: Some(-1), step: 1 })?)
        })
    };
    "Rot90" = |c| {
        let x = c.x()?;
        let axes: Vec<isize> = c.get("axes", vec![0, 1])?;
        let [a, b] = axes.as_slice() else { return Err(wrong_count("axes", 2)) };
        let (a, b) = (x.shape().axis(*a)?, x.shape().axis(*b)?);
        let mut order: Vec<usize> = (0..x.rank()).collect();
        order.swap(a, b);
        match c.get("k", 1isize)?.rem_euclid(4) {
            0 => Ok(x),
            1 => transpose_to(&flip_axes(&x, &[b])?, &order),
            2 => flip_axes(&x, &[a, b]),
            _ => flip_axes(&transpose_to(&x, &order)?, &[b]),
        }
    };
    "Hstack" = |c| {
        let xs = at_least(c.list(0, "xs")?, 1)?;
        concat(&xs, if xs.iter().all(|x| x.rank() == 1) { 0 } else { 1 })
    };
    "Vstack" = |c| {
        let raise = |x: &Tensor| if x.rank() < 2 { reshape_to(x, &Shape::from([Some(1), x.shape().num_elements()])) } else { Ok(x.clone()) };
        concat(&c.list(0, "xs")?.iter().map(raise).collect::<Result<Vec<_>>>()?, 0)
    };
    "Dstack" = |c| {
        let raise = |x: Tensor| match x.rank() {
            0 | 1 => expand_at(&expand_at(&reshape_to(&x, &Shape::from([x.shape().num_elements()]))?, 0)?, 2),
            2 => expand_at(&x, 2),
            _ => Ok(x),
        };
        concat(&c.list(0, "xs")?.into_iter().map(raise).collect::<Result<Vec<_>>>()?, 2)
    };
    "Append" = |c| {
        let (x, y) = (c.x()?, c.tensor(1, "x2")?);
        match c.maybe::<isize>("axis")? {
            Some(axis) => concat(&[x, y], axis),
            None => {
                let flat = |x: &Tensor| reshape_to(x, &Shape::from([x.shape().num_elements()]));
                concat(&[flat(&x)?, flat(&y)?], 0)
            }
        }
    };
    "ArraySplit" = |c| {
        let (x, axis) = (c.x()?, c.get("axis", 0)?);
        let extent = x.shape().dim(axis)?;
        let ends: Vec<usize> = match c.config.get("indices_or_sections") {
            Some(Value::List(_)) => c.required::<Vec<usize>>("indices_or_sections")?.into_iter().chain([extent]).collect(),
            _ => {
                let sections: usize = c.required("indices_or_sections")?;
                if sections == 0 {
                    return Err(Error::new(ErrorKind::InvalidArgument, "number of sections must be larger than 0"));
                }
                let (size, larger) = (extent / sections, extent % sections);
                (1..=sections).map(|i| i * size + i.min(larger)).collect()
            }
        };
        let starts = [0].into_iter().chain(ends.clone());
        starts.zip(ends.clone()).map(|(start, end)| slice_axis(&x, axis, Span::range(start, end.max(start)))).collect::<Result<Vec<_>>>()
    };
    "Meshgrid" = |c| {
        let xs = c.args.tensors().into_iter().cloned().collect::<Vec<_>>();
        let swapped = c.get("indexing", "xy".to_owned())? == "xy" && xs.len() > 1;
        let place = |i: usize| match i { 0 | 1 if swapped => 1 - i, i => i };
        let mut shape = vec![None; xs.len()];
        for (i, x) in xs.iter().enumerate() {
            if let Some(dim) = shape.get_mut(place(i)) {
                *dim = x.shape().num_elements();
            }
        }
        let shape = Shape::from(shape);
        let spread = |(i, x): (usize, &Tensor)| {
            let own = (0..shape.rank()).map(|axis| if axis == place(i) { x.shape().num_elements() } else { Some(1) });
            broadcast_to(&reshape_to(x, &own.collect())?, &shape)
        };
        xs.iter().enumerate().map(spread).collect::<Result<Vec<_>>>()
    };
    "Select" = |c| {
        let (conditions, choices) = (c.list(0, "condlist")?, c.list(1, "choicelist")?);
        let default = match c.optional(2, "default")? { Some(default) => default, None => Tensor::scalar(0i32)? };
        conditions.iter().zip(&choices).rev().try_fold(default, |rest, (condition, choice)| {
            let rest = if rest.rank() == 0 { cast(&rest, super::dtypes::result_type(choice.dtype(), rest.dtype()))? } else { rest };
            where_impl(condition, choice, &rest)
        })
    };
}

classes! { "keras.src.ops.core"
    "Unstack" = |c| {
        let (x, axis) = (c.x()?, c.get("axis", 0)?);
        let count = match c.maybe("num")? { Some(count) => count, None => x.shape().dim(axis)? };
        (0..count).map(|i| index_axis(&x, axis, i as isize)).collect::<Result<Vec<_>>>()
    };
}

fn wrong_count(name: &str, count: usize) -> Error {
    Error::new(ErrorKind::InvalidArgument, format!("wrong number of elements in `{name}`")).expected(count.to_string())
}

fn at_least(xs: Vec<Tensor>, rank: usize) -> Result<Vec<Tensor>> {
    let raise = |x: Tensor| if x.rank() < rank { expand_at(&x, 0) } else { Ok(x) };
    xs.into_iter().map(raise).collect()
}

/// Reads an entry that is one integer or a list of integers.
fn integers(c: &Call<'_>, name: &'static str) -> Result<Vec<isize>> {
    match c.config.get(name) {
        Some(Value::List(items)) => items.iter().map(isize::from_value).collect::<Result<_>>().at(name),
        Some(value) => isize::from_value(value).map(|one| vec![one]).at(name),
        None => Err(crate::config::field::missing(c.config, name)),
    }
}

/// Returns the tensor and `axis`; flattened, with axis 0, if there is none.
fn flat_or(c: &Call<'_>) -> Result<(Tensor, isize)> {
    let x = c.x()?;
    Ok(match c.maybe("axis")? {
        Some(axis) => (x, axis),
        None => (reshape_to(&x, &Shape::from([x.shape().num_elements()]))?, 0),
    })
}

fn tile_impl(x: &Tensor, repeats: &[isize]) -> Result<Tensor> {
    let rank = x.rank().max(repeats.len());
    let mut x = x.clone();
    while x.rank() < rank {
        x = expand_at(&x, 0)?;
    }
    let first = rank - repeats.len();
    for (axis, times) in (first..).zip(repeats) {
        let times = (*times).max(0) as usize;
        let extent = x.shape().get(axis as isize)?;
        let shape = x.shape().with(axis as isize, extent.map(|extent| extent.saturating_mul(times)))?;
        if times != 1 {
            let wide = expand_at(&x, axis as isize)?;
            let wide = broadcast_to(&wide, &wide.shape().with(axis as isize, Some(times))?)?;
            x = reshape_to(&wide, &shape)?;
        }
    }
    Ok(x)
}

/// Rolls an axis: the last `shift` positions come first.
pub(crate) fn roll(x: &Tensor, shift: isize, axis: isize) -> Result<Tensor> {
    program::infer_or_compute(&[x], x.unmasked(), || {
        let extent = x.shape().dim(axis)?;
        let shift = if extent == 0 { 0 } else { shift.rem_euclid(extent as isize) as usize };
        if shift == 0 {
            return Ok(x.unmasked());
        }
        let part = |start, stop| slice_axis(x, axis, Span::range(start, stop));
        concat(&[part(extent - shift, extent)?, part(0, extent - shift)?], axis)
    })
}

fn pad(c: &Call<'_>) -> Result<Tensor> {
    let x = c.x()?;
    let value = c.config.get("pad_width").ok_or_else(|| crate::config::field::missing(c.config, "pad_width"))?;
    let both = |value: &Value| match value {
        Value::List(_) => <(usize, usize)>::from_value(value),
        value => usize::from_value(value).map(|n| (n, n)),
    };
    let mut widths: Vec<(usize, usize)> = match value {
        Value::List(items) => match items.as_slice() {
            [Value::Int(before), Value::Int(after)] => {
                vec![<(usize, usize)>::from_value(&Value::from(vec![*before, *after])).at("pad_width")?]
            }
            items => items.iter().map(both).collect::<Result<_>>().at("pad_width")?,
        },
        value => vec![both(value).at("pad_width")?],
    };
    if let [all] = widths.as_slice() {
        widths = vec![*all; x.rank()];
    }
    if widths.len() != x.rank() {
        return Err(wrong_count("pad_width", x.rank()));
    }
    match c.get("mode", "constant".to_owned())?.as_str() {
        "constant" => {
            let fill = match c.value(1, "constant_values") {
                Some(value) => value.as_f64().ok_or_else(|| wrong_type("a number", &value).at("constant_values"))?,
                None => 0.0,
            };
            pad_with(&x, &widths, fill)
        }
        mode @ ("reflect" | "symmetric") => {
            let repeat_edge = mode == "symmetric";
            (0isize..)
                .zip(widths)
                .try_fold(x, |x, (axis, (before, after))| mirror(&x, axis, before, after, repeat_edge))
        }
        mode => Err(Error::new(ErrorKind::InvalidArgument, "unknown mode of padding")
            .expected("constant, reflect or symmetric")
            .received(format!("mode={mode:?}"))),
    }
}

pub(super) fn mirror(x: &Tensor, axis: isize, before: usize, after: usize, repeat_edge: bool) -> Result<Tensor> {
    let extent = x.shape().get(axis)?;
    let wide = extent.map(|extent| extent.saturating_add(before).saturating_add(after));
    let inferred = Tensor::symbol(x.shape().with(axis, wide)?, x.dtype());
    program::infer_or_compute(&[x], inferred, || {
        let extent = x.shape().dim(axis)? as i64;
        let skip = i64::from(!repeat_edge);
        if (before.max(after) as i64) > extent - skip {
            return Err(Error::new(ErrorKind::InvalidArgument, "padding is wider than the tensor")
                .received(format!("{before} and {after} on an axis of {extent}")));
        }
        let indices: Vec<i64> = (0..before as i64)
            .rev()
            .map(|i| i + skip)
            .chain(0..extent)
            .chain((0..after as i64).map(|i| extent - 1 - skip - i))
            .collect();
        let count = indices.len();
        take_axis(x, &Tensor::from_vec(indices, [count])?, axis)
    })
}

/// Swaps two axes.
pub(super) fn swapaxes_impl(x: &Tensor, axis1: isize, axis2: isize) -> Result<Tensor> {
    let (a, b) = (x.shape().axis(axis1)?, x.shape().axis(axis2)?);
    let mut order: Vec<usize> = (0..x.rank()).collect();
    order.swap(a, b);
    transpose_to(x, &order)
}

/// Moves axes to other positions (`keras.ops.moveaxis`).
pub(crate) fn moveaxis(x: &Tensor, from: &[isize], to: &[isize]) -> Result<Tensor> {
    let place = |axes: &[isize]| axes.iter().map(|axis| x.shape().axis(*axis)).collect::<Result<Vec<_>>>();
    let (from, to) = (place(from)?, place(to)?);
    if from.len() != to.len() {
        return Err(wrong_count("destination", from.len()));
    }
    let mut pairs: Vec<(usize, usize)> = to.into_iter().zip(from.iter().copied()).collect();
    pairs.sort_unstable();
    let mut order: Vec<usize> = (0..x.rank()).filter(|axis| !from.contains(axis)).collect();
    for (to, from) in pairs {
        order.insert(to.min(order.len()), from);
    }
    transpose_to(x, &order)
}

/// Sets the elements above (or below) a diagonal of the last two axes to zero.
fn triangle(x: &Tensor, k: i64, lower: bool) -> Result<Tensor> {
    if x.rank() < 2 {
        return Err(Error::new(ErrorKind::Shape, "wrong rank")
            .expected("2 axes or more")
            .received(format!("shape {}", x.shape())));
    }
    program::infer_or_compute(&[x], x.unmasked(), || {
        let (rows, columns) = (x.shape().dim(-2)?, x.shape().dim(-1)?);
        let rows = reshape_to(&arange(rows, DType::Int64)?, &Shape::from([rows, 1]))?;
        let columns = arange(columns, DType::Int64)?;
        let inside = if lower {
            greater_equal(super::add(&rows, k)?, &columns)?
        } else {
            greater_equal(&columns, super::add(&rows, k)?)?
        };
        where_impl(&inside, x, &zeros(&Shape::scalar(), x.dtype())?)
    })
}

/// Returns the diagonal of two axes, as the last axis.
pub(crate) fn diagonal(x: &Tensor, offset: isize, axis1: isize, axis2: isize) -> Result<Tensor> {
    let x = moveaxis(x, &[axis1, axis2], &[-2, -1])?;
    let (rows, columns) = (x.shape().get(-2)?, x.shape().get(-1)?);
    let head = x.shape().dims().split_at(x.rank() - 2).0.to_vec();
    let (Some(rows), Some(columns)) = (rows, columns) else {
        return Ok(Tensor::symbol(head.into_iter().chain([None]).collect::<Shape>(), x.dtype()));
    };
    let (down, right) = ((-offset).max(0) as usize, offset.max(0) as usize);
    let count = rows.saturating_sub(down).min(columns.saturating_sub(right));
    let flat: Shape = head.into_iter().chain([Some(rows * columns)]).collect();
    let indices = (0..count).map(|i| ((down + i) * columns + right + i) as i64).collect();
    take_axis(&reshape_to(&x, &flat)?, &Tensor::from_vec(indices, [count])?, -1)
}

pub(super) fn diagonal_matrix(x: &Tensor, k: isize) -> Result<Tensor> {
    let n = x.shape().dim(0)?;
    let side = n + k.unsigned_abs();
    let line = if k >= 0 { (k as usize, 0) } else { (0, k.unsigned_abs()) };
    // Row i of the result has x[i] at column i + k.
    let row = pad_with(x, &[line], 0.0)?;
    let eye = triangle(
        &triangle(&super::create::ones(&Shape::from([side, side]), x.dtype())?, k as i64, true)?,
        k as i64,
        false,
    )?;
    super::multiply(&eye, &row)
}

/// Repeats the tensor along each axis (`keras.ops.tile`).
///
/// # Errors
/// Never for numbers.
pub fn tile(x: &Tensor, repeats: &[usize]) -> Result<Tensor> {
    call("Tile", config! { repeats: repeats.to_vec() }, CallArgs::from(x))?.into_single()
}

/// Repeats each slice along an axis (`keras.ops.repeat`).
///
/// # Errors
/// If there is no such axis.
pub fn repeat(x: &Tensor, repeats: usize, axis: impl Into<Option<isize>>) -> Result<Tensor> {
    call("Repeat", config! { repeats: repeats, axis: axis.into().to_value()? }, CallArgs::from(x))?.into_single()
}

/// Pads with a constant: (before, after) for each axis (`keras.ops.pad`).
///
/// # Errors
/// If there are not as many pairs as axes.
pub fn pad_constant(x: &Tensor, pad_width: &[(usize, usize)], constant_value: f64) -> Result<Tensor> {
    let widths: Vec<Value> = pad_width.iter().map(|(before, after)| Value::from(vec![*before, *after])).collect();
    let args = CallArgs::from(x);
    let args = if constant_value == 0.0 { args } else { args.with_value("constant_values", constant_value) };
    call("Pad", config! { pad_width: widths, mode: "constant" }, args)?.into_single()
}

/// Rolls an axis: the last `shift` positions come first (`keras.ops.roll`).
///
/// # Errors
/// If there is no such axis.
pub fn roll_by(x: &Tensor, shift: isize, axis: isize) -> Result<Tensor> {
    call("Roll", config! { shift: shift, axis: axis }, CallArgs::from(x))?.into_single()
}

/// Sets the elements above the `k`-th diagonal to zero (`keras.ops.tril`).
///
/// # Errors
/// For less than two axes.
pub fn tril(x: &Tensor, k: i64) -> Result<Tensor> {
    call("Tril", config! { k: k }, CallArgs::from(x))?.into_single()
}

/// Sets the elements below the `k`-th diagonal to zero (`keras.ops.triu`).
///
/// # Errors
/// For less than two axes.
pub fn triu(x: &Tensor, k: i64) -> Result<Tensor> {
    call("Triu", config! { k: k }, CallArgs::from(x))?.into_single()
}

/// Swaps two axes (`keras.ops.swapaxes`).
///
/// # Errors
/// If there are no such axes.
pub fn swapaxes(x: &Tensor, axis1: isize, axis2: isize) -> Result<Tensor> {
    call("Swapaxes", config! { axis1: axis1, axis2: axis2 }, CallArgs::from(x))?.into_single()
}

/// Splits a tensor into its slices along an axis, without that axis (`keras.ops.unstack`).
///
/// # Errors
/// If the axis's extent is unknown.
pub fn unstack(x: &Tensor, axis: isize) -> Result<Vec<Tensor>> {
    let parts = call("Unstack", config! { num: Value::Null, axis: axis }, CallArgs::from(x))?;
    Ok(parts.leaves().into_iter().cloned().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn x() -> Tensor {
        Tensor::from_vec((0..6).collect::<Vec<i32>>(), [2, 3]).unwrap()
    }

    #[test]
    fn elements_move_as_in_numpy() {
        let v = |x: Result<Tensor>| x.unwrap().to_vec::<i32>().unwrap();
        // np.roll(np.arange(6).reshape(2, 3), 1, axis=1), and so on
        assert_eq!(v(roll_by(&x(), 1, 1)), [2, 0, 1, 5, 3, 4]);
        assert_eq!(v(tile(&x(), &[1, 2])), [0, 1, 2, 0, 1, 2, 3, 4, 5, 3, 4, 5]);
        assert_eq!(v(repeat(&x(), 2, None)), [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5]);
        assert_eq!(v(tril(&x(), 0)), [0, 0, 0, 3, 4, 0]);
        assert_eq!(v(triu(&x(), 1)), [0, 1, 2, 0, 0, 5]);
        assert_eq!(v(diagonal(&x(), 1, 0, 1)), [1, 5]);
        assert_eq!(v(diagonal_matrix(&index_axis(&x(), 0, 1).unwrap(), -1))[..8], [0, 0, 0, 0, 3, 0, 0, 0]);
        assert_eq!(v(mirror(&x(), 1, 2, 1, false)), [2, 1, 0, 1, 2, 1, 5, 4, 3, 4, 5, 4]);
        assert!(mirror(&x(), 1, 3, 0, false).is_err());
    }

    #[test]
    fn unknown_extents_stay_unknown() {
        let x = Tensor::symbol([None, Some(4)], DType::Float32);
        assert_eq!(tile(&x, &[2, 2]).unwrap().shape().to_string(), "(None, 8)");
        assert_eq!(pad_constant(&x, &[(1, 0), (0, 1)], 0.0).unwrap().shape().to_string(), "(None, 5)");
    }
}
