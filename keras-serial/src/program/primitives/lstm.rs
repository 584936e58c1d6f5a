//! An LSTM over a whole sequence.

use super::{extents, shaped};
use crate::error::{Error, ErrorKind, Result};
use crate::program::kernels::lstm;
use crate::program::primitive::{Primitive, Spec, exactly};
use crate::tensor::Tensor;

/// The states of an LSTM with tanh and sigmoid after each step, `(2, steps, batch, units)` for `h` and `c`: of
/// inputs that are already multiplied with their kernel, `(steps, batch, 4 · units)`, the recurrent kernel,
/// and the first `h` and `c`. Of `float32`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lstm;

impl Primitive for Lstm {
    fn name(&self) -> &'static str {
        "lstm"
    }

    fn infer(&self, operands: &[Spec]) -> Result<Spec> {
        let [inputs, _, h, _] = exactly(operands)?;
        let steps = inputs.shape.dim(0)?;
        Ok(shaped(inputs, [2, steps].into_iter().chain(extents(h)?).collect::<Vec<_>>()))
    }

    fn eval(&self, operands: &[&Tensor]) -> Result<Tensor> {
        let [inputs, recurrent, h, c] = exactly(operands)?;
        let states = lstm::run(inputs.raw()?, recurrent.raw()?, h.raw()?, c.raw()?).ok_or_else(|| {
            Error::new(ErrorKind::Unsupported, "the LSTM runs on the CPU, in float32").received(inputs.dtype().name())
        })?;
        Ok(Tensor::from_raw(states, inputs.dtype()))
    }
}
