//! Sorting along an axis.

use burn_backend::ops::{FloatTensorOps, IntTensorOps};

use crate::error::Result;
use crate::program::onnx::{Attribute, Call, Extent, Value};
use crate::program::primitive::{Primitive, Spec, exactly};
use crate::tensor::engine::{self, Engine};
use crate::tensor::{DType, Tensor};

/// The numbers of an axis in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sort {
    pub axis: usize,
    pub descending: bool,
}

impl Primitive for Sort {
    fn name(&self) -> &'static str {
        "sort"
    }

    fn attributes(&self) -> Vec<(&'static str, String)> {
        vec![("axis", self.axis.to_string()), ("descending", self.descending.to_string())]
    }

    fn infer(&self, operands: &[Spec]) -> Result<Spec> {
        let [x] = exactly(operands)?;
        Ok(x.clone())
    }

    fn eval(&self, operands: &[&Tensor]) -> Result<Tensor> {
        let [x] = exactly(operands)?;
        let (raw, axis, descending) = (x.raw()?, self.axis, self.descending);
        let raw = if x.dtype().is_float() {
            Engine::float_sort(raw, axis, descending)
        } else {
            Engine::int_sort(raw, axis, descending)
        };
        Ok(Tensor::from_raw(raw, x.dtype()))
    }

    fn onnx(&self, call: &mut Call) -> Result<Value> {
        let [value, _] = top(call, self.axis, self.descending)?;
        call.rounded(value)
    }
}

/// The positions, as `int32`, that bring the numbers of an axis in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Argsort {
    pub axis: usize,
    pub descending: bool,
}

impl Primitive for Argsort {
    fn name(&self) -> &'static str {
        "argsort"
    }

    fn attributes(&self) -> Vec<(&'static str, String)> {
        vec![("axis", self.axis.to_string()), ("descending", self.descending.to_string())]
    }

    fn infer(&self, operands: &[Spec]) -> Result<Spec> {
        let [x] = exactly(operands)?;
        Ok(Spec { shape: x.shape.clone(), dtype: DType::Int32 })
    }

    fn eval(&self, operands: &[&Tensor]) -> Result<Tensor> {
        let [x] = exactly(operands)?;
        let raw = crate::tensor::grad::detached(x.raw()?);
        let (axis, descending) = (self.axis, self.descending);
        if x.dtype().is_float() {
            let order = Engine::float_argsort(raw, axis, descending, engine::int(DType::Int32)?);
            return Ok(Tensor::from_raw(order, DType::Int32));
        }
        let order = Tensor::from_raw(Engine::int_argsort(raw, axis, descending), x.dtype());
        crate::tensor::cast::cast(&order, DType::Int32)
    }

    fn onnx(&self, call: &mut Call) -> Result<Value> {
        let [_, position] = top(call, self.axis, self.descending)?;
        call.rounded(position)
    }
}

/// Adds the numbers of an axis in order, and their positions.
fn top(call: &mut Call, axis: usize, descending: bool) -> Result<[Value; 2]> {
    let [x] = call.numbers()?;
    let extent = call.extents(x)?.get(axis).cloned().unwrap_or_else(|| Extent::new([]));
    let count = call.graph.extent(&extent)?;
    let attributes = vec![("axis", Attribute::Int(axis as i64)), ("largest", Attribute::Int(descending.into()))];
    let dtypes = [call.graph.dtype(x), DType::Int64];
    let outputs = call.graph.operator_with("TopK", &[x, count], attributes, &dtypes)?;
    outputs.try_into().map_err(|_| call.unsupported("`TopK` has two outputs"))
}
