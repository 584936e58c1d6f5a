//! Functions of one number, applied to each element.

use burn_backend::ops::{ActivationOps, FloatTensorOps, IntTensorOps};

use crate::error::Result;
use crate::program::kernels::elementwise::{self as kernels, Kernel};
use crate::program::primitive::{Primitive, Spec, exactly};
use crate::tensor::engine::{self, Engine, Raw};
use crate::tensor::{DType, Tensor};

/// A function of one number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unary {
    Abs,
    Acos,
    Acosh,
    Asin,
    Asinh,
    Atan,
    Atanh,
    Ceil,
    Cos,
    Cosh,
    Erf,
    Exp,
    Floor,
    IsInf,
    IsNan,
    Log,
    Log1p,
    Neg,
    Reciprocal,
    Relu,
    Round,
    Rsqrt,
    Sigmoid,
    Sign,
    Sin,
    Sinh,
    Sqrt,
    Square,
    Tan,
    Tanh,
    Trunc,
}

impl Unary {
    /// Returns true if the result is a boolean.
    fn is_test(self) -> bool {
        matches!(self, Self::IsInf | Self::IsNan)
    }

    fn float(self, raw: Raw) -> Raw {
        match self {
            Self::Abs => Engine::float_abs(raw),
            Self::Acos => Engine::float_acos(raw),
            Self::Acosh => Engine::float_acosh(raw),
            Self::Asin => Engine::float_asin(raw),
            Self::Asinh => Engine::float_asinh(raw),
            Self::Atan => Engine::float_atan(raw),
            Self::Atanh => Engine::float_atanh(raw),
            Self::Ceil => Engine::float_ceil(raw),
            Self::Cos => Engine::float_cos(raw),
            Self::Cosh => Engine::float_cosh(raw),
            Self::Erf => kernels::run(raw, Kernel::Erf, Engine::float_erf),
            Self::Exp => kernels::run(raw, Kernel::Exp, Engine::float_exp),
            Self::Floor => Engine::float_floor(raw),
            Self::IsInf => Engine::float_is_inf(crate::tensor::grad::detached(raw), engine::BOOL),
            Self::IsNan => Engine::float_is_nan(crate::tensor::grad::detached(raw), engine::BOOL),
            Self::Log => Engine::float_log(raw),
            Self::Log1p => Engine::float_log1p(raw),
            Self::Neg => Engine::float_neg(raw),
            Self::Reciprocal => Engine::float_recip(raw),
            Self::Relu => <Engine as ActivationOps<Engine>>::relu(raw),
            Self::Round => Engine::float_round(raw),
            Self::Rsqrt => Engine::float_recip(Engine::float_sqrt(raw)),
            Self::Sigmoid => kernels::run(raw, Kernel::Sigmoid, <Engine as ActivationOps<Engine>>::sigmoid),
            Self::Sign => Engine::float_sign(raw),
            Self::Sin => Engine::float_sin(raw),
            Self::Sinh => Engine::float_sinh(raw),
            Self::Sqrt => Engine::float_sqrt(raw),
            Self::Square => Engine::float_mul(raw.clone(), raw),
            Self::Tan => Engine::float_tan(raw),
            Self::Tanh => kernels::run(raw, Kernel::Tanh, Engine::float_tanh),
            Self::Trunc => Engine::float_trunc(raw),
        }
    }

    /// Computes the function of integers; the others are only defined for floating-point numbers, and the
    /// operations convert to these first.
    fn int(self, raw: Raw) -> Raw {
        match self {
            Self::Abs => Engine::int_abs(raw),
            Self::Neg => Engine::int_neg(raw),
            Self::Relu => Engine::int_clamp_min(raw, 0.into()),
            Self::Sign => Engine::int_sign(raw),
            Self::Square => Engine::int_mul(raw.clone(), raw),
            _ => raw,
        }
    }
}

impl Primitive for Unary {
    fn name(&self) -> &'static str {
        match self {
            Self::Abs => "abs",
            Self::Acos => "acos",
            Self::Acosh => "acosh",
            Self::Asin => "asin",
            Self::Asinh => "asinh",
            Self::Atan => "atan",
            Self::Atanh => "atanh",
            Self::Ceil => "ceil",
            Self::Cos => "cos",
            Self::Cosh => "cosh",
            Self::Erf => "erf",
            Self::Exp => "exp",
            Self::Floor => "floor",
            Self::IsInf => "is_inf",
            Self::IsNan => "is_nan",
            Self::Log => "log",
            Self::Log1p => "log1p",
            Self::Neg => "neg",
            Self::Reciprocal => "reciprocal",
            Self::Relu => "relu",
            Self::Round => "round",
            Self::Rsqrt => "rsqrt",
            Self::Sigmoid => "sigmoid",
            Self::Sign => "sign",
            Self::Sin => "sin",
            Self::Sinh => "sinh",
            Self::Sqrt => "sqrt",
            Self::Square => "square",
            Self::Tan => "tan",
            Self::Tanh => "tanh",
            Self::Trunc => "trunc",
        }
    }

    fn infer(&self, operands: &[Spec]) -> Result<Spec> {
        let [x] = exactly(operands)?;
        let dtype = if self.is_test() { DType::Bool } else { x.dtype };
        Ok(Spec { shape: x.shape.clone(), dtype })
    }

    fn eval(&self, operands: &[&Tensor]) -> Result<Tensor> {
        let [x] = exactly(operands)?;
        let raw = x.raw()?;
        let raw = if x.dtype().is_float() { self.float(raw) } else { self.int(raw) };
        Ok(Tensor::from_raw(raw, if self.is_test() { DType::Bool } else { x.dtype() }))
    }
}
