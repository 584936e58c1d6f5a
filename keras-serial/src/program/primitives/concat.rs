//! Concatenation along an axis.

use burn_backend::ops::{BoolTensorOps, FloatTensorOps, IntTensorOps};

use super::{extent_mut, extents, shaped};
use crate::error::{Error, ErrorKind, Result};
use crate::program::onnx::{Attribute, Call, Value};
use crate::program::primitive::{Primitive, Spec};
use crate::tensor::engine::{Engine, Raw};
use crate::tensor::{DType, Tensor};

/// The operands, of one dtype, one after the other along an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Concat(pub usize);

impl Primitive for Concat {
    fn name(&self) -> &'static str {
        "concat"
    }

    fn attributes(&self) -> Vec<(&'static str, String)> {
        vec![("axis", self.0.to_string())]
    }

    fn infer(&self, operands: &[Spec]) -> Result<Spec> {
        let [first, rest @ ..] = operands else {
            return Err(Error::new(ErrorKind::InvalidArgument, "nothing to join").expected("at least one tensor"));
        };
        let mut joined = extents(first);
        for x in rest {
            let mut other = extents(x);
            let (a, b) = (*extent_mut(&mut joined, self.0)?, *extent_mut(&mut other, self.0)?);
            // An extent that is unknown in one shape is taken from another.
            joined = joined.into_iter().zip(other).map(|(a, b)| a.or(b)).collect();
            *extent_mut(&mut joined, self.0)? = a.zip(b).and_then(|(a, b)| a.checked_add(b));
        }
        Ok(shaped(first, joined))
    }

    fn eval(&self, operands: &[&Tensor]) -> Result<Tensor> {
        let dtype = operands.first().map_or(DType::Float32, |x| x.dtype());
        let raws = operands.iter().map(|x| x.raw()).collect::<Result<Vec<Raw>>>()?;
        let raw = match dtype {
            DType::Bool => Engine::bool_cat(raws, self.0),
            dtype if dtype.is_float() => Engine::float_cat(raws, self.0),
            _ => Engine::int_cat(raws, self.0),
        };
        Ok(Tensor::from_raw(raw, dtype))
    }

    fn operations(&self, _: &[Spec], _: &Spec) -> u64 {
        0
    }

    fn onnx(&self, call: &mut Call) -> Result<Value> {
        let operands = call.all().to_vec();
        // Where all have their axes in one other order, so has the result.
        if let Some((sources, order)) = call.graph.sources(&operands)
            && let Some(axis) = order.get(self.0)
        {
            let value = call.operator("Concat", &sources, vec![("axis", Attribute::Int(*axis as i64))])?;
            return Ok(call.graph.transposed(value, &order));
        }
        call.operator("Concat", &operands, vec![("axis", Attribute::Int(self.0 as i64))])
    }
}
