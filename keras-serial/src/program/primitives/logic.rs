//! Logic of booleans.

use burn_backend::ops::BoolTensorOps;

use crate::error::Result;
use crate::program::onnx::{Call, Value};
use crate::program::primitive::{Primitive, Spec, exactly};
use crate::tensor::engine::Engine;
use crate::tensor::{DType, Tensor};

/// A function of two booleans of one shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Logic {
    And,
    Or,
    Xor,
}

impl Primitive for Logic {
    fn name(&self) -> &'static str {
        match self {
            Self::And => "and",
            Self::Or => "or",
            Self::Xor => "xor",
        }
    }

    fn infer(&self, operands: &[Spec]) -> Result<Spec> {
        let [x, y] = exactly(operands)?;
        Ok(Spec { shape: x.shape.broadcast(&y.shape)?, dtype: DType::Bool })
    }

    fn eval(&self, operands: &[&Tensor]) -> Result<Tensor> {
        let [x, y] = exactly(operands)?;
        let (x, y) = (x.raw()?, y.raw()?);
        let raw = match self {
            Self::And => Engine::bool_and(x, y),
            Self::Or => Engine::bool_or(x, y),
            Self::Xor => Engine::bool_not_equal(x, y),
        };
        Ok(Tensor::from_raw(raw, DType::Bool))
    }

    fn onnx(&self, call: &mut Call) -> Result<Value> {
        let [x, y] = call.operands()?;
        let name = match self {
            Self::And => "And",
            Self::Or => "Or",
            Self::Xor => "Xor",
        };
        call.test(name, &[x, y])
    }
}

/// The negation of booleans.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Not;

impl Primitive for Not {
    fn name(&self) -> &'static str {
        "not"
    }

    fn infer(&self, operands: &[Spec]) -> Result<Spec> {
        let [x] = exactly(operands)?;
        Ok(x.clone())
    }

    fn eval(&self, operands: &[&Tensor]) -> Result<Tensor> {
        let [x] = exactly(operands)?;
        Ok(Tensor::from_raw(Engine::bool_not(x.raw()?), DType::Bool))
    }

    fn onnx(&self, call: &mut Call) -> Result<Value> {
        let [x] = call.operands()?;
        call.test("Not", &[x])
    }
}
