//! STFT spectrograms with trainable kernels.

use crate::error::{Error, ErrorKind, Result};
use crate::initializers::{Initializer, Stft};
use crate::json::Value;
use crate::layers::{BuildContext, InputSpec, Layer, LayerBase, Weight, invalid_argument};
use crate::ops::{self, DataFormat, Padding};
use crate::program;
use crate::tensor::{CallArgs, CallContext, DType, Nested, Shape, Tensor};
use crate::{KerasEnum, KerasSerializable, register};

/// The output of a spectrogram layer.
#[derive(KerasEnum, Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum SpectrogramMode {
    /// The log magnitude.
    #[default]
    Log,
    /// The magnitude.
    Magnitude,
    /// The power spectral density, of both sides of the spectrum.
    Psd,
    /// The real part.
    Real,
    /// The imaginary part.
    Imag,
    /// The phase.
    Angle,
    /// The real part, then the imaginary part.
    Stft,
}

/// Computes the short-time Fourier transform (STFT) of signals by two convolutions.
///
/// # Arguments
/// - `mode`: [`SpectrogramMode::Log`].
/// - `frame_length`: 256.
/// - `frame_step`: half of `frame_length`; the distance between frames.
/// - `fft_length`: the next power of two by default.
/// - `window`: `hann`; none is a window of ones.
/// - `periodic`: false; whether the window is periodic rather than symmetric.
/// - `scaling`: `density`, `spectrum` or null.
/// - `padding`: `valid` or `same`.
/// - `expand_dims`: false; whether the channels get an axis of their own.
/// - `data_format`: `channels_last`.
///
/// # Weights
/// `real_kernel` and `imag_kernel`, of shape `(frame_length, 1, fft_length / 2 + 1)`; only those that the
/// mode needs.
///
/// # Shapes
/// `(batch, samples, channels)` gives `(batch, frames, channels · (fft_length / 2 + 1))`.
///
/// Follows <https://keras.io/api/layers/preprocessing_layers/audio_preprocessing/stft_spectrogram>.
///
/// ```
/// use keras_serial::prelude::*;
/// use keras_serial::layers::{SpectrogramMode, StftSpectrogram};
/// let x = Tensor::from_slice(&[1.0f32; 8], [1, 8, 1])?;
/// let y = StftSpectrogram::new().mode(SpectrogramMode::Magnitude).frame_length(4).apply(&x)?;
/// assert_eq!(y.shape().to_string(), "(1, 3, 3)");
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.layers", name = "STFTSpectrogram")]
#[derive(KerasSerializable, Debug)]
#[keras(new, default, setters, class_name = "STFTSpectrogram", validate = Self::check)]
pub struct StftSpectrogram {
    base: LayerBase,
    #[keras(default)]
    mode: SpectrogramMode,
    #[keras(default = 256)]
    frame_length: usize,
    #[keras(default)]
    frame_step: Option<usize>,
    #[keras(default)]
    fft_length: Option<usize>,
    #[keras(default = Value::from("hann"))]
    window: Value,
    #[keras(default)]
    periodic: bool,
    #[keras(default = Value::from("density"))]
    scaling: Value,
    #[keras(default)]
    padding: Padding,
    #[keras(default)]
    data_format: DataFormat,
    #[keras(default)]
    expand_dims: bool,
    #[keras(weight)]
    real_kernel: Weight,
    #[keras(weight)]
    imag_kernel: Weight,
}

impl StftSpectrogram {
    fn check(&self) -> Result<()> {
        if self.frame_length == 0 {
            return Err(invalid_argument("frame_length", "a positive integer", self.frame_length));
        }
        if let Some(step) = self.frame_step.filter(|step| *step > self.frame_length || *step == 0) {
            return Err(invalid_argument("frame_step", "a positive integer not greater than `frame_length`", step));
        }
        if let Some(length) = self.fft_length.filter(|length| *length < self.frame_length) {
            return Err(invalid_argument("fft_length", "an integer not less than `frame_length`", length));
        }
        if self.padding == Padding::Causal {
            return Err(invalid_argument("padding", "`valid` or `same`", "causal"));
        }
        self.initializer("real").map(|_| ())
    }

    fn step(&self) -> usize {
        self.frame_step.unwrap_or(self.frame_length / 2).max(1)
    }

    fn frequencies(&self) -> usize {
        self.fft_length.unwrap_or_else(|| self.frame_length.next_power_of_two()) / 2 + 1
    }

    /// Constructs the initializer from a configuration, which can hold all of its arguments.
    fn initializer(&self, side: &str) -> Result<Initializer> {
        let config = crate::Config::from([
            ("side".to_owned(), Value::from(side)),
            ("window".to_owned(), self.window.clone()),
            ("periodic".to_owned(), Value::Bool(self.periodic)),
            ("scaling".to_owned(), self.scaling.clone()),
        ]);
        Stft::from_config(&config).map(Initializer::new)
    }

    /// Convolves the signals with a kernel: `(batch, channels, frequencies, frames)`.
    fn transformed(&self, x: &Tensor, kernel: &Weight) -> Result<Tensor> {
        let last = self.data_format == DataFormat::ChannelsLast;
        let x = if last { ops::transpose(x, Some(vec![0, 2, 1]))? } else { x.clone() };
        let (batch, channels, samples) = (x.shape().dim(0)?, x.shape().dim(1)?, x.shape().dim(2)?);
        let single = ops::reshape(&x, &[batch * channels, samples, 1].into())?;
        let kernel = ops::cast_to(&kernel.value()?, x.dtype())?;
        let y = ops::conv::conv(&single, &kernel, &[self.step()], self.padding, DataFormat::ChannelsLast, &[1], 1)?;
        let y = ops::transpose(&y, Some(vec![0, 2, 1]))?;
        let (frequencies, frames) = (y.shape().dim(1)?, y.shape().dim(2)?);
        ops::reshape(&y, &[batch, channels, frequencies, frames].into())
    }

    /// Arranges the axes by the data format.
    fn arranged(&self, y: &Tensor) -> Result<Tensor> {
        let dims = y.shape().known()?;
        match (self.data_format, self.expand_dims, dims.as_slice()) {
            (DataFormat::ChannelsLast, true, _) => ops::transpose(y, Some(vec![0, 3, 2, 1])),
            (DataFormat::ChannelsFirst, true, _) => ops::transpose(y, Some(vec![0, 1, 3, 2])),
            (format, false, [batch, channels, frequencies, frames]) => {
                let y = ops::reshape(y, &[*batch, channels * frequencies, *frames].into())?;
                match format {
                    DataFormat::ChannelsLast => ops::transpose(&y, Some(vec![0, 2, 1])),
                    DataFormat::ChannelsFirst => Ok(y),
                }
            }
            _ => Ok(y.clone()),
        }
    }

    fn symbol(&self, x: &Tensor) -> Result<Tensor> {
        let [batch, a, b] = <[Option<usize>; 3]>::try_from(x.shape().dims().to_vec()).unwrap_or_default();
        let (samples, channels) = if self.data_format == DataFormat::ChannelsLast { (a, b) } else { (b, a) };
        let single = Tensor::symbol([batch, samples, Some(1)], x.dtype());
        let kernel = Tensor::symbol([self.frame_length, 1, self.frequencies()], x.dtype());
        let y = ops::conv::conv(&single, &kernel, &[self.step()], self.padding, DataFormat::ChannelsLast, &[1], 1)?;
        let frames = y.shape().get(1)?;
        let parts = if self.mode == SpectrogramMode::Stft { 2 } else { 1 };
        let frequencies = parts * self.frequencies();
        let all = channels.map(|channels| channels * frequencies);
        let shape: Shape = match (self.data_format, self.expand_dims) {
            (DataFormat::ChannelsLast, false) => [batch, frames, all].into(),
            (DataFormat::ChannelsFirst, false) => [batch, all, frames].into(),
            (DataFormat::ChannelsLast, true) => [batch, frames, Some(frequencies), channels].into(),
            (DataFormat::ChannelsFirst, true) => [batch, channels, frames, Some(frequencies)].into(),
        };
        Ok(Tensor::symbol(shape, x.dtype()))
    }
}

/// Returns the phase of `x + iy`, from -π to π (`atan2`).
fn angle(y: &Tensor, x: &Tensor) -> Result<Tensor> {
    use std::f64::consts::{FRAC_PI_2, PI};
    let upright = ops::equal(x, 0)?;
    let half = ops::arctan(&ops::divide(y, &ops::where_(&upright, 1.0, x)?)?)?;
    let turn = ops::where_(&ops::less(y, 0)?, -PI, &ops::multiply(&ops::ones_like(y)?, PI)?)?;
    let whole = ops::where_(&ops::less(x, 0)?, &ops::add(&half, &turn)?, &half)?;
    ops::where_(&upright, &ops::multiply(&ops::sign(y)?, FRAC_PI_2)?, &whole)
}

impl Layer for StftSpectrogram {
    fn build(&self, _: &Shape, cx: &mut BuildContext<'_>) -> Result<()> {
        self.check()?;
        let shape = [self.frame_length, 1, self.frequencies()];
        if self.mode != SpectrogramMode::Imag {
            self.real_kernel.make(cx, shape).initializer(&self.initializer("real")?).create()?;
        }
        if self.mode != SpectrogramMode::Real {
            self.imag_kernel.make(cx, shape).initializer(&self.initializer("imag")?).create()?;
        }
        Ok(())
    }

    fn call(&self, inputs: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
        const EPSILON: f64 = 1e-7;
        let x = inputs.tensor()?;
        if !matches!(x.dtype(), DType::Float16 | DType::Float32 | DType::Float64) {
            return Err(Error::new(ErrorKind::DType, "Invalid input type")
                .expected("`float16`, `float32` or `float64`")
                .received(x.dtype().name()));
        }
        program::infer_or_compute(&[x], self.symbol(x)?.into(), || {
            let real = || self.transformed(x, &self.real_kernel);
            let imaginary = || self.transformed(x, &self.imag_kernel);
            let power = || ops::add(ops::square(&real()?)?, ops::square(&imaginary()?)?);
            let magnitude = || ops::sqrt(&ops::maximum(&power()?, EPSILON)?);
            let y = match self.mode {
                SpectrogramMode::Real => real()?,
                SpectrogramMode::Imag => imaginary()?,
                SpectrogramMode::Angle => angle(&imaginary()?, &real()?)?,
                SpectrogramMode::Stft => ops::concatenate(&[real()?, imaginary()?], 2)?,
                SpectrogramMode::Psd => {
                    // Every frequency but the first and the last counts twice, for both sides.
                    let power = power()?;
                    let count = power.shape().dim(2)?;
                    let twice: Vec<f32> =
                        (0..count).map(|i| if i == 0 || i + 1 == count { 1.0 } else { 2.0 }).collect();
                    ops::multiply(&power, ops::cast_to(&Tensor::from_vec(twice, [count, 1])?, power.dtype())?)?
                }
                SpectrogramMode::Magnitude => magnitude()?,
                SpectrogramMode::Log => ops::log(&ops::maximum(&magnitude()?, EPSILON)?)?,
            };
            self.arranged(&y).map(Into::into)
        })
    }

    fn input_spec(&self) -> Option<InputSpec> {
        Some(InputSpec::ndim(3))
    }
}
