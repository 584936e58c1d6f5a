//! Another order of the axes.

use burn_backend::ops::{BoolTensorOps, FloatTensorOps, IntTensorOps};

use super::{extents, family, shaped};
use crate::error::Result;
use crate::program::onnx::{Call, Value};
use crate::program::primitive::{Primitive, Spec, exactly};
use crate::tensor::Tensor;
use crate::tensor::engine::Engine;

/// A permutation: the result's axis `i` is the operand's axis `axes[i]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Transpose(pub Vec<usize>);

/// Returns the order that undoes another.
pub(crate) fn inverse(order: &[usize]) -> Vec<usize> {
    let mut back = vec![0; order.len()];
    for (to, from) in order.iter().enumerate() {
        if let Some(place) = back.get_mut(*from) {
            *place = to;
        }
    }
    back
}

impl Primitive for Transpose {
    fn name(&self) -> &'static str {
        "transpose"
    }

    fn attributes(&self) -> Vec<(&'static str, String)> {
        vec![("axes", format!("{:?}", self.0))]
    }

    fn infer(&self, operands: &[Spec]) -> Result<Spec> {
        let [x] = exactly(operands)?;
        let from = extents(x);
        Ok(shaped(x, self.0.iter().filter_map(|axis| from.get(*axis).copied()).collect::<Vec<_>>()))
    }

    fn eval(&self, operands: &[&Tensor]) -> Result<Tensor> {
        let [x] = exactly(operands)?;
        family(
            x,
            |raw| Engine::float_permute(raw, &self.0),
            |raw| Engine::int_permute(raw, &self.0),
            |raw| Engine::bool_permute(raw, &self.0),
        )
    }

    fn operations(&self, _: &[Spec], _: &Spec) -> u64 {
        0
    }

    fn onnx(&self, call: &mut Call) -> Result<Value> {
        let [x] = call.operands()?;
        Ok(call.graph.transposed(x, &self.0))
    }
}
