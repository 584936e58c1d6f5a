//! Elements at indices along an axis.

use burn_backend::ops::{FloatTensorOps, IntTensorOps};

use super::shaped;
use crate::error::{Error, ErrorKind, Result};
use crate::program::onnx::{Attribute, Call, Value};
use crate::program::primitive::{Primitive, Spec, exactly};
use crate::tensor::Tensor;
use crate::tensor::engine::Engine;

/// The elements of the first operand, numbers, at the indices in the second: `int64` within the extent, of
/// the same shape but for the axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TakeAlong(pub usize);

impl Primitive for TakeAlong {
    fn name(&self) -> &'static str {
        "take_along"
    }

    fn attributes(&self) -> Vec<(&'static str, String)> {
        vec![("axis", self.0.to_string())]
    }

    fn infer(&self, operands: &[Spec]) -> Result<Spec> {
        let [x, indices] = exactly(operands)?;
        Ok(shaped(x, indices.shape.clone()))
    }

    fn eval(&self, operands: &[&Tensor]) -> Result<Tensor> {
        let [x, indices] = exactly(operands)?;
        check(indices, x.shape().dim(self.0 as isize)?)?;
        let (raw, indices) = (x.raw()?, indices.raw()?);
        let raw = if x.dtype().is_float() {
            Engine::float_gather(self.0, raw, indices)
        } else {
            Engine::int_gather(self.0, raw, indices)
        };
        Ok(Tensor::from_raw(raw, x.dtype()))
    }

    fn operations(&self, _: &[Spec], _: &Spec) -> u64 {
        0
    }

    fn onnx(&self, call: &mut Call) -> Result<Value> {
        let [x, indices] = call.operands()?;
        call.operator("GatherElements", &[x, indices], vec![("axis", Attribute::Int(self.0 as i64))])
    }
}

/// Returns an error if an index is out of range, at which the engine would panic.
pub(super) fn check(indices: &Tensor, extent: usize) -> Result<()> {
    let wrong = indices.with_elements(|indices: &[i64]| {
        indices.iter().copied().find(|index| usize::try_from(*index).map_or(true, |index| index >= extent))
    })?;
    match wrong {
        None => Ok(()),
        Some(wrong) => Err(Error::new(ErrorKind::InvalidArgument, "index out of range")
            .expected(format!("an index below {extent}"))
            .received(wrong.to_string())),
    }
}
