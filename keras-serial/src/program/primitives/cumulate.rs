//! Cumulative sums and products.

use burn_backend::ops::{FloatTensorOps, IntTensorOps};

use crate::error::Result;
use crate::program::primitive::{Primitive, Spec, exactly};
use crate::tensor::Tensor;
use crate::tensor::engine::Engine;

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
}
