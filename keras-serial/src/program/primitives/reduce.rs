//! Reductions of one axis.

use burn_backend::ops::{BoolTensorOps, FloatTensorOps, IntTensorOps};

use super::{extent_mut, extents, shaped};
use crate::error::Result;
use crate::program::onnx::{Attribute, Call, Value};
use crate::program::primitive::{Primitive, Spec, exactly};
use crate::tensor::Tensor;
use crate::tensor::engine::Engine;

/// How the elements of an axis become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reduction {
    Sum,
    /// Of floating-point numbers only.
    Mean,
    Prod,
    Max,
    Min,
    /// Of booleans only.
    Any,
    /// Of booleans only.
    All,
}

/// The reduction of one axis, which stays with extent 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reduce {
    pub by: Reduction,
    pub axis: usize,
}

impl Primitive for Reduce {
    fn name(&self) -> &'static str {
        match self.by {
            Reduction::Sum => "reduce_sum",
            Reduction::Mean => "reduce_mean",
            Reduction::Prod => "reduce_prod",
            Reduction::Max => "reduce_max",
            Reduction::Min => "reduce_min",
            Reduction::Any => "reduce_any",
            Reduction::All => "reduce_all",
        }
    }

    fn attributes(&self) -> Vec<(&'static str, String)> {
        vec![("axis", self.axis.to_string())]
    }

    fn infer(&self, operands: &[Spec]) -> Result<Spec> {
        let [x] = exactly(operands)?;
        let mut shape = extents(x);
        *extent_mut(&mut shape, self.axis)? = Some(1);
        Ok(shaped(x, shape))
    }

    fn eval(&self, operands: &[&Tensor]) -> Result<Tensor> {
        let [x] = exactly(operands)?;
        let (raw, axis) = (x.raw()?, self.axis);
        let raw = match (self.by, x.dtype().is_float()) {
            (Reduction::Sum, true) => Engine::float_sum_dim(raw, axis),
            (Reduction::Sum, false) => Engine::int_sum_dim(raw, axis),
            (Reduction::Mean, _) => Engine::float_mean_dim(raw, axis),
            (Reduction::Prod, true) => Engine::float_prod_dim(raw, axis),
            (Reduction::Prod, false) => Engine::int_prod_dim(raw, axis),
            (Reduction::Max, true) => Engine::float_max_dim(raw, axis),
            (Reduction::Max, false) => Engine::int_max_dim(raw, axis),
            (Reduction::Min, true) => Engine::float_min_dim(raw, axis),
            (Reduction::Min, false) => Engine::int_min_dim(raw, axis),
            (Reduction::Any, _) => Engine::bool_any_dim(raw, axis),
            (Reduction::All, _) => Engine::bool_all_dim(raw, axis),
        };
        Ok(Tensor::from_raw(raw, x.dtype()))
    }

    fn operations(&self, operands: &[Spec], _: &Spec) -> u64 {
        operands.first().map_or(0, Spec::elements)
    }

    fn onnx(&self, call: &mut Call) -> Result<Value> {
        let [x] = call.numbers()?;
        // Of two booleans, 0 and 1, the larger one is their disjunction.
        let name = match self.by {
            Reduction::Sum => "ReduceSum",
            Reduction::Mean => "ReduceMean",
            Reduction::Prod => "ReduceProd",
            Reduction::Max | Reduction::Any => "ReduceMax",
            Reduction::Min | Reduction::All => "ReduceMin",
        };
        let (x, order) = call.graph.source(x).map_or((x, None), |(source, order)| (source, Some(order)));
        let axis = order.as_ref().and_then(|order| order.get(self.axis).copied()).unwrap_or(self.axis) as i64;
        let mut attributes = vec![("keepdims", Attribute::Int(1))];
        let is_input = call.graph.opset() >= 18 || self.by == Reduction::Sum;
        let value = if is_input {
            let axes = call.graph.ints(&[axis])?;
            call.operator(name, &[x, axes], attributes)?
        } else {
            attributes.push(("axes", Attribute::Ints(vec![axis])));
            call.operator(name, &[x], attributes)?
        };
        let value = order.map_or(value, |order| call.graph.transposed(value, &order));
        call.rounded(value)
    }
}
