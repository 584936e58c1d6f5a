//! Cumulative sums and products.

use burn_backend::ops::{FloatTensorOps, IntTensorOps};

use crate::error::Result;
use crate::program::onnx::{Attribute, Call, Extent, Value};
use crate::program::primitive::{Primitive, Spec, exactly};
use crate::tensor::engine::Engine;
use crate::tensor::{DType, Tensor};

/// The sums (or products) of the elements up to each position of an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cumulate {
    pub axis: usize,
    pub sums: bool,
}

impl Primitive for Cumulate {
    fn name(&self) -> &'static str {
        if self.sums { "cumulative_sum" } else { "cumulative_product" }
    }

    fn attributes(&self) -> Vec<(&'static str, String)> {
        vec![("axis", self.axis.to_string())]
    }

    fn infer(&self, operands: &[Spec]) -> Result<Spec> {
        let [x] = exactly(operands)?;
        Ok(x.clone())
    }

    fn eval(&self, operands: &[&Tensor]) -> Result<Tensor> {
        let [x] = exactly(operands)?;
        let (raw, axis) = (x.raw()?, self.axis);
        let raw = match (x.dtype().is_float(), self.sums) {
            (true, true) => Engine::float_cumsum(raw, axis),
            (true, false) => Engine::float_cumprod(raw, axis),
            (false, true) => Engine::int_cumsum(raw, axis),
            (false, false) => Engine::int_cumprod(raw, axis),
        };
        Ok(Tensor::from_raw(raw, x.dtype()))
    }

    fn onnx(&self, call: &mut Call) -> Result<Value> {
        let [x] = call.numbers()?;
        if self.sums {
            let axis = call.graph.scalar(self.axis as f64, DType::Int64)?;
            let value = call.operator("CumSum", &[x, axis], vec![])?;
            return call.rounded(value);
        }
        let extent = call
            .extents(x)?
            .get(self.axis)
            .and_then(Extent::known)
            .ok_or_else(|| call.unsupported("cumulative products along an unknown extent have no ONNX form"))?;
        // Products of 1, 2, 4, … elements: each time times those of as many elements before.
        let (mut value, mut step) = (x, 1);
        while step < extent {
            let (zero, axis) = (call.graph.ints(&[0])?, call.graph.ints(&[self.axis as i64])?);
            let (start, end) = (call.graph.ints(&[step as i64])?, call.graph.ints(&[i64::MAX])?);
            let before_end = call.graph.ints(&[-(step as i64)])?;
            let head = call.operator("Slice", &[value, zero, start, axis], vec![])?;
            let tail = call.operator("Slice", &[value, start, end, axis], vec![])?;
            let before = call.operator("Slice", &[value, zero, before_end, axis], vec![])?;
            let tail = call.operator("Mul", &[tail, before], vec![])?;
            value = call.operator("Concat", &[head, tail], vec![("axis", Attribute::Int(self.axis as i64))])?;
            step *= 2;
        }
        call.rounded(value)
    }
}
