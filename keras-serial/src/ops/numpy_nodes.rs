//! Operations of `keras.ops.numpy` composed of others: closeness, correlation, flips, bits.

use super::arithmetic::{
    add, divide, equal, less_equal, logical_and, logical_or, maximum, minimum, multiply, subtract,
};
use super::arrange::swapaxes_impl;
use super::axes::Axes;
use super::define::{Call, call, classes};
use super::dtypes::{cast, promote, result_type, to_float};
use super::elementwise::{abs, floor, is_finite, is_nan, sqrt, square};
use super::graph::config;
use super::linalg::matmul_impl;
use super::matrices::{followed, transposed};
use super::pad::pad_with;
use super::reduce::{all_impl, mean_impl, sum_impl};
use super::shape::{Span, expand_at, flip_axes, reshape_to, slice_axis, where_impl};
use crate::error::{Error, ErrorKind, Result};
use crate::program;
use crate::tensor::{CallArgs, DType, Shape, Tensor, TensorBytes};

classes! { "keras.src.ops.numpy"
    "Abs" = |c| abs(&c.x()?);
    "Conj" = |c| c.x();
    "Isclose" = |c| {
        let number = |position, name, default: f64| c.value(position, name).and_then(|value| value.as_f64()).unwrap_or(default);
        close(c, number(2, "rtol", 1e-5), number(3, "atol", 1e-8))
    };
    "AllClose" = |c| {
        let (x, y) = promote(c.operand(0, "x1")?, c.operand(1, "x2")?)?;
        let near = close(c, c.get("rtol", 1e-5)?, c.get("atol", 1e-8)?)?;
        let finite = logical_and(is_finite(&x)?, is_finite(&y)?)?;
        let both_nan = if c.get("equal_nan", false)? { logical_and(is_nan(&x)?, is_nan(&y)?)? } else { equal(&x, &y)? };
        let holds = logical_or(logical_or(logical_and(finite, near)?, equal(&x, &y)?)?, both_nan)?;
        all_impl(&holds, &Axes::all(), false)
    };
    "Corrcoef" = |c| {
        let x = to_float(&c.x()?)?;
        let rows = if x.rank() < 2 { Shape::scalar() } else { x.shape().with(-1, x.shape().get(-2)?)? };
        program::infer_or_compute(&[&x], Tensor::symbol(rows, x.dtype()), || {
            if x.rank() == 0 {
                return Tensor::scalar(f32::NAN);
            }
            let single = x.rank() == 1;
            if x.rank() > 2 {
                return Err(Error::new(ErrorKind::Shape, "`corrcoef` takes a vector or a matrix").received(format!("shape {}", x.shape())));
            }
            let x = if single { expand_at(&x, 0)? } else { x.clone() };
            let centered = subtract(&x, mean_impl(&x, &Axes::from(-1), true)?)?;
            let samples = x.shape().dim(-1)? as f64;
            let covariance = divide(matmul_impl(&centered, &transposed(&centered)?)?, samples - 1.0)?;
            let deviation = sqrt(&super::arrange::diagonal(&covariance, 0, -2, -1)?)?;
            let outer = multiply(expand_at(&deviation, 1)?, expand_at(&deviation, 0)?)?;
            let y = minimum(maximum(divide(&covariance, &outer)?, -1.0)?, 1.0)?;
            if single { reshape_to(&y, &Shape::scalar()) } else { Ok(y) }
        })
    };
    "Correlate" = |c| {
        let (x, y) = promote(c.tensor(0, "x1")?.into(), c.tensor(1, "x2")?.into())?;
        let dtype = match x.dtype() {
            DType::Int64 => DType::Float64,
            dtype @ (DType::BFloat16 | DType::Float16 | DType::Float64) => dtype,
            _ => DType::Float32,
        };
        let (x, y) = (cast(&x, dtype)?, cast(&y, dtype)?);
        if x.rank() != 1 || y.rank() != 1 {
            return Err(Error::new(ErrorKind::Shape, "`correlate` takes two vectors").received(format!("shapes {} and {}", x.shape(), y.shape())));
        }
        let (n, m) = (x.shape().dim(0)?, y.shape().dim(0)?);
        let mode = c.get("mode", "valid".to_owned())?;
        let whole = (n + m).saturating_sub(1);
        let (start, count) = match mode.as_str() {
            "full" => (0, whole),
            "same" => ((whole - n.max(m)) / 2, n.max(m)),
            "valid" if n >= m => (m.saturating_sub(1), n - m + 1),
            "valid" => return Err(Error::new(ErrorKind::Shape, "the second vector is longer than the first").received(format!("{n} and {m}"))),
            _ => return Err(Error::new(ErrorKind::InvalidArgument, "Invalid mode").expected("full, same or valid").received(mode)),
        };
        program::infer_or_compute(&[&x, &y], Tensor::symbol([count], dtype), || {
            let padded = pad_with(&x, &[(m.saturating_sub(1), m.saturating_sub(1))], 0.0)?;
            let windows = super::stft::frames(&padded, m, 1)?;
            slice_axis(&sum_impl(&multiply(&windows, &y)?, &Axes::from(-1), false)?, 0, Span::range(start, start + count))
        })
    };
    "Diagflat" = |c| {
        let x = c.x()?;
        let k: isize = c.get("k", 0)?;
        let Some(count) = x.shape().num_elements() else {
            return Ok(Tensor::symbol([None, None], x.dtype()));
        };
        let side = count + k.unsigned_abs();
        program::infer_or_compute(&[&x], Tensor::symbol([side, side], x.dtype()), || {
            super::arrange::diagonal_matrix(&reshape_to(&x, &Shape::from([count]))?, k)
        })
    };
    "Fliplr" = |c| flip_at(&c.x()?, 1);
    "Flipud" = |c| flip_at(&c.x()?, 0);
    "I0" = |c| {
        let x = c.x()?;
        let dtype = match x.dtype() {
            DType::Int64 | DType::Float64 => DType::Float64,
            dtype @ (DType::BFloat16 | DType::Float16) => dtype,
            _ => DType::Float32,
        };
        let x = cast(&x, dtype)?;
        program::infer_or_compute(&[&x], x.clone(), || {
            let values = cast(&x.detached()?, DType::Float64)?.to_vec::<f64>()?;
            let bessel = |order: u32| {
                let values: Vec<f64> = values.iter().map(|x| modified_bessel(*x, order)).collect();
                cast(&Tensor::from_vec(values, x.shape())?, dtype)
            };
            followed(bessel(0)?, &x, |change| multiply(&bessel(1)?, change))
        })
    };
    "Nextafter" = |c| {
        let (x, y) = promote(c.operand(0, "x1")?, c.operand(1, "x2")?)?;
        let dtype = if x.dtype().is_float() { x.dtype() } else { DType::Float32 };
        let shape = x.shape().broadcast(y.shape())?;
        program::infer_or_compute(&[&x, &y], Tensor::symbol(&shape, dtype), || {
            // As in Keras, the step is one of double precision for any dtype.
            let numbers = |x: &Tensor| cast(&super::shape::broadcast_to(&x.detached()?, &shape)?, DType::Float64)?.to_vec::<f64>();
            let next = numbers(&x)?.into_iter().zip(numbers(&y)?).map(|(x, y)| match (x.partial_cmp(&y), x.is_nan()) {
                (Some(std::cmp::Ordering::Less), _) => x.next_up(),
                (Some(std::cmp::Ordering::Greater), _) => x.next_down(),
                (_, true) => x,
                _ => y,
            });
            cast(&Tensor::from_vec(next.collect(), &shape)?, dtype)
        })
    };
    "View" = view;
}

classes! { "keras.src.ops.math"
    "CDist" = |c| {
        let (x, y) = promote(c.operand(0, "x")?, c.operand(1, "y")?)?;
        let (x, y) = (to_float(&x)?, to_float(&y)?);
        if x.rank() < 2 || y.rank() < 2 {
            return Err(Error::new(ErrorKind::Shape, "`cdist` inputs must have rank >= 2").received(format!("shapes {} and {}", x.shape(), y.shape())));
        }
        let apart = subtract(expand_at(&x, -2)?, expand_at(&y, -3)?)?;
        sqrt(&sum_impl(&square(&apart)?, &Axes::from(-1), false)?)
    };
}

classes! { "keras.src.activations.activations"
    "ReLU" = |c| {
        let x = c.x()?;
        let threshold: f64 = c.get("threshold", 0.0)?;
        let slope: f64 = c.get("negative_slope", 0.0)?;
        let above = super::greater(&x, threshold)?;
        let high = match c.maybe::<f64>("max_value")? {
            Some(most) => minimum(&x, most)?,
            None => x.clone(),
        };
        let below = if slope == 0.0 { multiply(&x, 0.0)? } else { multiply(subtract(&x, threshold)?, slope)? };
        cast(&where_impl(&above, &high, &below)?, x.dtype())
    };
    "Mish" = |c| {
        let x = c.x()?;
        multiply(&x, super::tanh(&super::softplus(&x)?)?)
    };
}

classes! { "keras.src.quantizers.quantizers"
    "FakeQuantWithMinMaxVars" = fake_quantized;
}

fn close(c: &Call<'_>, rtol: f64, atol: f64) -> Result<Tensor> {
    let (x, y) = promote(c.operand(0, "x1")?, c.operand(1, "x2")?)?;
    if !x.dtype().is_float() {
        return equal(&x, &y);
    }
    let near = less_equal(abs(&subtract(&x, &y)?)?, add(multiply(abs(&y)?, rtol)?, atol)?)?;
    if c.get("equal_nan", false)? { logical_or(near, logical_and(is_nan(&x)?, is_nan(&y)?)?) } else { Ok(near) }
}

fn flip_at(x: &Tensor, axis: usize) -> Result<Tensor> {
    if x.rank() <= axis {
        return Err(Error::new(ErrorKind::Shape, "too few axes to flip")
            .expected(format!("{} or more", axis + 1))
            .received(format!("shape {}", x.shape())));
    }
    flip_axes(x, &[axis])
}

/// Computes the modified Bessel function of the first kind, of order 0 or 1, by its series.
fn modified_bessel(x: f64, order: u32) -> f64 {
    let quarter = x * x / 4.0;
    let mut term = if order == 0 { 1.0 } else { x / 2.0 };
    let mut sum = term;
    for k in 1..2000u32 {
        term *= quarter / (f64::from(k) * f64::from(k + order));
        sum += term;
        if term.abs() <= sum.abs() * 1e-17 || !sum.is_finite() {
            break;
        }
    }
    sum
}

/// Reinterprets the bytes of the elements as another dtype (`keras.ops.view`).
fn view(c: &Call<'_>) -> Result<Tensor> {
    let x = c.x()?;
    let dtype = c.dtype()?.unwrap_or(x.dtype());
    let (old, new) = (x.dtype().size(), dtype.size());
    let shape = if old == new {
        x.shape().clone()
    } else {
        let last = x.shape().get(-1)?;
        if last.is_some_and(|last| !(last * old).is_multiple_of(new)) {
            return Err(Error::new(
                ErrorKind::Shape,
                "the number of bytes of the last axis is not divisible by the new item's size",
            )
            .received(format!("shape {} of {} as {}", x.shape(), x.dtype().name(), dtype.name())));
        }
        x.shape().with(-1, last.map(|last| last * old / new))?
    };
    program::infer_or_compute(&[&x], Tensor::symbol(&shape, dtype), || {
        let bytes = x.detached()?.to_bytes()?;
        Tensor::from_bytes(&TensorBytes { dtype, shape: shape.known()?, data: bytes.data })
    })
}

/// Computes fake quantization: quantizes and dequantizes, with straight-through gradients.
fn fake_quantized(c: &Call<'_>) -> Result<Tensor> {
    let input = c.tensor(0, "inputs")?;
    let (low, high) = (c.tensor(1, "min_vals")?, c.tensor(2, "max_vals")?);
    let bits: i32 = c.get("num_bits", 8)?;
    program::infer_or_compute(&[&input, &low, &high], Tensor::symbol(input.shape(), input.dtype()), || {
        let axis = c.maybe::<isize>("axis")?;
        let x = cast(&input, DType::Float32)?;
        let x = match axis {
            Some(axis) => swapaxes_impl(&x, axis, -1)?,
            None => x,
        };
        let bound = |bound: &Tensor| -> Result<Tensor> {
            let bound = cast(bound, DType::Float32)?;
            if axis.is_none() { reshape_to(&bound, &Shape::scalar()) } else { Ok(bound) }
        };
        let (low, high) = (bound(&low)?, bound(&high)?);
        let first = if c.get("narrow_range", false)? { 1.0 } else { 0.0 };
        let last = 2f64.powi(bits) - 1.0;
        let (plain_low, plain_high) = (low.detached()?, high.detached()?);
        let scale = divide(subtract(&plain_high, &plain_low)?, last - first)?;
        // The zero point is rounded to an integer (nudged).
        let zero = subtract(first, divide(&plain_low, &scale)?)?;
        let zero = minimum(maximum(floor(&add(&zero, 0.5)?)?, first)?, last)?;
        let nudged_low = multiply(subtract(first, &zero)?, &scale)?;
        let nudged_high = multiply(subtract(last, &zero)?, &scale)?;
        let plain = x.detached()?;
        let clamped = minimum(maximum(&plain, &nudged_low)?, &nudged_high)?;
        let steps = floor(&add(divide(subtract(&clamped, &nudged_low)?, &scale)?, 0.5)?)?;
        let mut y = add(multiply(&steps, &scale)?, &nudged_low)?;
        let (below, above) = (super::less(&plain, &nudged_low)?, super::greater(&plain, &nudged_high)?);
        let inside = super::logical_not(&logical_or(&below, &above)?)?;
        for (source, mask) in [(&x, inside), (&low, below), (&high, above)] {
            let mask = cast(&mask, DType::Float32)?;
            y = followed(y, source, |change| multiply(change, &mask))?;
        }
        let y = match axis {
            Some(axis) => swapaxes_impl(&y, axis, -1)?,
            None => y,
        };
        cast(&y, result_type(input.dtype(), input.dtype()))
    })
}

/// Returns true where elements are equal within a relative and an absolute tolerance (`keras.ops.isclose`).
///
/// # Errors
/// If the shapes do not broadcast.
pub fn isclose(x1: &Tensor, x2: &Tensor, rtol: f64, atol: f64) -> Result<Tensor> {
    let args = CallArgs::from(x1).and(x2.clone()).with_value("rtol", rtol).with_value("atol", atol);
    call("Isclose", config! { equal_nan: false }, args)?.into_single()
}

/// Returns true if all elements are equal within a relative and an absolute tolerance (`keras.ops.allclose`).
///
/// # Errors
/// If the shapes do not broadcast.
pub fn allclose(x1: &Tensor, x2: &Tensor, rtol: f64, atol: f64) -> Result<Tensor> {
    let config = config! { rtol: rtol, atol: atol, equal_nan: false };
    call("AllClose", config, CallArgs::from(x1).and(x2.clone()))?.into_single()
}

/// Returns the correlation matrix of the rows of a matrix (`keras.ops.corrcoef`).
///
/// # Errors
/// For more than two axes.
pub fn corrcoef(x: &Tensor) -> Result<Tensor> {
    call("Corrcoef", config! {}, CallArgs::from(x))?.into_single()
}

/// Returns the distances between the rows of two matrices (`keras.ops.cdist`).
///
/// # Errors
/// If the rows have different lengths.
pub fn cdist(x: &Tensor, y: &Tensor) -> Result<Tensor> {
    call("CDist", config! {}, CallArgs::from(x).and(y.clone()))?.into_single()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bessel_functions_agree_with_scipy() {
        // scipy.special.i0(1.5), i1(1.5), i0(20)
        assert!((modified_bessel(1.5, 0) - 1.646_723_189_772_891).abs() < 1e-14);
        assert!((modified_bessel(1.5, 1) - 0.981_666_428_577_905).abs() < 1e-14);
        assert!((modified_bessel(20.0, 0) / 43_558_282.559_553_53 - 1.0).abs() < 1e-13);
    }

    #[test]
    fn bits_are_seen_as_other_numbers() {
        let x = Tensor::from_slice(&[1.0f32, 2.0], [2]).unwrap();
        let view =
            |dtype: &str| call("View", config! { dtype: dtype }, CallArgs::from(&x)).unwrap().into_single().unwrap();
        assert_eq!(view("int32").to_vec::<i32>().unwrap(), [0x3f80_0000, 0x4000_0000]);
        assert_eq!(view("uint8").shape().to_string(), "(8,)");
    }

    #[test]
    fn closeness_has_two_tolerances() {
        let x = Tensor::from_slice(&[1.0f32, 100.0, f32::INFINITY], [3]).unwrap();
        let y = Tensor::from_slice(&[1.01f32, 100.01, f32::INFINITY], [3]).unwrap();
        assert_eq!(isclose(&x, &y, 1e-3, 0.0).unwrap().to_vec::<bool>().unwrap()[..2], [false, true]);
        assert!(allclose(&x, &x, 1e-5, 1e-8).unwrap().item::<bool>().unwrap());
    }
}
