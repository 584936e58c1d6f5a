//! Slices at indices of an axis.

use burn_backend::ops::{BoolTensorOps, FloatTensorOps, IntTensorOps};

use super::{extents, family, shaped};
use crate::error::Result;
use crate::program::onnx::{Attribute, Call, Value};
use crate::program::primitive::{Primitive, Spec, exactly};
use crate::tensor::Tensor;
use crate::tensor::engine::Engine;

/// The slices of the first operand along an axis at the indices in the second, a vector of `int64` within the
/// extent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Take(pub usize);

impl Primitive for Take {
    fn name(&self) -> &'static str {
        "take"
    }

    fn attributes(&self) -> Vec<(&'static str, String)> {
        vec![("axis", self.0.to_string())]
    }

    fn infer(&self, operands: &[Spec]) -> Result<Spec> {
        let [x, indices] = exactly(operands)?;
        let mut shape = extents(x);
        *super::extent_mut(&mut shape, self.0)? = indices.shape.get(0)?;
        Ok(shaped(x, shape))
    }

    fn eval(&self, operands: &[&Tensor]) -> Result<Tensor> {
        let [x, indices] = exactly(operands)?;
        super::take_along::check(indices, x.shape().dim(self.0 as isize)?)?;
        let indices = indices.raw()?;
        family(
            x,
            |raw| Engine::float_select(raw, self.0, indices.clone()),
            |raw| Engine::int_select(raw, self.0, indices.clone()),
            |raw| Engine::bool_select(raw, self.0, indices.clone()),
        )
    }

    fn operations(&self, _: &[Spec], _: &Spec) -> u64 {
        0
    }

    fn onnx(&self, call: &mut Call) -> Result<Value> {
        let [x, indices] = call.operands()?;
        call.operator("Gather", &[x, indices], vec![("axis", Attribute::Int(self.0 as i64))])
    }
}
