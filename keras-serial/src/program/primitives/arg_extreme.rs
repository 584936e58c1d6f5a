//! The position of the largest or smallest element of an axis.

use burn_backend::ops::{FloatTensorOps, IntTensorOps};

use super::{extent_mut, extents};
use crate::error::Result;
use crate::program::onnx::{Attribute, Call, Value};
use crate::program::primitive::{Primitive, Spec, exactly};
use crate::tensor::engine::{self, Engine};
use crate::tensor::{DType, Tensor};

/// The position of the first largest (or smallest) number of an axis, which stays with extent 1, as `int32`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ArgExtreme {
    pub axis: usize,
    pub largest: bool,
}

impl Primitive for ArgExtreme {
    fn name(&self) -> &'static str {
        if self.largest { "argmax" } else { "argmin" }
    }

    fn attributes(&self) -> Vec<(&'static str, String)> {
        vec![("axis", self.axis.to_string())]
    }

    fn infer(&self, operands: &[Spec]) -> Result<Spec> {
        let [x] = exactly(operands)?;
        let mut shape = extents(x);
        *extent_mut(&mut shape, self.axis)? = Some(1);
        Ok(Spec { shape: shape.into(), dtype: DType::Int32 })
    }

    fn eval(&self, operands: &[&Tensor]) -> Result<Tensor> {
        let [x] = exactly(operands)?;
        let raw = crate::tensor::grad::detached(x.raw()?);
        let axis = self.axis;
        if x.dtype().is_float() {
            let int32 = engine::int(DType::Int32)?;
            let raw = if self.largest {
                Engine::float_argmax(raw, axis, int32)
            } else {
                Engine::float_argmin(raw, axis, int32)
            };
            return Ok(Tensor::from_raw(raw, DType::Int32));
        }
        let raw = if self.largest { Engine::int_argmax(raw, axis) } else { Engine::int_argmin(raw, axis) };
        crate::tensor::cast::cast(&Tensor::from_raw(raw, x.dtype()), DType::Int32)
    }

    fn onnx(&self, call: &mut Call) -> Result<Value> {
        let [x] = call.numbers()?;
        let name = if self.largest { "ArgMax" } else { "ArgMin" };
        let attributes = vec![("axis", Attribute::Int(self.axis as i64)), ("keepdims", Attribute::Int(1))];
        let position = call.graph.operator(name, &[x], attributes, DType::Int64)?;
        call.rounded(position)
    }
}
