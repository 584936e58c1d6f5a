//! Softmax of the last axis.

use burn_backend::ops::ActivationOps;

use crate::error::Result;
use crate::program::kernels::elementwise::{Kernel, run};
use crate::program::onnx::{Attribute, Call, Value};
use crate::program::primitive::{Primitive, Spec, exactly};
use crate::tensor::Tensor;
use crate::tensor::engine::Engine;

/// exp(x) divided by its sum along the last axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Softmax;

impl Primitive for Softmax {
    fn name(&self) -> &'static str {
        "softmax"
    }

    fn infer(&self, operands: &[Spec]) -> Result<Spec> {
        let [x] = exactly(operands)?;
        Ok(x.clone())
    }

    fn eval(&self, operands: &[&Tensor]) -> Result<Tensor> {
        let [x] = exactly(operands)?;
        let axis = x.rank().saturating_sub(1);
        let plain = |raw| <Engine as ActivationOps<Engine>>::softmax(raw, axis);
        Ok(Tensor::from_raw(run(x.raw()?, Kernel::Softmax(x.shape().last()?), plain), x.dtype()))
    }

    fn onnx(&self, call: &mut Call) -> Result<Value> {
        let [x] = call.numbers()?;
        let value = call.operator("Softmax", &[x], vec![("axis", Attribute::Int(-1))])?;
        call.rounded(value)
    }
}
