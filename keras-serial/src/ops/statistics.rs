//! Composed reductions: standard deviation, norms, cumulative sums, sorting, quantiles.

use super::arithmetic::{add, divide, equal, less, maximum, minimum, multiply, not_equal, power, subtract};
use super::axes::Axes;
use super::define::{Call, call, classes};
use super::dtypes::{cast, full_like, to_float};
use super::elementwise::{abs, is_nan, sqrt, square};
use super::graph::config;
use super::reduce::{self, arg_extreme, max_impl, mean_impl, min_impl, prod_impl, sum_impl, var_impl};
use super::shape::{Span, concat, expand_at, index_axis, reshape_to, slice_axis, where_impl};
use crate::config::wrong_type;
use crate::error::{Error, ErrorKind, Result};
use crate::json::Value;
use crate::program;
use crate::program::primitives::{Argsort, Cumulate, Sort};
use crate::tensor::{CallArgs, DType, Shape, Tensor};

classes! { "keras.src.ops.numpy"
    "Std" = |c| sqrt(&var_impl(&c.x()?, &c.axes()?, c.keepdims()?)?);
    "Amax" = |c| max_impl(&c.x()?, &c.axes()?, c.keepdims()?);
    "Amin" = |c| min_impl(&c.x()?, &c.axes()?, c.keepdims()?);
    "Ptp" = |c| {
        let (x, axes, keep) = (c.x()?, c.axes()?, c.keepdims()?);
        subtract(max_impl(&x, &axes, keep)?, min_impl(&x, &axes, keep)?)
    };
    "CountNonzero" = |c| {
        let x = c.x()?;
        cast(&sum_impl(&cast(&not_equal(&x, 0)?, DType::Int32)?, &c.axes()?, false)?, DType::Int32)
    };
    "Average" = |c| {
        let (x, axes) = (to_float(&c.x()?)?, c.axes()?);
        let Some(weights) = c.optional(1, "weights")? else { return mean_impl(&x, &axes, false) };
        let weights = match axes.positions(x.shape())?.as_slice() {
            [axis] if weights.rank() == 1 && x.rank() > 1 => {
                let count = weights.shape().get(0)?;
                reshape_to(&weights, &(0..x.rank()).map(|i| if i == *axis { count } else { Some(1) }).collect())?
            }
            _ => weights,
        };
        let (x, weights) = super::dtypes::promote((&x).into(), weights.into())?;
        let product = multiply(&x, &weights)?;
        let whole = super::shape::broadcast_to(&weights, product.shape())?;
        divide(sum_impl(&product, &axes, false)?, sum_impl(&whole, &axes, false)?)
    };
    "Nansum" = |c| sum_impl(&without_nan(c, 0.0)?, &c.axes()?, c.keepdims()?);
    "Nanprod" = |c| prod_impl(&without_nan(c, 1.0)?, &c.axes()?, c.keepdims()?);
    "Nanmax" = |c| max_impl(&without_nan(c, f64::NEG_INFINITY)?, &c.axes()?, c.keepdims()?);
    "Nanmin" = |c| min_impl(&without_nan(c, f64::INFINITY)?, &c.axes()?, c.keepdims()?);
    "Nancumsum" = |c| cumulative(c, without_nan(c, 0.0)?, true);
    "Nancumprod" = |c| cumulative(c, without_nan(c, 1.0)?, false);
    "Nanargmax" = |c| arg_extreme(&without_nan(c, f64::NEG_INFINITY)?, c.maybe("axis")?, c.keepdims()?, true);
    "Nanargmin" = |c| arg_extreme(&without_nan(c, f64::INFINITY)?, c.maybe("axis")?, c.keepdims()?, false);
    "Nanmean" = |c| nan_mean(&to_float(&c.x()?)?, &c.axes()?, c.keepdims()?);
    "Nanvar" = |c| nan_var(c);
    "Nanstd" = |c| sqrt(&nan_var(c)?);
    "Cumsum" = |c| cumulative(c, c.x()?, true);
    "Cumprod" = |c| cumulative(c, c.x()?, false);
    "Sort" = |c| {
        let (x, axis) = flat_unless(c, -1)?;
        sort_along(&x, axis, false)
    };
    "Argsort" = |c| {
        let (x, axis) = flat_unless(c, -1)?;
        argsort_along(&x, axis, false)
    };
    "Median" = |c| {
        let (x, axes, keep) = (to_float(&c.x()?)?, c.axes()?, c.keepdims()?);
        quantile(&x, &Value::Float(0.5), &axes, keep, "midpoint")
    };
    "Quantile" = |c| {
        // Keras's node ignores its `method`.
        let q = c.tensor(1, "q")?;
        quantile(&to_float(&c.x()?)?, &numbers(&q)?, &c.axes()?, c.keepdims()?, "linear")
    };
    "Percentile" = |c| {
        let q = divide(c.tensor(1, "q")?, 100.0)?;
        quantile(&to_float(&c.x()?)?, &numbers(&q)?, &c.axes()?, c.keepdims()?, &c.get("method", "linear".to_owned())?)
    };
    "NanToNum" = |c| {
        let x = c.x()?;
        if !x.dtype().is_float() {
            return Ok(x);
        }
        let (low, high) = match x.dtype() {
            DType::Float64 => (f64::MIN, f64::MAX),
            DType::Float16 => (-65504.0, 65504.0),
            DType::BFloat16 => (-3.389_531_389_251_535_5e38, 3.389_531_389_251_535_5e38),
            _ => (f64::from(f32::MIN), f64::from(f32::MAX)),
        };
        let put = |x: &Tensor, condition: Tensor, value: f64| where_impl(&condition, &full_like(&Value::Float(value), x.dtype())?, x);
        let x = put(&x, is_nan(&x)?, c.get("nan", 0.0)?)?;
        let x = put(&x, equal(&x, f64::INFINITY)?, c.maybe("posinf")?.unwrap_or(high))?;
        put(&x, equal(&x, f64::NEG_INFINITY)?, c.maybe("neginf")?.unwrap_or(low))
    };
    "Trapezoid" = |c| {
        let (y, axis) = (to_float(&c.tensor(0, "y")?)?, c.get("axis", -1)?);
        let ends = |x: &Tensor| -> Result<(Tensor, Tensor)> {
            Ok((
                slice_axis(x, axis, Span { start: Some(1), stop: None, step: 1 })?,
                slice_axis(x, axis, Span { start: None, stop: Some(-1), step: 1 })?,
            ))
        };
        if !c.config.get("x").is_none_or(Value::is_null) {
            return Err(Error::new(ErrorKind::Unsupported, "`trapezoid` at given positions is not supported"));
        }
        let (after, before) = ends(&y)?;
        multiply(sum_impl(&add(&after, &before)?, &Axes::from(axis), false)?, c.get("dx", 1.0)? / 2.0)
    };
    "Bincount" = bincount;
    "SearchSorted" = |c| {
        let (sorted, values) = (c.tensor(0, "sorted_sequence")?, c.tensor(1, "values")?);
        search_sorted(&sorted, &values, c.get("side", "left".to_owned())? == "right")
    };
    "Digitize" = |c| search_sorted(&c.tensor(1, "bins")?, &c.x()?, true);
}

classes! { "keras.src.ops.nn"
    "Moments" = |c| {
        let (x, axes) = (c.x()?, c.get("axes", Axes::all())?);
        reduce::moments(&x, &axes, c.keepdims()?)
    };
    "Normalize" = |c| {
        let (x, axes) = (c.x()?, c.get("axis", Axes::from(-1))?);
        let epsilon = c.maybe("epsilon")?.unwrap_or(1e-7);
        match c.get("order", 2i64)? {
            2 => {
                let inverse = super::rsqrt(&sum_impl(&square(&x)?, &axes, true)?)?;
                multiply(&x, minimum(&inverse, 1.0 / epsilon)?)
            }
            order if order >= 1 => divide(&x, maximum(&vector_norm(&x, order as f64, &axes, true)?, epsilon)?),
            order => Err(Error::new(ErrorKind::InvalidArgument, "Argument `order` must be an int >= 1").received(format!("order={order}"))),
        }
    };
}

classes! { "keras.src.ops.math"
    "TopK" = |c| top_k_impl(&c.x()?, c.required("k")?);
    "InTopK" = |c| {
        let (targets, predictions) = (c.tensor(0, "targets")?, c.tensor(1, "predictions")?);
        let classes = predictions.shape().last()?;
        let code = super::one_hot::one_hot(&targets, classes, -1, predictions.dtype())?;
        let own = sum_impl(&multiply(&code, &predictions)?, &Axes::from(-1), true)?;
        let better = sum_impl(&cast(&super::greater(&predictions, &own)?, DType::Int32)?, &Axes::from(-1), false)?;
        less(&better, c.required::<i64>("k")?)
    };
}

classes! { "keras.src.ops.linalg"
    "Norm" = |c| {
        let x = to_float(&c.x()?)?;
        let axes = c.axes()?;
        let positions = axes.positions(x.shape())?;
        let keep = c.keepdims()?;
        let order = match c.config.get("ord") {
            None | Some(Value::Null) => None,
            Some(order) => Some(order.clone()),
        };
        let two = || sqrt(&sum_impl(&square(&x)?, &axes, keep)?);
        match (positions.as_slice(), order) {
            (_, None) => two(),
            ([_], Some(order)) => {
                let order = order.as_f64().ok_or_else(|| wrong_type("a number", &order).at("ord"))?;
                vector_norm(&x, order, &axes, keep)
            }
            ([_, _], Some(Value::Str(order))) if order == "fro" => two(),
            ([_, _], Some(order)) if order.as_str() == Some("nuc") || order.as_f64().is_some_and(|order| order.abs() == 2.0) => {
                let rows = axes.0.clone().unwrap_or_else(|| vec![0, 1]);
                let s = super::linalg_factor::singular_values(&super::arrange::moveaxis(&x, &rows, &[-2, -1])?)?;
                let last = Axes::from(-1);
                let y = match order.as_f64() {
                    None => sum_impl(&s, &last, false)?,
                    Some(order) if order > 0.0 => max_impl(&s, &last, false)?,
                    Some(_) => min_impl(&s, &last, false)?,
                };
                positions.iter().filter(|_| keep).try_fold(y, |y, position| expand_at(&y, *position as isize))
            }
            ([_, _], Some(order)) => {
                let order = order.as_f64().ok_or_else(|| unsupported_order(&order))?;
                let Some([rows, columns]) = axes.0.as_deref().and_then(|axes| <[isize; 2]>::try_from(axes).ok()).or((axes.0.is_none()).then_some([0, 1])) else { return Err(unsupported_order(&Value::Float(order))) };
                let (sum_axis, fold_axis) = if order.is_infinite() { (columns, rows) } else { (rows, columns) };
                let sums = sum_impl(&abs(&x)?, &Axes::from(sum_axis), true)?;
                let y = match order {
                    1.0 | f64::INFINITY => max_impl(&sums, &Axes::from(fold_axis), true)?,
                    -1.0 | f64::NEG_INFINITY => min_impl(&sums, &Axes::from(fold_axis), true)?,
                    _ => return Err(unsupported_order(&Value::Float(order))),
                };
                if keep { Ok(y) } else { sum_impl(&y, &axes, false) }
            }
            _ => Err(Error::new(ErrorKind::InvalidArgument, "wrong number of axes of a norm")),
        }
    };
}

fn unsupported_order(order: &Value) -> Error {
    Error::new(ErrorKind::Unsupported, "this order of a matrix norm is not supported")
        .received(format!("ord={}", order.short()))
}

fn vector_norm(x: &Tensor, order: f64, axes: &Axes, keep: bool) -> Result<Tensor> {
    match order {
        2.0 => sqrt(&sum_impl(&square(x)?, axes, keep)?),
        1.0 => sum_impl(&abs(x)?, axes, keep),
        0.0 => sum_impl(&cast(&not_equal(x, 0)?, x.dtype())?, axes, keep),
        f64::INFINITY => max_impl(&abs(x)?, axes, keep),
        f64::NEG_INFINITY => min_impl(&abs(x)?, axes, keep),
        order => power(sum_impl(&power(abs(x)?, order)?, axes, keep)?, 1.0 / order),
    }
}

fn without_nan(c: &Call<'_>, neutral: f64) -> Result<Tensor> {
    let x = c.x()?;
    if !x.dtype().is_float() {
        return Ok(x);
    }
    where_impl(&is_nan(&x)?, &full_like(&Value::Float(neutral), x.dtype())?, &x)
}

fn nan_mean(x: &Tensor, axes: &Axes, keep: bool) -> Result<Tensor> {
    let nan = is_nan(x)?;
    let sum = sum_impl(&where_impl(&nan, &full_like(&Value::Float(0.0), x.dtype())?, x)?, axes, keep)?;
    divide(&sum, sum_impl(&cast(&super::logical_not(&nan)?, x.dtype())?, axes, keep)?)
}

fn nan_var(c: &Call<'_>) -> Result<Tensor> {
    let (x, axes) = (to_float(&c.x()?)?, c.axes()?);
    nan_mean(&square(&subtract(&x, &nan_mean(&x, &axes, true)?)?)?, &axes, c.keepdims()?)
}

/// Returns the tensor and `axis`, or `default` if it is missing; flattened if it is null.
fn flat_unless(c: &Call<'_>, default: isize) -> Result<(Tensor, isize)> {
    let x = c.x()?;
    match c.config.get("axis") {
        Some(Value::Null) => Ok((reshape_to(&x, &Shape::from([x.shape().num_elements()]))?, 0)),
        _ => Ok((x, c.get("axis", default)?)),
    }
}

fn cumulative(c: &Call<'_>, x: Tensor, sums: bool) -> Result<Tensor> {
    let x = match c.maybe::<isize>("axis")? {
        Some(_) => x,
        None => reshape_to(&x, &Shape::from([x.shape().num_elements()]))?,
    };
    let axis = x.shape().axis(c.maybe("axis")?.unwrap_or(0))?;
    let dtype = match c.dtype()? {
        Some(dtype) => dtype,
        None if x.dtype() == DType::Bool => DType::Int32,
        None => x.dtype(),
    };
    program::apply(Cumulate { axis, sums }, &[&cast(&x, dtype)?])
}

/// Returns the indices that sort an axis in ascending (or descending) order, as `int32`.
pub(crate) fn argsort_along(x: &Tensor, axis: isize, descending: bool) -> Result<Tensor> {
    let position = x.shape().axis(axis)?;
    let x = if x.dtype() == DType::Bool { cast(x, DType::Int32)? } else { x.clone() };
    program::apply(Argsort { axis: position, descending }, &[&x])
}

/// Sorts the elements along an axis.
pub(crate) fn sort_along(x: &Tensor, axis: isize, descending: bool) -> Result<Tensor> {
    let position = x.shape().axis(axis)?;
    match x.dtype() {
        DType::Bool => cast(&sort_along(&cast(x, DType::Int32)?, axis, descending)?, DType::Bool),
        _ => program::apply(Sort { axis: position, descending }, &[x]),
    }
}

/// Returns the `k` largest elements of the last axis and their indices.
pub(crate) fn top_k_impl(x: &Tensor, k: usize) -> Result<(Tensor, Tensor)> {
    let extent = x.shape().get(-1)?;
    if extent.is_some_and(|extent| k > extent) {
        return Err(Error::new(ErrorKind::InvalidArgument, "Invalid value for argument `k`")
            .expected("at most the last axis's extent")
            .received(format!("k={k}, shape {}", x.shape())));
    }
    let shape = x.shape().with(-1, Some(k))?;
    program::infer_or_compute(&[x], (Tensor::symbol(&shape, x.dtype()), Tensor::symbol(&shape, DType::Int32)), || {
        // Sorting the negatives with a stable sort puts the first of equal elements first.
        let numbers = if x.dtype() == DType::Bool { cast(x, DType::Int32)? } else { x.clone() };
        let wide = if numbers.dtype().is_float() { numbers } else { cast(&numbers, DType::Float64)? };
        let order = argsort_along(&super::negative(&wide)?, -1, false)?;
        let order = slice_axis(&order, -1, Span::range(0, k))?;
        Ok((super::scatter::take_along(x, &order, -1)?, order))
    })
}

/// Returns the values of `q` as plain numbers: one, or a list.
fn numbers(q: &Tensor) -> Result<Value> {
    let values = program::unless_symbolic(&[q], || cast(q, DType::Float64)?.to_vec::<f64>())?;
    let values =
        values.ok_or_else(|| Error::new(ErrorKind::Unsupported, "quantiles that are computed are not supported"))?;
    Ok(match (q.rank(), values.as_slice()) {
        (0, [one]) => Value::Float(*one),
        _ => Value::from(values),
    })
}

fn quantile(x: &Tensor, q: &Value, axes: &Axes, keep: bool, method: &str) -> Result<Tensor> {
    let positions = axes.positions(x.shape())?;
    let folded: Shape = (0..x.rank())
        .zip(x.shape().dims())
        .filter(|(i, _)| keep || !positions.contains(i))
        .map(|(i, dim)| if positions.contains(&i) { Some(1) } else { *dim })
        .collect();
    let (many, qs) = match q {
        Value::List(items) => (true, items.iter().filter_map(Value::as_f64).collect::<Vec<_>>()),
        q => (false, q.as_f64().into_iter().collect()),
    };
    let head = many.then_some(Some(qs.len()));
    let inferred = Tensor::symbol(head.into_iter().chain(folded.dims().iter().copied()).collect::<Shape>(), x.dtype());
    program::infer_or_compute(&[x], inferred, || {
        let order: Vec<usize> =
            (0..x.rank()).filter(|i| !positions.contains(i)).chain(positions.iter().copied()).collect();
        let rest: Vec<Option<usize>> =
            (0..x.rank()).zip(x.shape().dims()).filter(|(i, _)| !positions.contains(i)).map(|(_, dim)| *dim).collect();
        let count: usize = positions.iter().filter_map(|i| x.shape().dims().get(*i).copied().flatten()).product();
        let rows =
            reshape_to(&super::shape::transpose_to(x, &order)?, &rest.into_iter().chain([Some(count)]).collect())?;
        let sorted = sort_along(&rows, -1, false)?;
        let last =
            count.checked_sub(1).ok_or_else(|| Error::new(ErrorKind::Shape, "no elements to take a quantile of"))?;
        let results = qs.iter().map(|q| -> Result<Tensor> {
            let place = (q * last as f64).clamp(0.0, last as f64);
            let at = |place: f64| index_axis(&sorted, -1, place as isize);
            let y = match method {
                "lower" => at(place.floor())?,
                "higher" => at(place.ceil())?,
                "nearest" => at(place.round_ties_even())?,
                "midpoint" => multiply(add(at(place.floor())?, at(place.ceil())?)?, 0.5)?,
                "linear" => {
                    let part = place - place.floor();
                    add(multiply(at(place.floor())?, 1.0 - part)?, multiply(at(place.ceil())?, part)?)?
                }
                method => {
                    return Err(Error::new(ErrorKind::InvalidArgument, "unknown method")
                        .expected("linear, lower, higher, midpoint or nearest")
                        .received(format!("method={method:?}")));
                }
            };
            reshape_to(&y, &folded)
        });
        let results = results.collect::<Result<Vec<_>>>()?;
        match (many, results.as_slice()) {
            (false, [one]) => Ok(one.clone()),
            (_, all) => concat(&all.iter().map(|y| expand_at(y, 0)).collect::<Result<Vec<_>>>()?, 0),
        }
    })
}

fn bincount(c: &Call<'_>) -> Result<Tensor> {
    let x = c.x()?;
    if !c.config.get("weights").is_none_or(Value::is_null) {
        return Err(Error::new(ErrorKind::Unsupported, "`bincount` with weights is not supported"));
    }
    let least = c.get("minlength", 0usize)?;
    let head = if x.rank() == 2 { Some(x.shape().get(0)?) } else { None };
    let inferred = Tensor::symbol(head.into_iter().chain([None]).collect::<Shape>(), DType::Int32);
    program::infer_or_compute(&[&x], inferred, || {
        let largest = max_impl(&cast(&x, DType::Int64)?, &Axes::all(), false)?.item::<i64>()?;
        let count = least.max((largest.max(-1) + 1) as usize);
        sum_impl(&super::one_hot::one_hot(&x, count, -1, DType::Int32)?, &Axes::from(-2), false)
    })
}

/// Returns for each value how many elements of a sorted sequence are before it.
fn search_sorted(sorted: &Tensor, values: &Tensor, right: bool) -> Result<Tensor> {
    let (sorted, values) = super::dtypes::promote(sorted.into(), values.into())?;
    let values = expand_at(&values, -1)?;
    let before = if right { super::less_equal(&sorted, &values)? } else { less(&sorted, &values)? };
    sum_impl(&cast(&before, DType::Int32)?, &Axes::from(-1), false)
}

/// Returns the standard deviation over axes (`keras.ops.std`).
///
/// # Errors
/// If there is no such axis.
pub fn std(x: &Tensor, axis: impl Into<Axes>, keepdims: bool) -> Result<Tensor> {
    use crate::config::ConfigField;
    call("Std", config! { axis: axis.into().to_value()?, keepdims: keepdims }, CallArgs::from(x))?.into_single()
}

/// Returns the cumulative sum along an axis (`keras.ops.cumsum`).
///
/// # Errors
/// If there is no such axis.
pub fn cumsum(x: &Tensor, axis: isize) -> Result<Tensor> {
    call("Cumsum", config! { axis: axis, dtype: Value::Null }, CallArgs::from(x))?.into_single()
}

/// Sorts the elements along an axis in ascending order (`keras.ops.sort`).
///
/// # Errors
/// If there is no such axis.
pub fn sort(x: &Tensor, axis: isize) -> Result<Tensor> {
    call("Sort", config! { axis: axis }, CallArgs::from(x))?.into_single()
}

/// Returns the indices that sort an axis in ascending order (`keras.ops.argsort`).
///
/// # Errors
/// If there is no such axis.
pub fn argsort(x: &Tensor, axis: isize) -> Result<Tensor> {
    call("Argsort", config! { axis: axis }, CallArgs::from(x))?.into_single()
}

/// Returns the `k` largest elements of the last axis, and their indices (`keras.ops.top_k`).
///
/// # Errors
/// If there are less than `k` elements.
pub fn top_k(x: &Tensor, k: usize) -> Result<(Tensor, Tensor)> {
    let parts = call("TopK", config! { k: k, sorted: true }, CallArgs::from(x))?;
    match parts.leaves().as_slice() {
        [values, indices] => Ok(((*values).clone(), (*indices).clone())),
        _ => Err(Error::new(ErrorKind::Graph, "two results expected")),
    }
}

/// Returns the Euclidean norm along axes (`keras.ops.norm`).
///
/// # Errors
/// If there is no such axis.
pub fn norm(x: &Tensor, axis: impl Into<Axes>, keepdims: bool) -> Result<Tensor> {
    use crate::config::ConfigField;
    call("Norm", config! { ord: Value::Null, axis: axis.into().to_value()?, keepdims: keepdims }, CallArgs::from(x))?
        .into_single()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_and_running_sums() {
        let x = Tensor::from_slice(&[3.0f32, 1.0, 2.0, 5.0, 5.0, 4.0], [2, 3]).unwrap();
        assert_eq!(cumsum(&x, 1).unwrap().to_vec::<f32>().unwrap(), [3.0, 4.0, 6.0, 5.0, 10.0, 14.0]);
        assert_eq!(argsort(&x, -1).unwrap().to_vec::<i32>().unwrap(), [1, 2, 0, 2, 0, 1]);
        let (values, indices) = top_k(&x, 2).unwrap();
        assert_eq!(values.to_vec::<f32>().unwrap(), [3.0, 2.0, 5.0, 5.0]);
        assert_eq!(indices.to_vec::<i32>().unwrap(), [0, 2, 0, 1]);
        // np.quantile([[3, 1, 2], [5, 5, 4]], 0.25, axis=1)
        let q = quantile(&x, &Value::Float(0.25), &Axes::from(1), false, "linear").unwrap();
        assert_eq!(q.to_vec::<f32>().unwrap(), [1.5, 4.5]);
        assert!(top_k(&x, 4).is_err());
    }
}
