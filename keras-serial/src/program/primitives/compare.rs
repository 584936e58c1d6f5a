//! Comparisons of two tensors of one dtype and shape.

use burn_backend::ops::{FloatTensorOps, IntTensorOps};

use crate::error::Result;
use crate::program::onnx::{Call, Value};
use crate::program::primitive::{Primitive, Spec, exactly};
use crate::tensor::engine::{BOOL, Engine};
use crate::tensor::grad::detached;
use crate::tensor::{DType, Tensor};

/// A comparison of two numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Compare {
    Equal,
    NotEqual,
    Greater,
    GreaterEqual,
    Less,
    LessEqual,
}

impl Primitive for Compare {
    fn name(&self) -> &'static str {
        match self {
            Self::Equal => "equal",
            Self::NotEqual => "not_equal",
            Self::Greater => "greater",
            Self::GreaterEqual => "greater_equal",
            Self::Less => "less",
            Self::LessEqual => "less_equal",
        }
    }

    fn infer(&self, operands: &[Spec]) -> Result<Spec> {
        let [x, y] = exactly(operands)?;
        Ok(Spec { shape: x.shape.broadcast(&y.shape)?, dtype: DType::Bool })
    }

    fn eval(&self, operands: &[&Tensor]) -> Result<Tensor> {
        let [x, y] = exactly(operands)?;
        let (a, b) = (detached(x.raw()?), detached(y.raw()?));
        let raw = match (self, x.dtype().is_float()) {
            (Self::Equal, true) => Engine::float_equal(a, b, BOOL),
            (Self::Equal, false) => Engine::int_equal(a, b, BOOL),
            (Self::NotEqual, true) => Engine::float_not_equal(a, b, BOOL),
            (Self::NotEqual, false) => Engine::int_not_equal(a, b, BOOL),
            (Self::Greater, true) => Engine::float_greater(a, b, BOOL),
            (Self::Greater, false) => Engine::int_greater(a, b, BOOL),
            (Self::GreaterEqual, true) => Engine::float_greater_equal(a, b, BOOL),
            (Self::GreaterEqual, false) => Engine::int_greater_equal(a, b, BOOL),
            (Self::Less, true) => Engine::float_lower(a, b, BOOL),
            (Self::Less, false) => Engine::int_lower(a, b, BOOL),
            (Self::LessEqual, true) => Engine::float_lower_equal(a, b, BOOL),
            (Self::LessEqual, false) => Engine::int_lower_equal(a, b, BOOL),
        };
        Ok(Tensor::from_raw(raw, DType::Bool))
    }

    fn onnx(&self, call: &mut Call) -> Result<Value> {
        let [x, y] = call.numbers()?;
        match self {
            Self::Equal => call.test("Equal", &[x, y]),
            Self::NotEqual => {
                let equal = call.test("Equal", &[x, y])?;
                call.test("Not", &[equal])
            }
            Self::Greater => call.test("Greater", &[x, y]),
            Self::GreaterEqual => call.test("GreaterOrEqual", &[x, y]),
            Self::Less => call.test("Less", &[x, y]),
            Self::LessEqual => call.test("LessOrEqual", &[x, y]),
        }
    }
}
