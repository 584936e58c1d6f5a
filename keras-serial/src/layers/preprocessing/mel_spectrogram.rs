//! Mel spectrograms of audio signals.

use super::Array;
use crate::config::HasBase;
use crate::error::{Error, ErrorKind, Result};
use crate::json::Value;
use crate::layers::{Layer, LayerBase, invalid_argument};
use crate::ops::{self, Axes};
use crate::program;
use crate::tensor::{CallArgs, CallContext, DType, Nested, Shape, Tensor};
use crate::{KerasSerializable, register};

/// Computes the mel spectrogram of a signal: the power spectrum of its frames, summed over bands evenly
/// spaced on the mel scale, in decibels.
///
/// # Arguments
/// - `fft_length`: 2048; the length of the transform; frames of `sequence_length` are padded to it.
/// - `sequence_stride`: 512; the distance between frames.
/// - `sequence_length`: `fft_length`; the length of frames.
/// - `window`: `hann`, `hamming` or none.
/// - `sampling_rate`: 16000.
/// - `num_mel_bins`: 128.
/// - `min_freq`, `max_freq`: 20, and half of the sampling rate.
/// - `power_to_db`: true; whether the result is in decibels relative to `ref_power` (1), with powers below
///   `min_power` (1e-10) raised to it, and values limited to `top_db` (80) below the maximum.
/// - `mag_exp`: 2; the exponent of the magnitude.
///
/// # Shapes
/// `(batch, samples)` or `(samples,)` gives `(batch, num_mel_bins, frames)`.
///
/// Follows <https://keras.io/api/layers/preprocessing_layers/audio_preprocessing/mel_spectrogram>.
///
/// ```
/// use keras_serial::prelude::*;
/// use keras_serial::layers::MelSpectrogram;
/// let x = Tensor::from_slice(&[0.0f32; 64], [1, 64])?;
/// let y = MelSpectrogram::new().fft_length(32).sequence_stride(16).num_mel_bins(4).apply(&x)?;
/// assert_eq!(y.shape().to_string(), "(1, 4, 5)");
/// assert!((y.to_vec::<f32>()?[0] + 100.0).abs() < 1e-4);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.layers")]
#[derive(KerasSerializable, Debug)]
#[keras(new, default, setters, validate = Self::check, get_config = Self::complete)]
pub struct MelSpectrogram {
    base: LayerBase,
    #[keras(default = 2048)]
    fft_length: usize,
    #[keras(default = 512)]
    sequence_stride: usize,
    #[keras(default)]
    sequence_length: Option<usize>,
    #[keras(default = Some("hann".into()))]
    window: Option<String>,
    #[keras(default = Array::from(16000))]
    sampling_rate: Array,
    #[keras(default = 128)]
    num_mel_bins: usize,
    #[keras(default = Array::from(20.0))]
    min_freq: Array,
    #[keras(default)]
    max_freq: Option<Array>,
    #[keras(default = true)]
    power_to_db: bool,
    #[keras(default = Array::from(80.0))]
    top_db: Array,
    #[keras(default = Array::from(2.0))]
    mag_exp: Array,
    #[keras(default = Array::from(1e-10))]
    min_power: Array,
    #[keras(default = Array::from(1.0))]
    ref_power: Array,
}

impl MelSpectrogram {
    fn check(&self) -> Result<()> {
        if self.fft_length == 0 || self.sequence_stride == 0 {
            return Err(invalid_argument(
                "fft_length",
                "positive integers for it and `sequence_stride`",
                self.fft_length,
            ));
        }
        if self.sequence_length.is_some_and(|length| length > self.fft_length) {
            return Err(Error::new(
                ErrorKind::Config,
                "`fft_length` must be greater than or equal to `sequence_length`",
            )
            .received(format!("sequence_length={:?}, fft_length={}", self.sequence_length, self.fft_length)));
        }
        match self.window.as_deref() {
            None | Some("hann" | "hamming") => Ok(()),
            Some(other) => Err(invalid_argument("window", "`hann`, `hamming` or null", other)),
        }
    }

    /// Writes the values that Keras fills in for missing arguments.
    fn complete(&self, config: &mut crate::Config) -> Result<()> {
        config.insert("sequence_length".into(), Value::from(self.frame()));
        if self.max_freq.is_none() {
            config.insert("max_freq".into(), Value::from((self.sampling_rate.number()? / 2.0) as i64));
        }
        Ok(())
    }

    fn frame(&self) -> usize {
        self.sequence_length.filter(|length| *length > 0).unwrap_or(self.fft_length)
    }

    /// Returns the windowed cosines and sines, `(fft_length, fft_length / 2 + 1)` each.
    fn basis(&self, dtype: DType) -> Result<(Tensor, Tensor)> {
        let (length, frame, bins) = (self.fft_length, self.frame(), self.fft_length / 2 + 1);
        let before = (length - frame) / 2;
        let turn = std::f64::consts::TAU;
        let weight = |at: usize| -> f64 {
            let Some(at) = at.checked_sub(before).filter(|at| *at < frame) else {
                return if self.window.is_some() { 0.0 } else { 1.0 };
            };
            // TensorFlow's periodic windows are periodic for even lengths only.
            let period = if frame.is_multiple_of(2) { frame } else { frame - 1 };
            if period == 0 {
                return 1.0;
            }
            let cosine = (turn * at as f64 / period as f64).cos();
            match self.window.as_deref() {
                None => 1.0,
                Some("hamming") => 0.54 - 0.46 * cosine,
                _ => 0.5 - 0.5 * cosine,
            }
        };
        let waves = |wave: fn(f64) -> f64| -> Result<Tensor> {
            let row = |at: usize| {
                let weight = weight(at);
                // The angle is reduced modulo a full turn, for precision.
                (0..bins).map(move |bin| weight * wave(turn * ((at * bin) % length) as f64 / length as f64))
            };
            ops::cast_to(&Tensor::from_vec((0..length).flat_map(row).collect::<Vec<f64>>(), [length, bins])?, dtype)
        };
        Ok((waves(f64::cos)?, waves(f64::sin)?))
    }

    /// Returns the mel filter bank: the weight of each frequency in each band,
    /// `(fft_length / 2 + 1, num_mel_bins)`.
    fn bands(&self, dtype: DType) -> Result<Tensor> {
        let mel = |hertz: f64| 1127.0 * (1.0 + hertz / 700.0).ln();
        let nyquist = self.sampling_rate.number()? / 2.0;
        let low = mel(self.min_freq.number()?);
        let high = mel(match &self.max_freq {
            Some(max) => max.number()?,
            None => nyquist.trunc(),
        });
        let bins = self.fft_length / 2 + 1;
        let edge = |i: usize| low + (high - low) * i as f64 / (self.num_mel_bins + 1) as f64;
        let mut weights = vec![0.0; self.num_mel_bins];
        for bin in 1..bins {
            let at = mel(nyquist * bin as f64 / (bins - 1) as f64);
            weights.extend((0..self.num_mel_bins).map(|band| {
                let (lower, center, upper) = (edge(band), edge(band + 1), edge(band + 2));
                ((at - lower) / (center - lower)).min((upper - at) / (upper - center)).max(0.0)
            }));
        }
        ops::cast_to(&Tensor::from_vec(weights, [bins, self.num_mel_bins])?, dtype)
    }

    /// Splits signals, reflected at their ends, into frames: `(…, frames, fft_length)`.
    fn frames(&self, x: &Tensor) -> Result<Tensor> {
        let (samples, length) = (x.shape().last()?, self.fft_length);
        let edge = length / 2;
        if samples <= edge {
            return Err(Error::new(ErrorKind::Shape, "the signal is too short to be reflected at its ends")
                .expected(format!("more than {edge} samples"))
                .received(samples.to_string()));
        }
        let count = (samples + 2 * edge - length) / self.sequence_stride + 1;
        let reflected = |at: usize| {
            let at = at as i64 - edge as i64;
            let last = samples as i64 - 1;
            if at < 0 {
                -at
            } else if at > last {
                2 * last - at
            } else {
                at
            }
        };
        let start = |frame: usize| frame * self.sequence_stride;
        let indices =
            (0..count).flat_map(|frame| (start(frame)..start(frame) + length).map(reflected)).collect::<Vec<_>>();
        ops::take(x, &Tensor::from_vec(indices, [count, length])?, Some(-1))
    }

    fn decibels(&self, power: &Tensor) -> Result<Tensor> {
        let (least, reference) = (self.min_power.number()?, self.ref_power.number()?.abs());
        let tenth = 10.0 / std::f64::consts::LN_10;
        let level = ops::multiply(&ops::log(&ops::maximum(power, least)?)?, tenth)?;
        let level = ops::subtract(&level, tenth * reference.max(least).ln())?;
        let floor = ops::subtract(&ops::max(&level, Axes::all(), false)?, self.top_db.number()?)?;
        ops::maximum(&level, &floor)
    }
}

impl Layer for MelSpectrogram {
    fn call(&self, inputs: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
        self.check()?;
        let x = inputs.tensor()?;
        let compute = self.base().dtype_policy().compute_dtype()?;
        // Keras infers the number of frames by a formula of its own.
        let frames = |samples: usize| (samples + self.sequence_stride + 1) / self.sequence_stride;
        let (last, rest) = match x.shape().dims().split_last() {
            Some((last, rest)) => (*last, rest),
            None => return Err(Error::new(ErrorKind::Shape, "a signal needs an axis of samples")),
        };
        let inferred: Shape = rest.iter().copied().chain([Some(self.num_mel_bins), last.map(frames)]).collect();
        program::infer_or_compute(&[x], Tensor::symbol(inferred, compute).into(), || {
            let dtype = if compute == DType::Float64 { compute } else { DType::Float32 };
            let frames = self.frames(&ops::cast_to(x, dtype)?)?;
            let (cosines, sines) = self.basis(dtype)?;
            let (real, imaginary) = (ops::matmul(&frames, &cosines)?, ops::matmul(&frames, &sines)?);
            let magnitude = ops::sqrt(&ops::add(ops::square(&real)?, ops::square(&imaginary)?)?)?;
            let power = ops::power(&magnitude, self.mag_exp.number()?)?;
            let mut bands = ops::matmul(&power, &self.bands(dtype)?)?;
            if self.power_to_db {
                bands = self.decibels(&bands)?;
            }
            let rank = bands.rank();
            let order = (0..rank - 2).chain([rank - 1, rank - 2]).collect();
            ops::cast_to(&ops::transpose(&bands, Some(order))?, compute).map(Into::into)
        })
    }
}
