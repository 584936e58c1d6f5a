//! Evenly spaced numbers, linearly and as powers (`keras.ops.linspace` and the like).

use super::arithmetic::{add, divide, multiply, power, subtract};
use super::create::{arange, full};
use super::define::{Call, call, classes};
use super::dtypes::{cast, promote, result_type, to_float};
use super::elementwise::{abs, floor, log, sign};
use super::graph::config;
use super::operand::Operand;
use super::shape::{Span, broadcast_to, concat, expand_at, slice_axis};
use crate::error::{Error, ErrorKind, Result};
use crate::json::Value;
use crate::program;
use crate::tensor::{CallArgs, DType, Nested, Shape, Tensor};

classes! { "keras.src.ops.numpy"
    "Linspace" = |c| {
        let (result, step) = linspace_impl(c, &c.operand(0, "start")?, &c.operand(1, "stop")?)?;
        Ok(if c.get("retstep", false)? { Nested::list([result, step]) } else { Nested::Leaf(result) })
    };
    "Logspace" = |c| {
        let (powers, _) = linspace_impl(c, &c.operand(0, "start")?, &c.operand(1, "stop")?)?;
        power(c.get("base", 10.0)?, &powers)
    };
    "Geomspace" = |c| {
        let (start, stop) = promote(c.operand(0, "start")?, c.operand(1, "stop")?)?;
        let dtype = c.dtype()?.unwrap_or(DType::Float32);
        let logarithm = |x: &Tensor| divide(log(&cast(&abs(x)?, dtype)?)?, std::f64::consts::LN_10);
        let (powers, _) = linspace_impl(c, &logarithm(&start)?.into(), &logarithm(&stop)?.into())?;
        multiply(power(10.0, &powers)?, cast(&sign(&cast(&start, dtype)?)?, powers.dtype())?)
    };
    "Arange" = |c| {
        let bound = |position, name| -> Result<Option<(f64, DType)>> {
            let Some(x) = c.optional(position, name)? else { return Ok(None) };
            let value = program::unless_symbolic(&[&x], || cast(&x, DType::Float64)?.item::<f64>())?;
            let value = value.ok_or_else(|| Error::new(ErrorKind::Unsupported, "`arange` needs known bounds"))?;
            Ok(Some((value, x.dtype())))
        };
        let (first, second, step) = (bound(0, "start")?, bound(1, "stop")?, bound(2, "step")?);
        let dtypes = [first, second, step].into_iter().flatten().map(|(_, dtype)| dtype);
        let dtype = c.dtype()?.or(dtypes.reduce(result_type)).unwrap_or(DType::Int32);
        let (start, stop) = match (first, second) {
            (Some((start, _)), Some((stop, _))) => (start, stop),
            (stop, _) => (0.0, stop.map_or(0.0, |(stop, _)| stop)),
        };
        let step = step.map_or(1.0, |(step, _)| step);
        let count = ((stop - start) / step).ceil();
        if !(0.0..1e9).contains(&count.max(0.0)) {
            return Err(Error::new(ErrorKind::InvalidArgument, "`arange` with these bounds has no end").received(format!("start={start}, stop={stop}, step={step}")));
        }
        let numbers: Vec<f64> = (0..count.max(0.0) as usize).map(|i| start + i as f64 * step).collect();
        cast(&Tensor::from_slice(&numbers, [numbers.len()])?, dtype)
    };
    "Full" = |c| {
        let shape: Shape = c.required("shape")?;
        let value = cast(&c.tensor(0, "fill_value")?, c.dtype()?.unwrap_or(DType::Float32))?;
        broadcast_to(&value, &shape)
    };
    "EmptyLike" = |c| {
        let x = c.x()?;
        full(x.shape(), 0.0, c.dtype()?.unwrap_or(x.dtype()))
    };
    "Array" = |c| {
        let x = c.x()?;
        cast(&x, c.dtype()?.unwrap_or(x.dtype()))
    };
    "Vander" = |c| {
        let x = c.x()?;
        if x.rank() != 1 {
            return Err(Error::new(ErrorKind::Shape, "`vander` takes a vector").received(format!("shape {}", x.shape())));
        }
        let count = match c.maybe::<usize>("N")? {
            Some(count) => Some(count),
            None => x.shape().get(0)?,
        };
        program::infer_or_compute(&[&x], Tensor::symbol([x.shape().get(0)?, count], x.dtype()), || {
            let count = count.unwrap_or_default();
            let wide = cast(&x, result_type(x.dtype(), DType::Float32))?;
            let exponents = arange(count, DType::Int32)?;
            let exponents = if c.get("increasing", false)? { exponents } else { subtract(count as i64 - 1, &exponents)? };
            cast(&power(expand_at(&wide, -1)?, cast(&exponents, wide.dtype())?)?, x.dtype())
        })
    };
}

/// Returns evenly spaced numbers from start to stop along a new axis, and the step between them.
fn linspace_impl(c: &Call<'_>, start: &Operand, stop: &Operand) -> Result<(Tensor, Tensor)> {
    let num: usize = c.get("num", 50)?;
    let endpoint = c.get("endpoint", true)?;
    let axis: isize = c.get("axis", 0)?;
    let (start, stop) = promote(start.clone(), stop.clone())?;
    let dtype = c.dtype()?.unwrap_or(if start.dtype().is_float() { start.dtype() } else { DType::Float32 });
    let (start, stop) = (to_float(&cast(&start, dtype)?)?, to_float(&cast(&stop, dtype)?)?);
    let shape = start.shape().broadcast(stop.shape())?;
    let (start, stop) = (broadcast_to(&start, &shape)?, broadcast_to(&stop, &shape)?);
    let gaps = if endpoint { num.saturating_sub(1) } else { num };
    let width = subtract(&stop, &start)?;
    let step = divide(&width, if gaps == 0 { f64::NAN } else { gaps as f64 })?;
    let parts = (0..num).map(|i| {
        let part = if endpoint && i > 0 && i + 1 == num {
            stop.clone()
        } else {
            add(&start, multiply(&width, i as f64 / gaps.max(1) as f64)?)?
        };
        expand_at(&part, axis)
    });
    let parts = parts.collect::<Result<Vec<_>>>()?;
    let result = if parts.is_empty() {
        slice_axis(&expand_at(&start, axis)?, axis, Span::range(0, 0))?
    } else {
        concat(&parts, axis)?
    };
    let result = if dtype.is_int() { floor(&result)? } else { result };
    Ok((cast(&result, dtype)?, step))
}

/// Returns `num` evenly spaced numbers from start to stop, along a new axis (`keras.ops.linspace`).
///
/// ```
/// use keras_serial::prelude::*;
/// let x = ops::linspace(0.0, 1.0, 5, true, 0)?;
/// assert_eq!(x.to_vec::<f32>()?, [0.0, 0.25, 0.5, 0.75, 1.0]);
/// # Ok::<(), Error>(())
/// ```
///
/// # Errors
/// If start and stop do not broadcast.
pub fn linspace(
    start: impl Into<Operand>,
    stop: impl Into<Operand>,
    num: usize,
    endpoint: bool,
    axis: isize,
) -> Result<Tensor> {
    let config = config! { num: num, endpoint: endpoint, retstep: false, dtype: Value::Null, axis: axis };
    call("Linspace", config, bounds(start, stop))?.into_single()
}

/// Returns `num` powers of a base with evenly spaced exponents (`keras.ops.logspace`).
///
/// # Errors
/// If start and stop do not broadcast.
pub fn logspace(
    start: impl Into<Operand>,
    stop: impl Into<Operand>,
    num: usize,
    base: f64,
    axis: isize,
) -> Result<Tensor> {
    let config = config! { num: num, endpoint: true, base: base, dtype: Value::Null, axis: axis };
    call("Logspace", config, bounds(start, stop))?.into_single()
}

fn bounds(start: impl Into<Operand>, stop: impl Into<Operand>) -> CallArgs {
    CallArgs::positional(vec![start.into().into_item(), stop.into().into_item()])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_evenly_spaced() {
        let start = Tensor::from_slice(&[0.0f32, 10.0], [2]).unwrap();
        // np.linspace([0, 10], 20, 3, endpoint=False, axis=-1)
        let x = linspace(&start, 20.0, 2, false, -1).unwrap();
        assert_eq!(x.to_vec::<f32>().unwrap(), [0.0, 10.0, 10.0, 15.0]);
        assert_eq!(logspace(0.0, 2.0, 3, 10.0, 0).unwrap().to_vec::<f32>().unwrap(), [1.0, 10.0, 100.0]);
        let symbol = Tensor::symbol([None, Some(3)], DType::Float32);
        assert_eq!(linspace(&symbol, 1.0, 4, true, 1).unwrap().shape().to_string(), "(None, 4, 3)");
    }
}
