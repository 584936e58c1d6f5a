//! Reversal of axes.

use burn_backend::ops::{BoolTensorOps, FloatTensorOps, IntTensorOps};

use super::family;
use crate::error::Result;
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
}
