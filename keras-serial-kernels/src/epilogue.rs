//! The epilogue of a product or convolution: bias, residual add and activation, fused into its end.

use super::error::{Result, check_length};
use super::simd::{Simd, math};

/// An activation function that is applied to each element.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub enum Activation {
    /// x.
    #[default]
    Linear,
    /// max(x, 0).
    Relu,
    /// x between two bounds; `Clip { low: 0.0, high: 6.0 }` is ReLU6.
    Clip {
        /// The lower bound.
        low: f32,
        /// The upper bound.
        high: f32,
    },
    /// x, or `slope · x` for negative x.
    LeakyRelu {
        /// The factor of negative numbers.
        slope: f32,
    },
    /// x, or `alpha · (e^x - 1)` for negative x.
    Elu {
        /// The factor of negative numbers.
        alpha: f32,
    },
    /// The scaled ELU.
    Selu,
    /// x · sigmoid(x), also named swish.
    Silu,
    /// x · Φ(x) with the error function.
    Gelu,
    /// GELU by its approximation with tanh.
    GeluTanh,
    /// 1 / (1 + e^-x).
    Sigmoid,
    /// The hyperbolic tangent.
    Tanh,
    /// e^x.
    Exp,
    /// The error function.
    Erf,
    /// ReLU6(x + 3) / 6.
    HardSigmoid,
    /// x · ReLU6(x + 3) / 6, also named hard swish.
    HardSilu,
    /// x / (1 + |x|).
    Softsign,
}

/// The scale of SELU.
const SELU_SCALE: f32 = 1.050_701;

/// The alpha of SELU.
const SELU_ALPHA: f32 = 1.673_263_2;

impl Activation {
    /// The bounds of an activation that is nothing but a clip; it then stays in registers.
    pub(crate) fn bounds(self) -> Option<(f32, f32)> {
        match self {
            Self::Linear => Some((f32::NEG_INFINITY, f32::INFINITY)),
            Self::Relu => Some((0.0, f32::INFINITY)),
            Self::Clip { low, high } => Some((low, high)),
            _ => None,
        }
    }

    /// Applies the activation to a vector.
    #[inline(always)]
    pub(crate) fn of<S: Simd>(self, s: S, x: S::V) -> S::V {
        let zero = s.zero();
        match self {
            Self::Linear => x,
            Self::Relu => s.max(zero, x),
            Self::Clip { low, high } => s.min(s.splat(high), s.max(s.splat(low), x)),
            Self::LeakyRelu { slope } => s.select_less(x, zero, s.mul(x, s.splat(slope)), x),
            Self::Elu { alpha } => elu(s, x, alpha),
            Self::Selu => s.mul(elu(s, x, SELU_ALPHA), s.splat(SELU_SCALE)),
            Self::Silu => math::silu(s, x),
            Self::Gelu => math::gelu(s, x),
            Self::GeluTanh => math::gelu_tanh(s, x),
            Self::Sigmoid => math::sigmoid(s, x),
            Self::Tanh => math::tanh(s, x),
            Self::Exp => math::exp(s, x),
            Self::Erf => math::erf(s, x),
            Self::HardSigmoid => hard_sigmoid(s, x),
            Self::HardSilu => s.mul(x, hard_sigmoid(s, x)),
            Self::Softsign => s.div(x, s.add(s.splat(1.0), s.abs(x))),
        }
    }

    /// Applies the activation in place.
    #[inline(always)]
    pub(crate) fn apply<S: Simd>(self, s: S, values: &mut [f32]) {
        // One loop for each activation, so that the choice is made once.
        match self {
            Self::Linear => {}
            Self::Silu => each(s, values, Self::Silu),
            Self::Gelu => each(s, values, Self::Gelu),
            Self::GeluTanh => each(s, values, Self::GeluTanh),
            Self::Sigmoid => each(s, values, Self::Sigmoid),
            Self::Tanh => each(s, values, Self::Tanh),
            other => each(s, values, other),
        }
    }
}

#[inline(always)]
fn each<S: Simd>(s: S, values: &mut [f32], activation: Activation) {
    for part in values.chunks_mut(S::LANES) {
        let x = s.load_slice(part);
        s.store_slice(part, activation.of(s, x));
    }
}

#[inline(always)]
fn elu<S: Simd>(s: S, x: S::V, alpha: f32) -> S::V {
    s.select_less(x, s.zero(), s.mul(math::exp_minus_one(s, x), s.splat(alpha)), x)
}

#[inline(always)]
fn hard_sigmoid<S: Simd>(s: S, x: S::V) -> S::V {
    let sum = s.mul_add(x, s.splat(1.0 / 6.0), s.splat(0.5));
    s.min(s.splat(1.0), s.max(s.zero(), sum))
}

/// What is done with each sum before it is stored: `activation(sum + bias + residual)`.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Epilogue<'a> {
    /// A number for each column of the whole output.
    pub bias: Option<&'a [f32]>,
    /// A matrix like the whole output.
    pub residual: Option<&'a [f32]>,
    /// The activation.
    pub activation: Activation,
}

impl Epilogue<'_> {
    /// Checks the lengths against an output with so many columns.
    pub fn check(&self, columns: usize, output: usize) -> Result<()> {
        self.bias.map_or(Ok(()), |bias| check_length("the bias", columns, bias))?;
        self.residual.map_or(Ok(()), |residual| check_length("the residual", output, residual))
    }
}
