//! Reductions over axes: sums, means, extremes.

use super::arithmetic::{divide, subtract};
use super::axes::Axes;
use super::dtypes::{cast, to_float};
use super::elementwise::{exp, log, square};
use super::shape::reshape_to;
use crate::error::{Error, ErrorKind, Result};
use crate::program;
use crate::program::primitives::{ArgExtreme, Reduce, Reduction, Softmax};
use crate::tensor::{DType, Shape, Tensor};

/// Reduces axes one by one with `fold`, which keeps them with extent 1.
fn fold(
    x: &Tensor,
    axes: &Axes,
    keepdims: bool,
    dtype: DType,
    fold: impl Fn(&Tensor, usize) -> Result<Tensor>,
) -> Result<Tensor> {
    let positions = axes.positions(x.shape())?;
    let kept: Shape = (0..x.rank())
        .zip(x.shape().dims())
        .filter(|(i, _)| keepdims || !positions.contains(i))
        .map(|(i, dim)| if positions.contains(&i) { Some(1) } else { *dim })
        .collect();
    // The engine does not support tensors without elements; here the result is empty too.
    if x.shape().num_elements() == Some(0) && kept.num_elements() == Some(0) {
        return super::empty::empty_from(&[x], &kept, dtype);
    }
    let folded = positions.into_iter().try_fold(x.clone(), |x, position| fold(&x, position))?;
    reshape_to(&folded, &kept)
}

/// Reduces axes one by one.
fn reduce(x: &Tensor, axes: &Axes, keepdims: bool, by: Reduction) -> Result<Tensor> {
    fold(x, axes, keepdims, x.dtype(), |x, axis| program::apply(Reduce { by, axis }, &[x]))
}

/// Returns an error if a reduced axis has extent 0.
fn not_empty(x: &Tensor, axes: &Axes) -> Result<()> {
    let empty = |position: &usize| x.shape().dims().get(*position) == Some(&Some(0));
    if axes.positions(x.shape())?.iter().any(empty) {
        return Err(
            Error::new(ErrorKind::Shape, "an empty tensor has no extreme").received(format!("shape {}", x.shape()))
        );
    }
    Ok(())
}

/// Sums over axes (`keras.ops.sum`).
pub(crate) fn sum_impl(x: &Tensor, axes: &Axes, keepdims: bool) -> Result<Tensor> {
    let x = match x.dtype() {
        DType::Bool | DType::Int8 | DType::Int16 => cast(x, DType::Int32)?,
        DType::UInt8 | DType::UInt16 => cast(x, DType::UInt32)?,
        _ => x.clone(),
    };
    reduce(&x, axes, keepdims, Reduction::Sum)
}

/// Averages over axes (`keras.ops.mean`).
pub(crate) fn mean_impl(x: &Tensor, axes: &Axes, keepdims: bool) -> Result<Tensor> {
    let x = to_float(x)?;
    // Half precision is summed in single precision, as in Keras.
    let wide = if x.dtype().size() < 4 { cast(&x, DType::Float32)? } else { x.clone() };
    let mean = reduce(&wide, axes, keepdims, Reduction::Mean)?;
    cast(&mean, x.dtype())
}

/// Multiplies over axes (`keras.ops.prod`).
pub(crate) fn prod_impl(x: &Tensor, axes: &Axes, keepdims: bool) -> Result<Tensor> {
    let x = if x.dtype() == DType::Bool { cast(x, DType::Int32)? } else { x.clone() };
    reduce(&x, axes, keepdims, Reduction::Prod)
}

/// Returns the maximum over axes (`keras.ops.max`).
pub(crate) fn max_impl(x: &Tensor, axes: &Axes, keepdims: bool) -> Result<Tensor> {
    not_empty(x, axes)?;
    reduce(x, axes, keepdims, Reduction::Max)
}

/// Returns the minimum over axes (`keras.ops.min`).
pub(crate) fn min_impl(x: &Tensor, axes: &Axes, keepdims: bool) -> Result<Tensor> {
    not_empty(x, axes)?;
    reduce(x, axes, keepdims, Reduction::Min)
}

/// Returns true if any element is true (`keras.ops.any`).
pub(crate) fn any_impl(x: &Tensor, axes: &Axes, keepdims: bool) -> Result<Tensor> {
    reduce(&cast(x, DType::Bool)?, axes, keepdims, Reduction::Any)
}

/// Returns true if all elements are true (`keras.ops.all`).
pub(crate) fn all_impl(x: &Tensor, axes: &Axes, keepdims: bool) -> Result<Tensor> {
    reduce(&cast(x, DType::Bool)?, axes, keepdims, Reduction::All)
}

/// Returns the variance over axes, divided by the number of elements (`keras.ops.var`).
pub(crate) fn var_impl(x: &Tensor, axes: &Axes, keepdims: bool) -> Result<Tensor> {
    let x = to_float(x)?;
    let deviation = subtract(&x, &mean_impl(&x, axes, true)?)?;
    mean_impl(&square(&deviation)?, axes, keepdims)
}

/// Returns mean and variance over axes (`keras.ops.moments`).
pub(crate) fn moments(x: &Tensor, axes: &Axes, keepdims: bool) -> Result<(Tensor, Tensor)> {
    Ok((mean_impl(x, axes, keepdims)?, var_impl(x, axes, keepdims)?))
}

/// Computes log(sum(exp(x))) without overflow (`keras.ops.logsumexp`).
pub(crate) fn logsumexp_impl(x: &Tensor, axes: &Axes, keepdims: bool) -> Result<Tensor> {
    let x = to_float(x)?;
    if not_empty(&x, axes).is_err() {
        // A sum of nothing is 0, whose logarithm is -∞.
        return log(&sum_impl(&exp(&x)?, axes, keepdims)?);
    }
    let max = max_impl(&x, axes, true)?;
    let max = max.detached()?;
    let sum = sum_impl(&exp(&subtract(&x, &max)?)?, axes, true)?;
    let result = super::arithmetic::add(&log(&sum)?, &max)?;
    if keepdims { Ok(result) } else { sum_impl(&result, axes, false) }
}

/// Divides exp(x) by its sum along axes (`keras.ops.softmax`).
pub(crate) fn softmax_impl(x: &Tensor, axes: &Axes) -> Result<Tensor> {
    let x = to_float(x)?;
    if x.shape().num_elements() == Some(0) {
        return Ok(x.unmasked());
    }
    if let [axis] = axes.positions(x.shape())?.as_slice()
        && axis + 1 == x.rank()
        && x.dtype() == DType::Float32
    {
        return program::apply(Softmax, &[&x]);
    }
    let max = max_impl(&x, axes, true)?.detached()?;
    let e = exp(&subtract(&x, &max)?)?;
    divide(&e, &sum_impl(&e, axes, true)?)
}

/// Returns the index of the largest (or smallest) element along an axis, as `int32`.
pub(crate) fn arg_extreme(x: &Tensor, axis: Option<isize>, keepdims: bool, largest: bool) -> Result<Tensor> {
    not_empty(x, &axis.map_or(Axes::all(), Axes::from))?;
    let (x, axis) = match axis {
        Some(axis) => (x.clone(), axis),
        None => (reshape_to(x, &Shape::from([None]))?, 0),
    };
    let x = if x.dtype() == DType::Bool { cast(&x, DType::Int32)? } else { x };
    fold(&x, &Axes::from(axis), keepdims, DType::Int32, |x, axis| program::apply(ArgExtreme { axis, largest }, &[x]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folds_keep_or_drop_axes() {
        let x = Tensor::from_slice(&[1.0f32, 2.0, 3.0, 4.0, 5.0, 6.0], [2, 3]).unwrap();
        assert_eq!(sum_impl(&x, &Axes::all(), false).unwrap().item::<f32>().unwrap(), 21.0);
        assert_eq!(mean_impl(&x, &Axes::from(0), false).unwrap().to_vec::<f32>().unwrap(), [2.5, 3.5, 4.5]);
        assert_eq!(max_impl(&x, &Axes::from(-1), true).unwrap().shape().to_string(), "(2, 1)");
        assert_eq!(arg_extreme(&x, Some(-1), false, true).unwrap().to_vec::<i32>().unwrap(), [2, 2]);
        // np.var([[1,2,3],[4,5,6]], axis=1)
        assert!((var_impl(&x, &Axes::from(1), false).unwrap().to_vec::<f32>().unwrap()[0] - 0.6666667).abs() < 1e-6);
        let soft = softmax_impl(&x, &Axes::from(-1)).unwrap().to_vec::<f32>().unwrap();
        assert!((soft[0] - 0.09003057).abs() < 1e-6);
    }
}
