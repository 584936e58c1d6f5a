//! Another shape of the same elements.

use burn_backend::ops::{BoolTensorOps, FloatTensorOps, IntTensorOps};

use super::{extents_text, family, shaped};
use crate::error::Result;
use crate::program::onnx::{Attribute, Call, Extent, Value};
use crate::program::primitive::{Primitive, Spec, exactly};
use crate::tensor::engine::Engine;
use crate::tensor::{Shape, Tensor};

/// The same elements in row-major order, in a shape of as many elements; of symbols, also in one with unknown extents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reshape(pub Shape);

impl Primitive for Reshape {
    fn name(&self) -> &'static str {
        "reshape"
    }

    fn attributes(&self) -> Vec<(&'static str, String)> {
        vec![("shape", extents_text(&self.0))]
    }

    fn infer(&self, operands: &[Spec]) -> Result<Spec> {
        let [x] = exactly(operands)?;
        Ok(shaped(x, self.0.clone()))
    }

    fn is_open(&self) -> bool {
        !self.0.is_known()
    }

    fn eval(&self, operands: &[&Tensor]) -> Result<Tensor> {
        let [x] = exactly(operands)?;
        let dims = burn_backend::Shape::from(self.0.known()?);
        family(
            x,
            |raw| Engine::float_reshape(raw, dims.clone()),
            |raw| Engine::int_reshape(raw, dims.clone()),
            |raw| Engine::bool_reshape(raw, dims.clone()),
        )
    }

    fn operations(&self, _: &[Spec], _: &Spec) -> u64 {
        0
    }

    fn onnx(&self, call: &mut Call) -> Result<Value> {
        let [x] = call.operands()?;
        let (from, to) = (call.extents(x)?, call.result());
        if from == to {
            return Ok(x);
        }
        let known: Option<Vec<usize>> = to.iter().map(Extent::known).collect();
        if let Some(reshaped) = known.and_then(|shape| call.graph.reshaped(x, &shape)) {
            return Ok(reshaped);
        }
        // 0 stands for the same extent as before, and -1 once for what is left.
        let mut shape: Vec<Option<i64>> = to
            .iter()
            .enumerate()
            .map(|(axis, extent)| match extent.known() {
                Some(0) => None,
                Some(known) => Some(known as i64),
                None => (from.get(axis) == Some(extent)).then_some(0),
            })
            .collect();
        let is_empty = to.iter().any(|extent| extent.known() == Some(0));
        let open = shape.iter().filter(|extent| extent.is_none()).count();
        let shape = if is_empty || open > 1 {
            call.graph.shape(&to)?
        } else {
            for extent in &mut shape {
                extent.get_or_insert(-1);
            }
            call.graph.ints(&shape.into_iter().flatten().collect::<Vec<_>>())?
        };
        call.operator("Reshape", &[x, shape], if is_empty { vec![("allowzero", Attribute::Int(1))] } else { vec![] })
    }
}
