//! What the sequence kernels of recurrent layers share: their extents, and how the batch is cut into tasks.

use super::Context;
use super::error::{Result, check, check_length, count};
use super::region::{self, Region};

/// Sequences of one task at most.
const ROWS: usize = 48;

/// How a recurrent layer runs over its sequences.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sequence {
    /// The number of sequences.
    pub batch: usize,
    /// Steps of a sequence.
    pub steps: usize,
    /// Whether it begins with the last step (`go_backwards`).
    pub backwards: bool,
    /// Is the hidden state of every step written (`return_sequences`), in the order in which they are made, or
    /// that of the last one?
    pub all_steps: bool,
}

impl Sequence {
    /// Numbers of a sequence's output.
    pub(crate) fn width(&self, units: usize) -> usize {
        if self.all_steps { self.steps * units } else { units }
    }

    /// Checks the lengths of an input, an output and a state.
    pub(crate) fn check(&self, [inputs, units]: [usize; 2], x: &[f32], out: &[f32], state: &[f32]) -> Result<()> {
        let Self { batch, steps, .. } = *self;
        check(units > 0, "there is at least one unit")?;
        check_length("the input", count(&[batch, steps, inputs])?, x)?;
        count(&[batch.max(ROWS), steps.max(8), inputs.saturating_add(units)])?;
        check_length("the output", count(&[batch, self.width(units)])?, out)?;
        check_length("the state", count(&[batch, units])?, state)
    }

    /// Shares out the sequences: `function` gets the outputs and the states of some of them.
    pub(crate) fn for_each<'a>(
        &self,
        context: &Context<'_>,
        depth: usize,
        gates: usize,
        units: usize,
        [out, state]: [&'a mut [f32]; 2],
        function: &(dyn Fn([Region<'a>; 2]) + Sync),
    ) {
        let work = [self.batch, self.steps, depth, gates, units].into_iter().fold(1, usize::saturating_mul);
        let pool = context.pool_for(work);
        let rows = self.batch.div_ceil(pool.threads()).clamp(1, ROWS);
        let matrices = [(out, self.width(units)), (state, units)];
        region::for_each_of_two(pool, matrices, [self.batch, rows], function);
    }

    /// Copies the inputs of a step to the first columns of rows of `[x, h]`.
    pub(crate) fn read_step(
        &self,
        x: &[f32],
        [inputs, units]: [usize; 2],
        first: usize,
        step: usize,
        joined: &mut [f32],
    ) {
        let step = if self.backwards { self.steps - 1 - step } else { step };
        for (row, joined) in joined.chunks_exact_mut(inputs + units).enumerate() {
            let from = ((first + row) * self.steps + step) * inputs;
            joined[..inputs].copy_from_slice(&x[from..from + inputs]);
        }
    }

    /// The columns of an output that a step writes, if any.
    pub(crate) fn written(&self, step: usize, units: usize) -> Option<std::ops::Range<usize>> {
        match self.all_steps {
            true => Some(step * units..(step + 1) * units),
            false => (step + 1 == self.steps).then_some(0..units),
        }
    }
}
