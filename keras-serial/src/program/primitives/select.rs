//! Selection by a condition.

use burn_backend::ops::{BoolTensorOps, FloatTensorOps, IntTensorOps};

use super::family;
use crate::error::Result;
use crate::program::onnx::{Call, Value};
use crate::program::primitive::{Primitive, Spec, exactly};
use crate::tensor::Tensor;
use crate::tensor::engine::Engine;

/// The elements of the second operand where the first is true, else those of the third; all of one shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Select;

impl Primitive for Select {
    fn name(&self) -> &'static str {
        "select"
    }

    fn infer(&self, operands: &[Spec]) -> Result<Spec> {
        let [condition, x, y] = exactly(operands)?;
        Ok(Spec { shape: condition.shape.broadcast(&x.shape)?.broadcast(&y.shape)?, dtype: x.dtype })
    }

    fn eval(&self, operands: &[&Tensor]) -> Result<Tensor> {
        let [condition, x, y] = exactly(operands)?;
        let (mask, x) = (condition.raw()?, x.raw()?);
        family(
            y,
            |y| Engine::float_mask_where(y, mask.clone(), x.clone()),
            |y| Engine::int_mask_where(y, mask.clone(), x.clone()),
            |y| Engine::bool_mask_where(y, mask.clone(), x.clone()),
        )
    }

    fn onnx(&self, call: &mut Call) -> Result<Value> {
        let [condition, x, y] = call.operands()?;
        let (x, y) = (call.number(x)?, call.number(y)?);
        let value = call.graph.elementwise("Where", &[condition, x, y], vec![], call.graph.dtype(x))?;
        call.rounded(value)
    }
}
