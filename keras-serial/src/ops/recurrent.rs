//! Recurrent cells over whole sequences as one operation.

use super::shape::unstack;
use crate::error::{Error, ErrorKind, Result};
use crate::program;
use crate::program::primitives::{Lstm, Scan};
use crate::tensor::{DType, Shape, Tensor};

/// Runs an LSTM with tanh and sigmoid over a sequence: returns the states `h` and `c` after each step,
/// `(steps, batch, units)`, or `None` if there is no kernel for the tensors.
///
/// `inputs`, `(steps, batch, 4 · units)`, are already multiplied with their kernel.
pub(crate) fn lstm(inputs: &Tensor, recurrent: &Tensor, h: &Tensor, c: &Tensor) -> Result<Option<(Tensor, Tensor)>> {
    let operands = [inputs, recurrent, h, c];
    if operands.iter().any(|x| x.dtype() != DType::Float32) {
        return Ok(None);
    }
    program::infer_or_compute(&operands, None, || {
        let (&[steps, batch, width], &[units, _]) =
            (inputs.shape().known()?.as_slice(), recurrent.shape().known()?.as_slice())
        else {
            return Ok(None);
        };
        let is_state = |x: &Tensor| *x.shape() == Shape::from([batch, units]);
        if steps * batch * units == 0 || width != 4 * units || !is_state(h) || !is_state(c) {
            return Ok(None);
        }
        let mut parts = unstack(&program::apply(Lstm, &operands)?)?.into_iter();
        match (parts.next(), parts.next()) {
            (Some(h), Some(c)) => Ok(Some((h, c))),
            _ => Err(Error::new(ErrorKind::Engine, "a sequence gave no states")),
        }
    })
}

/// Runs a loop over the first axis of sequences, as one loop of the program that is traced: `step` takes the states
/// and a step of each sequence, and returns the next states and what is collected. Returns what was collected,
/// `(steps, …)`.
pub(crate) fn scan(
    states: &[Tensor],
    sequences: &[Tensor],
    step: impl FnOnce(&[Tensor], &[Tensor]) -> Result<(Vec<Tensor>, Tensor)>,
) -> Result<Tensor> {
    let scan = Scan::trace(states, sequences, step)?;
    program::apply(scan, &states.iter().chain(sequences).collect::<Vec<_>>())
}
