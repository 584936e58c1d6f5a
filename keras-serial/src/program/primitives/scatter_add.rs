//! Addition of rows at indices.

use burn_backend::ops::{FloatTensorOps, IntTensorOps};
use burn_backend::tensor::IndexingUpdateOp;

use crate::error::Result;
use crate::program::onnx::{Attribute, Call, Value};
use crate::program::primitive::{Primitive, Spec, exactly};
use crate::tensor::Tensor;
use crate::tensor::engine::Engine;

/// The first operand with the rows of the third added at the indices of its first axis that the second holds,
/// `int64` within the extent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ScatterAdd;

impl Primitive for ScatterAdd {
    fn name(&self) -> &'static str {
        "scatter_add"
    }

    fn infer(&self, operands: &[Spec]) -> Result<Spec> {
        let [x, _, _] = exactly(operands)?;
        Ok(x.clone())
    }

    fn eval(&self, operands: &[&Tensor]) -> Result<Tensor> {
        let [x, indices, rows] = exactly(operands)?;
        super::take_along::check(indices, x.shape().dim(0)?)?;
        let (raw, indices, rows) = (x.raw()?, indices.raw()?, rows.raw()?);
        let raw = if x.dtype().is_float() {
            Engine::float_select_assign(raw, 0, indices, rows, IndexingUpdateOp::Add)
        } else {
            Engine::int_select_assign(raw, 0, indices, rows, IndexingUpdateOp::Add)
        };
        Ok(Tensor::from_raw(raw, x.dtype()))
    }

    fn onnx(&self, call: &mut Call) -> Result<Value> {
        call.needs_opset(16, "additions at indices have no ONNX form in this operator set")?;
        let [x, indices, rows] = call.operands()?;
        let axes = call.graph.ints(&[-1])?;
        let indices = call.operator("Unsqueeze", &[indices, axes], vec![])?;
        call.operator("ScatterND", &[x, indices, rows], vec![("reduction", Attribute::Text("add"))])
    }
}
