//! Fourier transforms (`keras.ops.fft` and the like) of pairs of real and imaginary parts.

use std::sync::Arc;

use super::arithmetic::{divide, multiply};
use super::define::{Call, call, classes, two};
use super::elementwise::negative;
use super::graph::config;
use super::matrices::transposed;
use super::pad::pad_with;
use super::shape::{Span, concat, expand_at, index_axis, slice_axis};
use crate::config::ConfigField;
use crate::error::{Error, ErrorKind, Result};
use crate::program;
use crate::program::kernels::fft::Plan;
use crate::program::kernels::linear_map::{LinearMap, run};
use crate::tensor::{CallArgs, Item, Nested, Tensor};

classes! { "keras.src.ops.math"
    "FFT" = |c| fourier(&pair(c)?, false);
    "FFT2" = |c| fft2_impl(&pair(c)?);
    "IFFT2" = |c| {
        let (real, imaginary) = pair(c)?;
        let inferred = (Tensor::symbol(real.shape(), real.dtype()), Tensor::symbol(real.shape(), real.dtype()));
        program::infer_or_compute(&[&real, &imaginary], inferred, || {
            let area = real.shape().dim(-2)? * real.shape().dim(-1)?;
            let (real, imaginary) = fft2_impl(&(real.clone(), negative(&imaginary)?))?;
            Ok((divide(&real, area as f64)?, divide(negative(&imaginary)?, area as f64)?))
        })
    };
    "RFFT" = |c| rfft_impl(&c.x()?, c.maybe("fft_length")?);
    "IRFFT" = |c| irfft_impl(&pair(c)?, c.maybe("fft_length")?);
}

/// Returns the real and imaginary parts that an operation takes as its first argument.
pub(super) fn pair(c: &Call<'_>) -> Result<(Tensor, Tensor)> {
    let parts = c.list(0, "x")?;
    let [real, imaginary] = parts.as_slice() else {
        return Err(wrong_pair(&format!("{} tensors", parts.len())));
    };
    if real.shape() != imaginary.shape() || !real.dtype().is_float() || real.dtype() != imaginary.dtype() {
        return Err(wrong_pair(&format!(
            "x[0] of shape {} and {}, x[1] of shape {} and {}",
            real.shape(),
            real.dtype().name(),
            imaginary.shape(),
            imaginary.dtype().name()
        )));
    }
    Ok((real.clone(), imaginary.clone()))
}

fn wrong_pair(received: &str) -> Error {
    Error::new(ErrorKind::InvalidArgument, "Input `x` should be a tuple of two tensors - real and imaginary")
        .expected("two tensors of one shape and floating-point dtype")
        .received(received.to_owned())
}

/// The discrete Fourier transform of rows of complex numbers, stored as pairs.
#[derive(Debug)]
struct Transform {
    plan: Plan,
    inverse: bool,
}

impl Transform {
    fn rows(&self, x: &[f64], inverse: bool) -> Vec<f64> {
        let pair = |pair: &[f64]| Some((*pair.first()?, *pair.last()?));
        let rows = x.chunks(2 * self.plan.len().max(1)).map(|row| row.chunks(2).filter_map(pair).collect());
        rows.flat_map(|row| self.plan.transform(row, inverse)).flat_map(|(re, im)| [re, im]).collect()
    }
}

impl LinearMap for Transform {
    fn forward(&self, x: Vec<f64>) -> Vec<f64> {
        self.rows(&x, self.inverse)
    }

    fn transposed(&self, gradient: Vec<f64>) -> Vec<f64> {
        self.rows(&gradient, !self.inverse)
    }
}

/// Transforms the last axis; the inverse transform is not divided by the extent.
fn fourier(x: &(Tensor, Tensor), inverse: bool) -> Result<(Tensor, Tensor)> {
    let (real, imaginary) = x;
    let inferred = (Tensor::symbol(real.shape(), real.dtype()), Tensor::symbol(real.shape(), real.dtype()));
    program::infer_or_compute(&[real, imaginary], inferred, || {
        let len = real.shape().dim(-1)?;
        let numbers = concat(&[expand_at(real, -1)?, expand_at(imaginary, -1)?], -1)?;
        if numbers.shape().num_elements() == Some(0) {
            return Ok(x.clone());
        }
        let shape = numbers.shape().known()?;
        let result =
            run(&numbers.raw()?, Arc::new(Transform { plan: Plan::new(len), inverse }), &shape).ok_or_else(|| {
                Error::new(ErrorKind::Unsupported, "Fourier transforms are computed on the CPU, in float32 or float64")
                    .received(real.dtype().name())
            })?;
        let numbers = Tensor::from_raw(result, real.dtype());
        Ok((index_axis(&numbers, -1, 0)?, index_axis(&numbers, -1, 1)?))
    })
}

/// Transforms the last two axes.
fn fft2_impl(x: &(Tensor, Tensor)) -> Result<(Tensor, Tensor)> {
    let (real, imaginary) = fourier(x, false)?;
    let (real, imaginary) = fourier(&(transposed(&real)?, transposed(&imaginary)?), false)?;
    Ok((transposed(&real)?, transposed(&imaginary)?))
}

/// Truncates or zero-pads the last axis to `len` entries.
pub(super) fn with_length(x: &Tensor, len: usize) -> Result<Tensor> {
    let extent = x.shape().dim(-1)?;
    if extent >= len {
        return slice_axis(x, -1, Span::range(0, len));
    }
    let mut widths = vec![(0, 0); x.rank().saturating_sub(1)];
    widths.push((0, len - extent));
    pad_with(x, &widths, 0.0)
}

/// Transforms real numbers; returns the half that determines the other (`keras.ops.rfft`).
pub(super) fn rfft_impl(x: &Tensor, fft_length: Option<usize>) -> Result<(Tensor, Tensor)> {
    let length = match fft_length {
        Some(length) => Some(length),
        None => x.shape().get(-1)?,
    };
    let shape = x.shape().with(-1, length.map(|length| length / 2 + 1))?;
    program::infer_or_compute(&[x], (Tensor::symbol(&shape, x.dtype()), Tensor::symbol(&shape, x.dtype())), || {
        let length = length.unwrap_or_default();
        let x = with_length(x, length)?;
        let (real, imaginary) = fourier(&(x.clone(), super::zeros_like(&x)?), false)?;
        let half = |part: &Tensor| slice_axis(part, -1, Span::range(0, length / 2 + 1));
        Ok((half(&real)?, half(&imaginary)?))
    })
}

/// Inverts [`rfft_impl`]: returns real numbers from half of their transform (`keras.ops.irfft`).
pub(super) fn irfft_impl(x: &(Tensor, Tensor), fft_length: Option<usize>) -> Result<Tensor> {
    let (real, imaginary) = x;
    let length = match fft_length {
        Some(length) => Some(length),
        None => real.shape().get(-1)?.map(|extent| 2 * extent.saturating_sub(1)),
    };
    program::infer_or_compute(&[real, imaginary], Tensor::symbol(real.shape().with(-1, length)?, real.dtype()), || {
        let length = length.unwrap_or_default();
        let half = length / 2 + 1;
        // Each entry but the first and the middle one counts twice, for its conjugate.
        let weights: Vec<f64> =
            (0..half).map(|k| if k == 0 || 2 * k == length { 1.0 } else { 2.0 } / length.max(1) as f64).collect();
        let weights = super::dtypes::cast(&Tensor::from_vec(weights, [half])?, real.dtype())?;
        let part = |part: &Tensor| with_length(&multiply(with_length(part, half)?, &weights)?, length);
        Ok(fourier(&(part(real)?, part(imaginary)?), true)?.0)
    })
}

/// Computes the discrete Fourier transform along the last axis, of real and imaginary parts
/// (`keras.ops.fft`).
///
/// ```
/// use keras_serial::prelude::*;
/// let real = Tensor::from_slice(&[1.0f32, 2.0, 3.0, 4.0], [4])?;
/// let (real, imaginary) = ops::fft(&real, &ops::zeros_like(&real)?)?;
/// assert_eq!(real.to_vec::<f32>()?, [10.0, -2.0, -2.0, -2.0]);
/// assert_eq!(imaginary.to_vec::<f32>()?, [0.0, 2.0, 0.0, -2.0]);
/// # Ok::<(), Error>(())
/// ```
///
/// # Errors
/// If the parts differ in shape or dtype, or are not floating-point.
pub fn fft(real: &Tensor, imaginary: &Tensor) -> Result<(Tensor, Tensor)> {
    two(call("FFT", config! {}, parts(real, imaginary))?)
}

/// Computes the Fourier transform along the last two axes (`keras.ops.fft2`).
///
/// # Errors
/// If the parts differ in shape or dtype, or are not floating-point.
pub fn fft2(real: &Tensor, imaginary: &Tensor) -> Result<(Tensor, Tensor)> {
    two(call("FFT2", config! {}, parts(real, imaginary))?)
}

/// Computes the inverse Fourier transform along the last two axes (`keras.ops.ifft2`).
///
/// # Errors
/// If the parts differ in shape or dtype, or are not floating-point.
pub fn ifft2(real: &Tensor, imaginary: &Tensor) -> Result<(Tensor, Tensor)> {
    two(call("IFFT2", config! {}, parts(real, imaginary))?)
}

/// Computes the Fourier transform of real numbers along the last axis (`keras.ops.rfft`).
///
/// # Errors
/// If the dtype is not floating-point.
pub fn rfft(x: &Tensor, fft_length: Option<usize>) -> Result<(Tensor, Tensor)> {
    two(call("RFFT", config! { fft_length: fft_length.to_value()? }, CallArgs::from(x))?)
}

/// Computes the inverse of [`rfft`]: real numbers from their transform along the last axis
/// (`keras.ops.irfft`).
///
/// # Errors
/// If the parts differ in shape or dtype, or are not floating-point.
pub fn irfft(real: &Tensor, imaginary: &Tensor, fft_length: Option<usize>) -> Result<Tensor> {
    call("IRFFT", config! { fft_length: fft_length.to_value()? }, parts(real, imaginary))?.into_single()
}

/// Returns the argument of a transform as a graph records it: a tuple of real and imaginary parts.
pub(super) fn parts(real: &Tensor, imaginary: &Tensor) -> CallArgs {
    let part = |x: &Tensor| Nested::Leaf(Item::Tensor(x.clone()));
    CallArgs::positional(vec![Nested::Tuple(vec![part(real), part(imaginary)])])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transforms_are_undone() {
        let x = Tensor::from_vec((0..12).map(|i| (i as f32).sin()).collect::<Vec<_>>(), [2, 6]).unwrap();
        let (real, imaginary) = rfft(&x, None).unwrap();
        assert_eq!(real.shape().to_string(), "(2, 4)");
        let y = irfft(&real, &imaginary, None).unwrap();
        let (a, b) = (x.to_vec::<f32>().unwrap(), y.to_vec::<f32>().unwrap());
        assert!(a.iter().zip(&b).all(|(a, b)| (a - b).abs() < 1e-6), "{a:?} {b:?}");
        let (real, imaginary) = fft2(&x, &x).unwrap();
        let (real, _) = ifft2(&real, &imaginary).unwrap();
        let b = real.to_vec::<f32>().unwrap();
        assert!(a.iter().zip(&b).all(|(a, b)| (a - b).abs() < 1e-6), "{a:?} {b:?}");
        assert!(fft(&x, &Tensor::symbol([2, 5], x.dtype())).is_err());
    }

    #[test]
    fn gradients_are_transposed_transforms() {
        let x = Tensor::from_slice(&[1.0f32, 2.0, -1.0], [3]).unwrap().watched().unwrap();
        let (real, imaginary) = fft(&x, &super::super::zeros_like(&x).unwrap()).unwrap();
        let energy = super::super::add(super::super::square(&real).unwrap(), super::super::square(&imaginary).unwrap());
        let energy = super::super::sum(&energy.unwrap(), super::super::Axes::all(), false).unwrap();
        // The energy is n · Σx², so its gradient is 2 · n · x.
        let gradient = energy.backward().unwrap().get(&x).unwrap().to_vec::<f32>().unwrap();
        assert!(gradient.iter().zip([6.0, 12.0, -6.0]).all(|(a, b)| (a - b).abs() < 1e-4), "{gradient:?}");
    }
}
