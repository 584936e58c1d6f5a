//! Casting to another dtype.

use crate::error::Result;
use crate::program::onnx::{Call, Value};
use crate::program::primitive::{Primitive, Spec, exactly};
use crate::tensor::{DType, Tensor};

/// The conversion to a dtype.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cast(pub DType);

impl Primitive for Cast {
    fn name(&self) -> &'static str {
        "cast"
    }

    fn infer(&self, operands: &[Spec]) -> Result<Spec> {
        let [x] = exactly(operands)?;
        Ok(Spec { shape: x.shape.clone(), dtype: self.0 })
    }

    fn eval(&self, operands: &[&Tensor]) -> Result<Tensor> {
        let [x] = exactly(operands)?;
        crate::tensor::cast::cast(x, self.0)
    }

    fn operations(&self, _: &[Spec], _: &Spec) -> u64 {
        0
    }

    fn onnx(&self, call: &mut Call) -> Result<Value> {
        let [x] = call.operands()?;
        call.rounded(x)
    }
}
