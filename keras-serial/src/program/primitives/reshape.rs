//! Another shape of the same elements.

use burn_backend::ops::{BoolTensorOps, FloatTensorOps, IntTensorOps};

use super::{family, shaped};
use crate::error::Result;
use crate::program::primitive::{Primitive, Spec, exactly};
use crate::tensor::Tensor;
use crate::tensor::engine::Engine;

/// The same elements in row-major order, in a shape of as many elements.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reshape(pub Vec<usize>);

impl Primitive for Reshape {
    fn name(&self) -> &'static str {
        "reshape"
    }

    fn attributes(&self) -> Vec<(&'static str, String)> {
        vec![("shape", format!("{:?}", self.0))]
    }

    fn infer(&self, operands: &[Spec]) -> Result<Spec> {
        let [x] = exactly(operands)?;
        Ok(shaped(x, self.0.clone()))
    }

    fn eval(&self, operands: &[&Tensor]) -> Result<Tensor> {
        let [x] = exactly(operands)?;
        let dims = burn_backend::Shape::from(self.0.clone());
        family(
            x,
            |raw| Engine::float_reshape(raw, dims.clone()),
            |raw| Engine::int_reshape(raw, dims.clone()),
            |raw| Engine::bool_reshape(raw, dims.clone()),
        )
    }
}
