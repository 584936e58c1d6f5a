//! Whole sequences of recurrent cells as one operation.

use super::kernels::lstm;
use super::shape::unstack;
use crate::error::{Error, ErrorKind, Result};
use crate::tensor::{DType, Tensor};

/// The states `h` and `c` after each step, `(steps, batch, units)`, of an LSTM with tanh and sigmoid;
/// `None` where there is no kernel for the tensors.
///
/// `inputs`, `(steps, batch, 4 · units)`, are multiplied with their kernel already.
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
