//! A gated recurrent unit (GRU) over whole sequences, with Keras's gates, `reset_after` or not.
//!
//! Each task takes some sequences of the batch through all steps, with no waiting between threads.

use super::Context;
use super::epilogue::Epilogue;
use super::error::{Result, check_length, count};
use super::pack::Packed;
use super::region::Region;
use super::scratch;
use super::simd::{Kernel, Level, Simd, math};
use super::tile::{self, Left};

pub use super::recurrent::Sequence;

/// A GRU whose activations are tanh and sigmoid.
#[derive(Clone, Debug)]
pub struct Gru {
    inputs: usize,
    units: usize,
    /// The update and reset gates, of `[x, h]`.
    gates: Packed,
    gates_bias: Vec<f32>,
    candidate: Candidate,
}

/// How the candidate state is made.
#[derive(Clone, Debug)]
enum Candidate {
    /// `tanh(x · K + b + r · (h · R + b'))`: the reset gate comes after the product.
    After { kernel: Packed, bias: Vec<f32>, recurrent: Packed, recurrent_bias: Vec<f32> },
    /// `tanh([x, r · h] · K + b)`: the reset gate comes before it.
    Before { weights: Packed, bias: Vec<f32> },
}

impl Gru {
    /// Packs a kernel `[inputs][3 · units]` and a recurrent kernel `[units][3 · units]`, with the gates in
    /// Keras's order: update, reset, candidate. The bias is `[2][3 · units]` (of the kernel and of the
    /// recurrent kernel) with `reset_after`, and `[3 · units]` without.
    pub fn new(
        level: Level,
        units: usize,
        kernel: &[f32],
        recurrent: &[f32],
        bias: Option<&[f32]>,
        reset_after: bool,
    ) -> Result<Self> {
        let width = count(&[3, units])?;
        check_length("the recurrent kernel", count(&[units, width])?, recurrent)?;
        let inputs = kernel.len().checked_div(width).unwrap_or(0);
        check_length("the kernel", inputs * width, kernel)?;
        let biases = if reset_after { 2 * width } else { width };
        bias.map_or(Ok(()), |bias| check_length("the bias", biases, bias))?;
        let bias = bias.map_or(vec![0.0; biases], <[f32]>::to_vec);
        let (bias, recurrent_bias) = bias.split_at(width);
        let joined = [kernel, recurrent].concat();
        let mut gates_bias = bias[..2 * units].to_vec();
        gates_bias.iter_mut().zip(recurrent_bias).for_each(|(bias, recurrent)| *bias += recurrent);
        let gates = Packed::strided(level, &joined, [inputs + units, 2 * units], [width, 1])?;
        let last = |matrix: &[f32], rows: usize| {
            Packed::strided(level, matrix.get(2 * units..).unwrap_or_default(), [rows, units], [width, 1])
        };
        let candidate_bias = bias[2 * units..].to_vec();
        let candidate = if reset_after {
            Candidate::After {
                kernel: last(kernel, inputs)?,
                bias: candidate_bias,
                recurrent: last(recurrent, units)?,
                recurrent_bias: recurrent_bias[2 * units..].to_vec(),
            }
        } else {
            Candidate::Before { weights: last(&joined, inputs + units)?, bias: candidate_bias }
        };
        Ok(Self { inputs, units, gates, gates_bias, candidate })
    }

    /// Runs all steps of `x`, `[batch][steps][inputs]`. `h`, `[batch][units]`, is the state before the first
    /// step, and becomes that after the last one. Hidden states go to `out`, `[batch][steps][units]` or
    /// `[batch][units]`.
    pub fn run(
        &self,
        context: &Context<'_>,
        sequence: &Sequence,
        x: &[f32],
        h: &mut [f32],
        out: &mut [f32],
    ) -> Result<()> {
        let extents @ [inputs, units] = [self.inputs, self.units];
        sequence.check(extents, x, out, h)?;
        self.gates.check_level(context.level)?;
        if sequence.steps == 0 && !sequence.all_steps {
            out.copy_from_slice(h);
        }
        sequence.for_each(context, inputs + units, 3, units, [out, h], &|[mut out, mut h]| {
            let rows = out.rows();
            let joined = rows.len() * (inputs + units);
            scratch::with(joined + rows.len() * 4 * units, |buffer| {
                let (joined, rest) = buffer.split_at_mut(joined);
                let (gates, rest) = rest.split_at_mut(rows.len() * 2 * units);
                let (candidate, inner) = rest.split_at_mut(rows.len() * units);
                let mut task = Task { kernel: self, joined, gates, candidate, inner, rows: rows.len() };
                for step in 0..sequence.steps {
                    sequence.read_step(x, extents, rows.start, step, task.joined);
                    for (i, row) in rows.clone().enumerate() {
                        let start = i * (inputs + units) + inputs;
                        task.joined[start..start + units].copy_from_slice(h.row(row));
                    }
                    task.multiply(context.level);
                    for (i, row) in rows.clone().enumerate() {
                        context.level.run(Step { task: &task, row: i, h: h.row(row) });
                        if let Some(columns) = sequence.written(step, units) {
                            out.row(row)[columns].copy_from_slice(h.row(row));
                        }
                    }
                }
            });
        });
        Ok(())
    }
}

/// Some sequences of the batch.
struct Task<'a> {
    kernel: &'a Gru,
    rows: usize,
    /// `[x, h]` of each sequence.
    joined: &'a mut [f32],
    gates: &'a mut [f32],
    candidate: &'a mut [f32],
    /// With `reset_after`, the recurrent part of the candidate.
    inner: &'a mut [f32],
}

impl Task<'_> {
    /// The products of one step.
    fn multiply(&mut self, level: Level) {
        let (inputs, units) = (self.kernel.inputs, self.kernel.units);
        let depth = inputs + units;
        let product = |joined: &[f32], first, columns, weights: &Packed, bias: &[f32], out: &mut [f32]| {
            let left = Left::matrix(joined, first, self.rows, columns, depth);
            let epilogue = Epilogue { bias: Some(bias), ..Epilogue::default() };
            tile::multiply(level, &left, &weights.right(), &epilogue, Region::whole(out, weights.columns()));
        };
        product(self.joined, 0, depth, &self.kernel.gates, &self.kernel.gates_bias, self.gates);
        match &self.kernel.candidate {
            Candidate::After { kernel, bias, recurrent, recurrent_bias } => {
                product(self.joined, 0, inputs, kernel, bias, self.candidate);
                product(self.joined, inputs, units, recurrent, recurrent_bias, self.inner);
            }
            Candidate::Before { weights, bias } => {
                for (joined, gates) in self.joined.chunks_exact_mut(depth).zip(self.gates.chunks_exact(2 * units)) {
                    level.run(Reset { h: &mut joined[inputs..], gate: &gates[units..] });
                }
                product(self.joined, 0, depth, weights, bias, self.candidate);
            }
        }
    }
}

/// `h = sigmoid(gate) · h`.
struct Reset<'a> {
    h: &'a mut [f32],
    gate: &'a [f32],
}

impl Kernel for Reset<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        for (h, gate) in self.h.chunks_mut(S::LANES).zip(self.gate.chunks(S::LANES)) {
            let gate = math::sigmoid(s, s.load_slice(gate));
            let product = s.mul(gate, s.load_slice(h));
            s.store_slice(h, product);
        }
    }
}

/// The new state of one sequence: `h = z · h + (1 - z) · candidate`.
struct Step<'a, 'b> {
    task: &'a Task<'b>,
    row: usize,
    h: &'a mut [f32],
}

impl Kernel for Step<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let units = self.task.kernel.units;
        let gates = &self.task.gates[self.row * 2 * units..];
        let candidate = &self.task.candidate[self.row * units..];
        let inner = match self.task.kernel.candidate {
            Candidate::After { .. } => Some(&self.task.inner[self.row * units..]),
            Candidate::Before { .. } => None,
        };
        for at in (0..units).step_by(S::LANES) {
            let here = at..units.min(at + S::LANES);
            let update = math::sigmoid(s, s.load_slice(&gates[here.clone()]));
            let mut sum = s.load_slice(&candidate[here.clone()]);
            if let Some(inner) = inner {
                let reset = math::sigmoid(s, s.load_slice(&gates[units + here.start..units + here.end]));
                sum = s.mul_add(reset, s.load_slice(&inner[here.clone()]), sum);
            }
            let candidate = math::tanh(s, sum);
            let h = s.load_slice(&self.h[here.clone()]);
            s.store_slice(&mut self.h[here], s.mul_add(update, s.sub(h, candidate), candidate));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{assert_close, everywhere, numbers, scaled, wide};

    fn compare(sequence: Sequence, inputs: usize, units: usize, reset_after: bool) {
        let Sequence { batch, steps, .. } = sequence;
        let width = 3 * units;
        let x = numbers(batch * steps * inputs, 1);
        let kernel = scaled(numbers(inputs * width, 2), inputs);
        let recurrent = scaled(numbers(units * width, 3), units);
        let bias = numbers(if reset_after { 2 * width } else { width }, 4);
        let h = numbers(batch * units, 5);
        let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
        let (x64, k64, r64, b64) = (wide(&x), wide(&kernel), wide(&recurrent), wide(&bias));
        let dot = |x: &[f64], matrix: &[f64], column: usize| -> f64 {
            x.iter().enumerate().map(|(i, x)| x * matrix[i * width + column]).sum()
        };
        let (mut expected, mut last) = (Vec::new(), wide(&h));
        for n in 0..batch {
            let h = &mut last[n * units..(n + 1) * units];
            for step in 0..steps {
                let at = if sequence.backwards { steps - 1 - step } else { step };
                let x = &x64[(n * steps + at) * inputs..][..inputs];
                let from_x = |j: usize| dot(x, &k64, j) + b64[j];
                let old = h.to_vec();
                let from_h = |j: usize| dot(&old, &r64, j) + if reset_after { b64[width + j] } else { 0.0 };
                let gate = |j: usize| sigmoid(from_x(j) + from_h(j));
                let reset: Vec<f64> = (0..units).map(|u| gate(units + u)).collect();
                let reduced: Vec<f64> = old.iter().zip(&reset).map(|(h, r)| h * r).collect();
                for u in 0..units {
                    let inner = match reset_after {
                        true => reset[u] * from_h(2 * units + u),
                        false => dot(&reduced, &r64, 2 * units + u),
                    };
                    let candidate = (from_x(2 * units + u) + inner).tanh();
                    let z = gate(u);
                    h[u] = z * old[u] + (1.0 - z) * candidate;
                }
                if sequence.all_steps || step + 1 == steps {
                    expected.extend_from_slice(h);
                }
            }
        }
        everywhere(|context| {
            let gru = Gru::new(context.level, units, &kernel, &recurrent, Some(&bias), reset_after).unwrap();
            let (mut h, mut out) = (h.clone(), vec![f32::NAN; expected.len()]);
            gru.run(context, &sequence, &x, &mut h, &mut out).unwrap();
            let what = format!("{:?} {sequence:?} {inputs} {units} {reset_after}", context.level);
            assert_close(&out, &expected, &what);
            assert_close(&h, &last, &what);
        });
    }

    #[test]
    fn sequences() {
        for (batch, steps, inputs, units) in
            [(1, 1, 1, 1), (2, 3, 5, 7), (17, 4, 3, 8), (33, 5, 31, 32), (3, 2, 32, 33), (2, 20, 4, 16), (2, 2, 0, 3)]
        {
            for flags in 0..8 {
                let [backwards, all_steps, reset_after] = [1, 2, 4].map(|flag| flags & flag != 0);
                compare(Sequence { batch, steps, backwards, all_steps }, inputs, units, reset_after);
            }
        }
    }

    #[test]
    fn wrong_lengths_are_errors() {
        let context = Context::default();
        assert!(Gru::new(context.level, 2, &[0.0; 5], &[0.0; 12], None, true).is_err());
        assert!(Gru::new(context.level, 2, &[0.0; 6], &[0.0; 11], None, true).is_err());
        assert!(Gru::new(context.level, 2, &[0.0; 6], &[0.0; 12], Some(&[0.0; 6]), true).is_err());
        let gru = Gru::new(context.level, 2, &[0.0; 6], &[0.0; 12], None, false).unwrap();
        let sequence = Sequence { batch: 1, steps: 3, backwards: false, all_steps: true };
        let run = |x: usize, h: usize, out: usize| {
            gru.run(&context, &sequence, &vec![0.0; x], &mut vec![1.0; h], &mut vec![0.0; out])
        };
        run(3, 2, 6).unwrap();
        assert!(run(2, 2, 6).is_err() && run(3, 1, 6).is_err() && run(3, 2, 7).is_err());
        let none = Sequence { steps: 0, all_steps: false, ..sequence };
        let mut out = [0.0; 2];
        gru.run(&context, &none, &[], &mut [1.0, 2.0], &mut out).unwrap();
        assert_eq!(out, [1.0, 2.0]);
    }
}
