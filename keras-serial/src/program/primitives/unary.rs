//! Functions of one number, applied to each element.

use burn_backend::ops::{ActivationOps, FloatTensorOps, IntTensorOps};

use crate::error::Result;
use crate::program::kernels::elementwise::{self as kernels, Kernel};
use crate::program::onnx::{Call, Value};
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

impl Unary {
    /// Returns the ONNX operator that computes the same, if there is one.
    fn operator(self) -> Option<&'static str> {
        Some(match self {
            Self::Abs => "Abs",
            Self::Acos => "Acos",
            Self::Acosh => "Acosh",
            Self::Asin => "Asin",
            Self::Asinh => "Asinh",
            Self::Atan => "Atan",
            Self::Atanh => "Atanh",
            Self::Ceil => "Ceil",
            Self::Cos => "Cos",
            Self::Cosh => "Cosh",
            Self::Erf => "Erf",
            Self::Exp => "Exp",
            Self::Floor => "Floor",
            Self::Log => "Log",
            Self::Neg => "Neg",
            Self::Reciprocal => "Reciprocal",
            Self::Relu => "Relu",
            Self::Round => "Round",
            Self::Sigmoid => "Sigmoid",
            Self::Sign => "Sign",
            Self::Sin => "Sin",
            Self::Sinh => "Sinh",
            Self::Sqrt => "Sqrt",
            Self::Tan => "Tan",
            Self::Tanh => "Tanh",
            Self::IsInf | Self::IsNan | Self::Log1p | Self::Rsqrt | Self::Square | Self::Trunc => return None,
        })
    }

    /// Adds the operators of a function that ONNX does not have.
    fn composed(self, call: &mut Call, x: Value) -> Result<Value> {
        match self {
            Self::IsInf => call.test("IsInf", &[x]),
            Self::IsNan => call.test("IsNaN", &[x]),
            Self::Log1p => log1p(call, x),
            Self::Rsqrt => {
                let root = call.elementwise("Sqrt", &[x])?;
                call.elementwise("Reciprocal", &[root])
            }
            Self::Trunc => {
                let (size, sign) = (call.elementwise("Abs", &[x])?, call.elementwise("Sign", &[x])?);
                let whole = call.elementwise("Floor", &[size])?;
                call.elementwise("Mul", &[whole, sign])
            }
            _ => call.elementwise("Mul", &[x, x]),
        }
    }
}

/// Adds log(1 + x), exact for small x: the rounding of 1 + x is divided out.
fn log1p(call: &mut Call, x: Value) -> Result<Value> {
    let dtype = call.graph.dtype(x);
    let (one, half) = (call.scalar(1.0, x)?, call.scalar(0.5, x)?);
    let sum = call.elementwise("Add", &[x, one])?;
    let log = call.elementwise("Log", &[sum])?;
    let rounded = call.elementwise("Sub", &[sum, one])?;
    let ratio = call.elementwise("Div", &[x, rounded])?;
    let exact = call.elementwise("Mul", &[log, ratio])?;
    let is_tiny = call.test("Equal", &[sum, one])?;
    let exact = call.graph.elementwise("Where", &[is_tiny, x, exact], vec![], dtype)?;
    let size = call.elementwise("Abs", &[x])?;
    let is_small = call.test("Less", &[size, half])?;
    call.graph.elementwise("Where", &[is_small, exact, log], vec![], dtype)
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

    fn onnx(&self, call: &mut Call) -> Result<Value> {
        let [x] = call.numbers()?;
        if self.is_test() {
            // Of integers, none is infinite or NaN; half precision is tested in single.
            let dtype = call.graph.dtype(x);
            let x = if dtype == DType::Float64 { x } else { call.graph.cast(x, DType::Float32)? };
            return self.composed(call, x);
        }
        let value = match self.operator() {
            Some("Relu") if call.graph.opset() < 14 && !call.operand_dtype().is_float() => {
                let zero = call.scalar(0.0, x)?;
                call.elementwise("Max", &[x, zero])?
            }
            Some(operator) => call.elementwise(operator, &[x])?,
            None => self.composed(call, x)?,
        };
        call.rounded(value)
    }
}
