//! Short-time Fourier transforms (`keras.ops.stft`, `istft`) and framing of sequences.

use super::arithmetic::multiply;
use super::define::{Call, call, classes, two};
use super::dtypes::cast;
use super::fft::{irfft_impl, pair, parts, rfft_impl};
use super::graph::config;
use super::scatter::select_add;
use super::shape::{Span, reshape_to, slice_axis, transpose_to};
use super::take::take_axis;
use crate::config::ConfigField;
use crate::error::{Error, ErrorKind, Result, ResultExt};
use crate::json::Value;
use crate::program;
use crate::tensor::{CallArgs, DType, Shape, Tensor};

classes! { "keras.src.ops.math"
    "ExtractSequences" = |c| frames(&c.x()?, c.required("sequence_length")?, c.required("sequence_stride")?);
    "STFT" = |c| {
        let (x, frame) = (c.x()?, Frames::of(c)?);
        if x.dtype() != DType::Float32 && x.dtype() != DType::Float64 {
            return Err(Error::new(ErrorKind::DType, "Invalid input type").expected("float32 or float64").received(x.dtype().name()));
        }
        let half = frame.fft_length / 2;
        let x = if frame.center { reflected(&x, half)? } else { x };
        let x = frames(&x, frame.fft_length, frame.stride)?;
        let x = match &frame.window {
            Some(window) => multiply(&x, weights(window, x.dtype())?)?,
            None => x,
        };
        rfft_impl(&x, Some(frame.fft_length))
    };
    "ISTFT" = istft_impl;
}

/// The configuration of both directions.
struct Frames {
    fft_length: usize,
    stride: usize,
    center: bool,
    /// The window, zero-padded on both sides to the length of the transform.
    window: Option<Vec<f64>>,
}

impl Frames {
    fn of(c: &Call<'_>) -> Result<Self> {
        let length: usize = c.required("sequence_length")?;
        let stride: usize = c.required("sequence_stride")?;
        let fft_length: usize = c.required("fft_length")?;
        if fft_length < length || stride == 0 {
            return Err(Error::new(
                ErrorKind::InvalidArgument,
                "`fft_length` must equal or larger than `sequence_length`",
            )
            .received(format!("sequence_length={length}, sequence_stride={stride}, fft_length={fft_length}")));
        }
        let window = match c.config.get("window") {
            Some(Value::Null) => None,
            None => Some(raised_cosine(length, 0.5)),
            Some(Value::Str(name)) if name == "hann" => Some(raised_cosine(length, 0.5)),
            Some(Value::Str(name)) if name == "hamming" => Some(raised_cosine(length, 0.54)),
            Some(Value::List(_)) => Some(c.required::<Vec<f64>>("window")?),
            Some(other) => {
                let object = crate::registry::deserialize_by_name::<crate::tensor::TensorValue>(other).at("window")?;
                Some(cast(object.tensor(), DType::Float64)?.to_vec::<f64>()?)
            }
        };
        let before = (fft_length - length) / 2;
        let window = window.map(|window| {
            let mut padded = vec![0.0; before];
            padded.extend(window);
            padded.resize(fft_length, 0.0);
            padded
        });
        Ok(Self { fft_length, stride, center: c.get("center", true)?, window })
    }
}

/// Returns a periodic raised-cosine window (Hann, Hamming), with TensorFlow's period for odd lengths.
fn raised_cosine(length: usize, offset: f64) -> Vec<f64> {
    if length == 1 {
        return vec![1.0];
    }
    let period = if length.is_multiple_of(2) { length } else { length.saturating_sub(1) };
    let angle = |i: usize| 2.0 * std::f64::consts::PI * i as f64 / period as f64;
    (0..length).map(|i| offset - (1.0 - offset) * angle(i).cos()).collect()
}

fn weights(window: &[f64], dtype: DType) -> Result<Tensor> {
    cast(&Tensor::from_slice(window, [window.len()])?, dtype)
}

/// Pads the last axis by reflection on both sides, with the edge not repeated.
fn reflected(x: &Tensor, width: usize) -> Result<Tensor> {
    super::arrange::mirror(x, x.rank() as isize - 1, width, width, false)
}

/// Splits the last axis into frames at distances of `stride`: `(…, frames, length)`.
pub(super) fn frames(x: &Tensor, length: usize, stride: usize) -> Result<Tensor> {
    if length == 0 || stride == 0 {
        return Err(Error::new(ErrorKind::InvalidArgument, "sequences need a length and a stride above 0")
            .received(format!("sequence_length={length}, sequence_stride={stride}")));
    }
    let count = |extent: usize| if extent < length { 0 } else { 1 + (extent - length) / stride };
    let extent = x.shape().get(-1)?;
    let head = x.shape().dims().split_last().map(|(_, head)| head.to_vec()).unwrap_or_default();
    let shape: Shape = head.into_iter().chain([extent.map(count), Some(length)]).collect();
    program::infer_or_compute(&[x], Tensor::symbol(&shape, x.dtype()), || {
        let count = count(extent.unwrap_or_default());
        let places: Vec<i64> = (0..count).flat_map(|i| (0..length).map(move |j| (i * stride + j) as i64)).collect();
        if places.is_empty() {
            return super::create::zeros(&shape, x.dtype());
        }
        take_axis(x, &Tensor::from_vec(places, [count, length])?, -1)
    })
}

/// Adds overlapping frames `(…, frames, length)` to one sequence: the transpose of [`frames`].
fn overlap_add(x: &Tensor, stride: usize) -> Result<Tensor> {
    let dims = x.shape().known()?;
    let [head @ .., count, length] = dims.as_slice() else {
        return Err(Error::new(ErrorKind::Shape, "frames need two axes").received(x.shape().to_string()));
    };
    let rows: usize = head.iter().product();
    let total = if *count == 0 { 0 } else { stride * (count - 1) + length };
    let places = (0..*count).flat_map(|i| (0..*length).map(move |j| (i * stride + j) as i64)).collect();
    let values = transpose_to(&reshape_to(x, &Shape::from([rows, count * length]))?, &[1, 0])?;
    let sums = select_add(&super::create::zeros(&Shape::from([total, rows]), x.dtype())?, places, &values)?;
    reshape_to(&transpose_to(&sums, &[1, 0])?, &head.iter().copied().chain([total]).map(Some).collect())
}

/// Inverts the short-time Fourier transform (`keras.ops.istft`).
fn istft_impl(c: &Call<'_>) -> Result<Tensor> {
    let (x, frame) = (pair(c)?, Frames::of(c)?);
    let wanted = c.maybe::<usize>("length")?;
    let count = x.0.shape().get(-2)?;
    let start = if frame.center { frame.fft_length / 2 } else { 0 };
    let whole = count.map(|count| frame.fft_length + frame.stride * count.saturating_sub(1));
    let end = |whole: usize| match wanted {
        Some(length) => (start + length).min(whole),
        None if frame.center => whole.saturating_sub(frame.fft_length / 2),
        None => whole,
    };
    let extent = whole.map(|whole| end(whole).saturating_sub(start));
    let head = x.0.shape().dims().split_at(x.0.rank().saturating_sub(2)).0.to_vec();
    let inferred = Tensor::symbol(head.into_iter().chain([extent.or(wanted)]).collect::<Shape>(), x.0.dtype());
    program::infer_or_compute(&[&x.0, &x.1], inferred, || {
        let real = irfft_impl(&x, Some(frame.fft_length))?;
        let real = match &frame.window {
            Some(window) => multiply(&real, weights(&inverse_window(window, frame.stride), real.dtype())?)?,
            None => real,
        };
        let y = overlap_add(&real, frame.stride)?;
        let end = end(y.shape().dim(-1)?);
        slice_axis(&y, -1, Span::range(start, end.max(start)))
    })
}

/// Returns the window that inverts a window: divided by the sum of overlapping squares.
fn inverse_window(window: &[f64], stride: usize) -> Vec<f64> {
    let mut sums = vec![0.0; stride];
    for (i, weight) in window.iter().enumerate() {
        if let Some(sum) = sums.get_mut(i % stride) {
            *sum += weight * weight;
        }
    }
    window.iter().enumerate().map(|(i, weight)| weight / sums.get(i % stride).copied().unwrap_or(1.0)).collect()
}

/// Splits the last axis into overlapping frames (`keras.ops.extract_sequences`).
///
/// # Errors
/// If the length or the stride is 0.
pub fn extract_sequences(x: &Tensor, sequence_length: usize, sequence_stride: usize) -> Result<Tensor> {
    let config = config! { sequence_length: sequence_length, sequence_stride: sequence_stride };
    call("ExtractSequences", config, CallArgs::from(x))?.into_single()
}

/// The options of [`stft`] and [`istft`], with Keras's defaults.
#[derive(Clone, Debug)]
pub struct StftOptions {
    /// The number of elements of each frame.
    pub sequence_length: usize,
    /// The distance between frames.
    pub sequence_stride: usize,
    /// The length of each transform, at least that of the frames.
    pub fft_length: usize,
    /// The window: `hann`, `hamming`, or none; `hann` by default.
    pub window: Option<String>,
    /// Whether frames are centered on their positions; true by default.
    pub center: bool,
}

impl StftOptions {
    /// Options with a Hann window and centered frames.
    pub fn new(sequence_length: usize, sequence_stride: usize, fft_length: usize) -> Self {
        Self { sequence_length, sequence_stride, fft_length, window: Some("hann".to_owned()), center: true }
    }
}

/// Computes the short-time Fourier transform of the last axis, real and imaginary part:
/// `(…, frames, fft_length / 2 + 1)` (`keras.ops.stft`).
///
/// # Errors
/// If a frame is longer than its transform, or for dtypes other than `float32` and `float64`.
pub fn stft(x: &Tensor, options: &StftOptions) -> Result<(Tensor, Tensor)> {
    let config = config! {
        sequence_length: options.sequence_length,
        sequence_stride: options.sequence_stride,
        fft_length: options.fft_length,
        window: options.window.to_value()?,
        center: options.center,
    };
    two(call("STFT", config, CallArgs::from(x))?)
}

/// Computes the inverse short-time Fourier transform (`keras.ops.istft`); returns `length` elements, if
/// given.
///
/// # Errors
/// If the parts do not fit together.
pub fn istft(real: &Tensor, imaginary: &Tensor, options: &StftOptions, length: Option<usize>) -> Result<Tensor> {
    let config = config! {
        sequence_length: options.sequence_length,
        sequence_stride: options.sequence_stride,
        fft_length: options.fft_length,
        length: length.to_value()?,
        window: options.window.to_value()?,
        center: options.center,
    };
    call("ISTFT", config, parts(real, imaginary))?.into_single()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequences_are_recovered() {
        let x = Tensor::from_vec((0..32).map(|i| (i as f32 * 0.7).sin()).collect::<Vec<_>>(), [1, 32]).unwrap();
        let options = StftOptions::new(8, 4, 8);
        let (real, imaginary) = stft(&x, &options).unwrap();
        assert_eq!(real.shape().to_string(), "(1, 9, 5)");
        let y = istft(&real, &imaginary, &options, Some(32)).unwrap();
        let (a, b) = (x.to_vec::<f32>().unwrap(), y.to_vec::<f32>().unwrap());
        assert!(a.len() == b.len() && a.iter().zip(&b).all(|(a, b)| (a - b).abs() < 1e-5), "{a:?} {b:?}");
        assert!(stft(&x, &StftOptions::new(8, 4, 4)).is_err());
        let padded = super::super::pad::pad_with(&x, &[(0, 0), (0, 1)], 0.0).unwrap();
        assert_eq!(extract_sequences(&padded, 8, 5).unwrap().shape().to_string(), "(1, 6, 8)");
    }
}
