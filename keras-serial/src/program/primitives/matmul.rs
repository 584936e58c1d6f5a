//! Products of matrices.

use burn_backend::ops::{FloatTensorOps, IntTensorOps};

use super::{extents, shaped};
use crate::error::{Error, ErrorKind, Result};
use crate::program::kernels::matmul;
use crate::program::onnx::{Call, Value};
use crate::program::primitive::{Primitive, Spec, exactly};
use crate::tensor::Tensor;
use crate::tensor::engine::Engine;

/// The products of the matrices in the last two axes; the axes before them are equal. Of floating-point
/// numbers or `int32`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MatMul;

impl Primitive for MatMul {
    fn name(&self) -> &'static str {
        "matmul"
    }

    fn infer(&self, operands: &[Spec]) -> Result<Spec> {
        let [x, y] = exactly(operands)?;
        let (mut a, b) = (extents(x), extents(y));
        match (a.as_mut_slice(), b.as_slice()) {
            ([.., _, inner], [.., rows, columns]) if inner == rows || inner.is_none() || rows.is_none() => {
                *inner = *columns
            }
            _ => {
                return Err(Error::new(ErrorKind::Shape, "the matrices do not fit")
                    .received(format!("shapes {} and {}", x.shape, y.shape)));
            }
        }
        Ok(shaped(x, a))
    }

    fn eval(&self, operands: &[&Tensor]) -> Result<Tensor> {
        let [x, y] = exactly(operands)?;
        let dtype = x.dtype();
        let (x, y) = (x.raw()?, y.raw()?);
        let product = if dtype.is_float() {
            matmul::run(&x, &y).unwrap_or_else(|| Engine::float_matmul(x, y))
        } else {
            Engine::int_matmul(x, y)
        };
        Ok(Tensor::from_raw(product, dtype))
    }

    fn operations(&self, operands: &[Spec], result: &Spec) -> u64 {
        let depth = operands.first().and_then(|x| x.shape.last().ok()).unwrap_or_default();
        2 * result.elements() * depth as u64
    }

    fn onnx(&self, call: &mut Call) -> Result<Value> {
        let [x, y] = call.numbers()?;
        let operands = call.graph.unexpanded(&[x, y], 2);
        let value = call.operator("MatMul", &operands, vec![])?;
        call.rounded(value)
    }
}
