//! Bitwise operations on integers of one dtype and shape.

use burn_backend::ops::IntTensorOps;

use crate::error::Result;
use crate::program::onnx::{Call, Value};
use crate::program::primitive::{Primitive, Spec, exactly};
use crate::tensor::engine::Engine;
use crate::tensor::{DType, Tensor};

/// A function of the bits of two integers, or of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bits {
    And,
    Or,
    Xor,
    ShiftLeft,
    ShiftRight,
    /// Of one operand.
    Not,
}

impl Primitive for Bits {
    fn name(&self) -> &'static str {
        match self {
            Self::And => "bitwise_and",
            Self::Or => "bitwise_or",
            Self::Xor => "bitwise_xor",
            Self::ShiftLeft => "shift_left",
            Self::ShiftRight => "shift_right",
            Self::Not => "bitwise_not",
        }
    }

    fn infer(&self, operands: &[Spec]) -> Result<Spec> {
        if *self == Self::Not {
            let [x] = exactly(operands)?;
            return Ok(x.clone());
        }
        let [x, y] = exactly(operands)?;
        Ok(Spec { shape: x.shape.broadcast(&y.shape)?, dtype: x.dtype })
    }

    fn eval(&self, operands: &[&Tensor]) -> Result<Tensor> {
        if *self == Self::Not {
            let [x] = exactly(operands)?;
            return Ok(Tensor::from_raw(Engine::bitwise_not(x.raw()?), x.dtype()));
        }
        let [x, y] = exactly(operands)?;
        let (a, b) = (x.raw()?, y.raw()?);
        let raw = match self {
            Self::And => Engine::bitwise_and(a, b),
            Self::Or => Engine::bitwise_or(a, b),
            Self::ShiftLeft => Engine::bitwise_left_shift(a, b),
            Self::ShiftRight => Engine::bitwise_right_shift(a, b),
            Self::Xor | Self::Not => Engine::bitwise_xor(a, b),
        };
        Ok(Tensor::from_raw(raw, x.dtype()))
    }

    fn onnx(&self, call: &mut Call) -> Result<Value> {
        let dtype = call.dtype();
        if let (Self::ShiftLeft | Self::ShiftRight, [x, by]) = (self, call.all()) {
            // ONNX shifts unsigned numbers only.
            let (x, by) = (*x, *by);
            let (x, by) = (call.graph.cast(x, DType::Int64)?, call.graph.cast(by, DType::Int64)?);
            let two = call.scalar(2.0, x)?;
            let power = call.elementwise("Pow", &[two, by])?;
            let value = if *self == Self::ShiftLeft {
                call.elementwise("Mul", &[x, power])?
            } else {
                let rest = call.elementwise("Mod", &[x, power])?;
                let multiple = call.elementwise("Sub", &[x, rest])?;
                call.elementwise("Div", &[multiple, power])?
            };
            return call.graph.cast(value, dtype);
        }
        call.needs_opset(18, "bitwise operations have no ONNX form in this operator set")?;
        let name = match self {
            Self::And => "BitwiseAnd",
            Self::Or => "BitwiseOr",
            Self::Not => "BitwiseNot",
            Self::Xor | Self::ShiftLeft | Self::ShiftRight => "BitwiseXor",
        };
        let operands = call.all().to_vec();
        call.elementwise(name, &operands)
    }
}
