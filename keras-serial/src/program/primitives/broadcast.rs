//! Repetition of axes of extent 1.

use burn_backend::ops::{BoolTensorOps, FloatTensorOps, IntTensorOps};

use super::{extents_text, family, shaped};
use crate::error::Result;
use crate::program::onnx::{Call, Value};
use crate::program::primitive::{Primitive, Spec, exactly};
use crate::tensor::engine::Engine;
use crate::tensor::{Shape, Tensor};

/// The operand with its axes of extent 1 repeated, in a shape of the same rank; of symbols, also in one with unknown
/// extents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Broadcast(pub Shape);

impl Primitive for Broadcast {
    fn name(&self) -> &'static str {
        "broadcast"
    }

    fn attributes(&self) -> Vec<(&'static str, String)> {
        vec![("shape", extents_text(&self.0))]
    }

    fn infer(&self, operands: &[Spec]) -> Result<Spec> {
        let [x] = exactly(operands)?;
        Ok(shaped(x, self.0.clone()))
    }

    fn is_open(&self) -> bool {
        !self.0.is_known()
    }

    fn eval(&self, operands: &[&Tensor]) -> Result<Tensor> {
        let [x] = exactly(operands)?;
        let dims = burn_backend::Shape::from(self.0.known()?);
        family(
            x,
            |raw| Engine::float_expand(raw, dims.clone()),
            |raw| Engine::int_expand(raw, dims.clone()),
            |raw| Engine::bool_expand(raw, dims.clone()),
        )
    }

    fn operations(&self, _: &[Spec], _: &Spec) -> u64 {
        0
    }

    fn onnx(&self, call: &mut Call) -> Result<Value> {
        let [x] = call.operands()?;
        let wanted = call.result();
        if wanted == call.extents(x)? { Ok(x) } else { Ok(call.graph.expanded(x, &wanted)) }
    }
}
