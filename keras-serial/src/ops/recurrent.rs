//! Recurrent cells over whole sequences as one operation.

use super::kernels::lstm;
use super::shape::unstack;
use crate::error::{Error, ErrorKind, Result};
use crate::tensor::{DType, Tensor};

/// Runs an LSTM with tanh and sigmoid over a sequence: returns the states `h` and `c` after each step,
/// `(steps, batch, units)`, or `None` if there is no kernel for the tensors.
///
/// `inputs`, `(steps, batch, 4 · units)`, are already multiplied with their kernel.
pub(crate) fn lstm(inputs: &Tensor, recurrent: &Tensor, h: &Tensor, c: &Tensor) -> Result<Option<(Tensor, Tensor)>> {
    let operands = [inputs, recurrent, h, c];
    if operands.iter().any(|x| x.is_symbolic() || x.dtype() != DType::Float32) {
        return Ok(None);
    }
    let Some(states) = lstm::run(inputs.raw()?, recurrent.raw()?, h.raw()?, c.raw()?) else { return Ok(None) };
    let mut parts = unstack(&Tensor::from_raw(states, DType::Float32))?.into_iter();
    match (parts.next(), parts.next()) {
        (Some(h), Some(c)) => Ok(Some((h, c))),
        _ => Err(Error::new(ErrorKind::Engine, "a sequence gave no states")),
    }
}
