//! Reversal of axes.

use burn_backend::ops::{BoolTensorOps, FloatTensorOps, IntTensorOps};

use super::family;
use crate::error::Result;
use crate::program::onnx::{Call, Value};
use crate::program::primitive::{Primitive, Spec, exactly};
use crate::tensor::Tensor;
use crate::tensor::engine::Engine;

/// The elements in reverse order along these axes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Flip(pub Vec<usize>);

impl Primitive for Flip {
    fn name(&self) -> &'static str {
        "flip"
    }

    fn attributes(&self) -> Vec<(&'static str, String)> {
        vec![("axes", format!("{:?}", self.0))]
    }

    fn infer(&self, operands: &[Spec]) -> Result<Spec> {
        let [x] = exactly(operands)?;
        Ok(x.clone())
    }

    fn eval(&self, operands: &[&Tensor]) -> Result<Tensor> {
        let [x] = exactly(operands)?;
        family(
            x,
            |raw| Engine::float_flip(raw, &self.0),
            |raw| Engine::int_flip(raw, &self.0),
            |raw| Engine::bool_flip(raw, &self.0),
        )
    }

    fn operations(&self, _: &[Spec], _: &Spec) -> u64 {
        0
    }

    fn onnx(&self, call: &mut Call) -> Result<Value> {
        let [x] = call.operands()?;
        let axes: Vec<i64> = self.0.iter().map(|axis| *axis as i64).collect();
        let all = |value: i64| vec![value; axes.len()];
        let (start, end, step) =
            (call.graph.ints(&all(-1))?, call.graph.ints(&all(i64::MIN))?, call.graph.ints(&all(-1))?);
        let axes = call.graph.ints(&axes)?;
        call.operator("Slice", &[x, start, end, axes, step], vec![])
    }
}
