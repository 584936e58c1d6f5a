//! An initializer whose variance follows from the number of inputs and outputs.

use super::Initialize;
use crate::error::{Error, ErrorKind, Result};
use crate::random::{self, Seed};
use crate::tensor::{DType, Shape, Tensor};
use crate::{KerasEnum, KerasSerializable, register};

/// The number by which the variance is divided.
#[derive(KerasEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum FanMode {
    /// The number of inputs.
    FanIn,
    /// The number of outputs.
    FanOut,
    /// The mean of both.
    FanAvg,
}

/// The distribution of the numbers.
#[derive(KerasEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScalingDistribution {
    /// Normal, truncated at two standard deviations.
    #[keras(alias = "normal")]
    TruncatedNormal,
    /// Normal.
    UntruncatedNormal,
    /// Uniform.
    Uniform,
}

/// An initializer with random numbers of variance `scale / n`, where n is the number of inputs
/// (`fan_in`), of outputs, or their mean.
///
/// By default `scale` is 1, `mode` is `fan_in` and `distribution` is a truncated normal one;
/// `input_axes` and `output_axes` are the axes of the weight that count as inputs and outputs.
/// Follows <https://keras.io/api/layers/initializers/#variancescaling-class>.
///
/// ```
/// use keras_serial::initializers::{FanMode, Initialize, ScalingDistribution, VarianceScaling};
/// use keras_serial::tensor::DType;
/// let y = VarianceScaling::new(3.0, FanMode::FanIn, ScalingDistribution::Uniform)
///     .init(&[9, 2].into(), DType::Float32)?
///     .to_vec::<f32>()?;
/// assert!(y.iter().all(|y| y.abs() <= 1.0));
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.initializers", alias("variance_scaling"))]
#[derive(KerasSerializable, Clone, Debug)]
#[keras(validate = Self::check)]
pub struct VarianceScaling {
    #[keras(default)]
    seed: Seed,
    #[keras(default = 1.0)]
    scale: f64,
    #[keras(default = FanMode::FanIn)]
    mode: FanMode,
    #[keras(default = ScalingDistribution::TruncatedNormal)]
    distribution: ScalingDistribution,
    #[keras(default)]
    input_axes: Option<Vec<isize>>,
    #[keras(default)]
    output_axes: Option<Vec<isize>>,
}

impl VarianceScaling {
    /// Creates the initializer with this scale, mode and distribution.
    pub fn new(scale: f64, mode: FanMode, distribution: ScalingDistribution) -> Self {
        Self { seed: Seed::default(), scale, mode, distribution, input_axes: None, output_axes: None }
    }

    fn check(&self) -> Result<()> {
        if self.scale > 0.0 {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Config, "Argument `scale` must be positive float")
            .received(format!("scale={}", self.scale)))
    }
}

impl Initialize for VarianceScaling {
    fn init(&self, shape: &Shape, dtype: DType) -> Result<Tensor> {
        let fans = fans(shape, self.input_axes.as_deref(), self.output_axes.as_deref())?;
        draw(&self.seed, shape, dtype, self.scale, self.mode, self.distribution, fans)
    }

    fn is_lazy(&self, shape: &Shape, dtype: DType) -> Result<bool> {
        fans(shape, self.input_axes.as_deref(), self.output_axes.as_deref())?;
        Ok(shape.is_known() && dtype.is_float())
    }
}

/// Returns the numbers of inputs and outputs of a weight.
pub(super) fn fans(shape: &Shape, input_axes: Option<&[isize]>, output_axes: Option<&[isize]>) -> Result<(f64, f64)> {
    if let (Some(inputs), Some(outputs)) = (input_axes, output_axes) {
        let product =
            |axes: &[isize]| axes.iter().try_fold(1.0, |p, axis| -> Result<f64> { Ok(p * shape.dim(*axis)? as f64) });
        return Ok((product(inputs)?, product(outputs)?));
    }
    Ok(match shape.known()?.as_slice() {
        [] => (1.0, 1.0),
        [n] => (*n as f64, *n as f64),
        [field @ .., inputs, outputs] => {
            let field: f64 = field.iter().map(|n| *n as f64).product();
            (field * *inputs as f64, field * *outputs as f64)
        }
    })
}

pub(super) fn draw(
    seed: &Seed,
    shape: &Shape,
    dtype: DType,
    scale: f64,
    mode: FanMode,
    distribution: ScalingDistribution,
    (fan_in, fan_out): (f64, f64),
) -> Result<Tensor> {
    let n = match mode {
        FanMode::FanIn => fan_in,
        FanMode::FanOut => fan_out,
        FanMode::FanAvg => (fan_in + fan_out) / 2.0,
    };
    let variance = scale / n.max(1.0);
    let rng = &mut seed.generator();
    match distribution {
        // The standard deviation of a normal distribution that is truncated at two standard deviations.
        ScalingDistribution::TruncatedNormal => {
            random::normal(rng, shape, 0.0, variance.sqrt() / 0.879_625_661_034_239_8, true, dtype)
        }
        ScalingDistribution::UntruncatedNormal => random::normal(rng, shape, 0.0, variance.sqrt(), false, dtype),
        ScalingDistribution::Uniform => {
            let limit = (3.0 * variance).sqrt();
            random::uniform(rng, shape, -limit, limit, dtype)
        }
    }
}
