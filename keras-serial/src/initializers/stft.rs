//! An initializer with the kernel of a short-time Fourier transform.

use super::Initialize;
use crate::error::{Error, ErrorKind, Result};
use crate::ops::dtypes::cast;
use crate::tensor::{DType, Shape, Tensor};
use crate::{KerasEnum, KerasSerializable, register};

/// The part of the transform.
#[derive(KerasEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum StftSide {
    /// The real part: cosines.
    Real,
    /// The imaginary part: sines.
    Imag,
}

/// What the windowed kernel is divided by.
#[derive(KerasEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum StftScaling {
    /// √Σw².
    Density,
    /// Σ|w|.
    Spectrum,
}

/// An initializer with the STFT kernel `cos(-2πtf / n) · w(t) / s` (or sin), of shape `(frame, 1, n/2 +
/// 1)`.
///
/// By default `side` is real, `window` is `hann`, `scaling` is density, `periodic` is false. Windows by
/// name: `hann`, `hamming`, `blackman`, `boxcar`; others are an error.
/// Follows <https://keras.io/api/layers/initializers/#stft-class>.
///
/// ```
/// use keras_serial::initializers::{Initialize, Stft};
/// use keras_serial::tensor::DType;
/// // keras.initializers.STFT(window=None)((2, 1, 2)): [[[1, 1]], [[1, -1]]]
/// let y = Stft::new(None).init(&[2, 1, 2].into(), DType::Float32)?.to_vec::<f32>()?;
/// assert!((y[2] - 1.0).abs() < 1e-6 && (y[3] + 1.0).abs() < 1e-6);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.initializers", name = "STFT", alias("stft", "STFTInitializer"))]
#[derive(KerasSerializable, Clone, Debug)]
#[keras(class_name = "STFT")]
pub struct Stft {
    #[keras(default = StftSide::Real)]
    side: StftSide,
    #[keras(default = Some("hann".to_owned()))]
    window: Option<String>,
    #[keras(default)]
    periodic: bool,
    #[keras(default = Some(StftScaling::Density))]
    scaling: Option<StftScaling>,
}

impl Stft {
    /// Creates the initializer with cosines under a window.
    pub fn new(window: Option<&str>) -> Self {
        Self {
            side: StftSide::Real,
            window: window.map(str::to_owned),
            periodic: false,
            scaling: Some(StftScaling::Density),
        }
    }

    fn window(&self, frame: usize) -> Result<Option<Vec<f64>>> {
        let Some(name) = &self.window else { return Ok(None) };
        let terms: &[f64] = match name.as_str() {
            "hann" | "hanning" | "han" => &[0.5, 0.5],
            "hamming" | "hamm" | "ham" => &[0.54, 0.46],
            "blackman" | "black" | "blk" => &[0.42, 0.5, 0.08],
            "boxcar" | "box" | "ones" | "rect" | "rectangular" => &[1.0],
            other => {
                return Err(Error::new(ErrorKind::Unsupported, "this window is not supported")
                    .expected("\"hann\", \"hamming\", \"blackman\" or \"boxcar\"")
                    .received(format!("{other:?}"))
                    .at("window"));
            }
        };
        // scipy.signal.get_window(name, n, fftbins=periodic)
        let length = if self.periodic { frame } else { frame.saturating_sub(1) }.max(1) as f64;
        let at = |t: usize| {
            let angle = std::f64::consts::TAU * t as f64 / length;
            terms.iter().enumerate().map(|(k, a)| if k % 2 == 0 { *a } else { -*a } * (angle * k as f64).cos()).sum()
        };
        Ok(Some((0..frame).map(|t| if frame == 1 { 1.0 } else { at(t) }).collect()))
    }
}

impl Initialize for Stft {
    fn init(&self, shape: &Shape, dtype: DType) -> Result<Tensor> {
        let &[frame, 1, bins] = shape.known()?.as_slice() else {
            return Err(Error::new(ErrorKind::Shape, "wrong shape for STFT")
                .expected("(frame length, 1, bins)")
                .received(shape.to_string()));
        };
        let window = self.window(frame)?;
        let scale = match (&window, self.scaling) {
            (Some(window), Some(StftScaling::Density)) => window.iter().map(|w| w * w).sum::<f64>().sqrt(),
            (Some(window), Some(StftScaling::Spectrum)) => window.iter().map(|w| w.abs()).sum(),
            _ => 1.0,
        };
        let length = (bins.saturating_sub(1) * 2).max(1) as f64;
        let values = (0..frame).flat_map(|t| (0..bins).map(move |f| (t, f)));
        let values: Vec<f32> = values
            .map(|(t, f)| {
                let angle = -std::f64::consts::TAU * t as f64 * f as f64 / length;
                let wave = if self.side == StftSide::Real { angle.cos() } else { angle.sin() };
                let weight = window.as_ref().map_or(1.0, |window| window.get(t).copied().unwrap_or_default() / scale);
                (wave * weight) as f32
            })
            .collect();
        cast(&Tensor::from_vec(values, shape)?, dtype)
    }
}
