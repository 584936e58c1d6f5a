//! A long short-term memory (LSTM) over whole sequences, with Keras's gates and defaults.
//!
//! Each task takes some sequences of the batch through all steps, with no waiting between threads. A step
//! is one product of `[x, h]` with the kernel and the recurrent kernel packed as one matrix, and one pass
//! over the gates.

use super::Context;
use super::epilogue::{Activation, Epilogue};
use super::error::{Result, check_length, count};
use super::gemv;
use super::pack::Packed;
use super::region::Region;
use super::scratch;
use super::simd::{Kernel, Level, Simd, math};
use super::tile::{self, Left};

pub use super::recurrent::Sequence;

/// An LSTM whose activations are tanh and sigmoid.
#[derive(Clone, Debug)]
pub struct Lstm {
    inputs: usize,
    units: usize,
    weights: Packed,
    bias: Option<Vec<f32>>,
}

impl Lstm {
    /// Packs a kernel `[inputs][4 · units]`, a recurrent kernel `[units][4 · units]` and a bias
    /// `[4 · units]`, with the gates in Keras's order: input, forget, candidate, output.
    pub fn new(level: Level, units: usize, kernel: &[f32], recurrent: &[f32], bias: Option<&[f32]>) -> Result<Self> {
        let width = count(&[4, units])?;
        check_length("the recurrent kernel", count(&[units, width])?, recurrent)?;
        let inputs = kernel.len().checked_div(width).unwrap_or(0);
        check_length("the kernel", inputs * width, kernel)?;
        bias.map_or(Ok(()), |bias| check_length("the bias", width, bias))?;
        let weights = Packed::new(level, &[kernel, recurrent].concat(), inputs + units, width)?;
        Ok(Self { inputs, units, weights, bias: bias.map(<[f32]>::to_vec) })
    }

    /// The bytes that the packed weights take.
    pub fn bytes(&self) -> usize {
        self.weights.bytes()
    }

    /// Runs all steps of `x`, `[batch][steps][inputs]`. `h` and `c`, `[batch][units]`, are the states before the
    /// first step, and become those after the last one. Hidden states go to `out`, `[batch][steps][units]` or
    /// `[batch][units]`.
    pub fn run(
        &self,
        context: &Context<'_>,
        sequence: &Sequence,
        x: &[f32],
        [h, c]: [&mut [f32]; 2],
        out: &mut [f32],
    ) -> Result<()> {
        let extents @ [inputs, units] = [self.inputs, self.units];
        sequence.check(extents, x, out, h)?;
        check_length("the cells", h.len(), c)?;
        self.weights.check_level(context.level)?;
        if sequence.steps == 0 {
            if !sequence.all_steps {
                out.copy_from_slice(h);
            }
            return Ok(());
        }
        let first_h = &*h;
        sequence.for_each(context, inputs + units, 4, units, [&mut *out, c], &|[out, c]| {
            let rows = out.rows();
            let joined = rows.len() * (inputs + units);
            scratch::with(joined + rows.len() * 4 * units, |buffer| {
                let (joined, gates) = buffer.split_at_mut(joined);
                for (row, joined) in rows.clone().zip(joined.chunks_exact_mut(inputs + units)) {
                    joined[inputs..].copy_from_slice(&first_h[row * units..(row + 1) * units]);
                }
                let mut task = Task { kernel: self, joined, gates, c, out };
                for step in 0..sequence.steps {
                    sequence.read_step(x, extents, rows.start, step, task.joined);
                    task.multiply(context);
                    context.level.run(Step { task: &mut task, columns: sequence.written(step, units) });
                }
            });
        });
        let last = sequence.width(units) - units;
        for (h, out) in h.chunks_exact_mut(units).zip(out.chunks_exact(last + units)) {
            h.copy_from_slice(&out[last..]);
        }
        Ok(())
    }
}

/// Some sequences of the batch.
struct Task<'a, 'b> {
    kernel: &'a Lstm,
    /// `[x, h]` of each sequence.
    joined: &'a mut [f32],
    gates: &'a mut [f32],
    c: Region<'b>,
    out: Region<'b>,
}

impl Task<'_, '_> {
    /// The products of all gates.
    fn multiply(&mut self, context: &Context<'_>) {
        let (depth, width) = (self.kernel.inputs + self.kernel.units, 4 * self.kernel.units);
        let left = Left::matrix(self.joined, 0, self.out.rows().len(), depth, depth);
        let epilogue = Epilogue { bias: self.kernel.bias.as_deref(), residual: None, activation: Activation::Linear };
        if self.out.rows().len() == 1 {
            return gemv::run(context, self.joined, &self.kernel.weights, &epilogue, self.gates);
        }
        tile::multiply(context.level, &left, &self.kernel.weights.right(), &epilogue, Region::whole(self.gates, width));
    }
}

/// The gates of one step: `c = f · c + i · g`, `h = o · tanh(c)`.
struct Step<'a, 'b, 'c> {
    task: &'a mut Task<'b, 'c>,
    /// Where the hidden state is written, if it is.
    columns: Option<std::ops::Range<usize>>,
}

impl Kernel for Step<'_, '_, '_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let (inputs, units) = (self.task.kernel.inputs, self.task.kernel.units);
        let rows = self.task.out.rows();
        let joined = self.task.joined.chunks_exact_mut(inputs + units);
        for ((row, gates), joined) in rows.zip(self.task.gates.chunks_exact(4 * units)).zip(joined) {
            let c = self.task.c.row(row);
            let h = &mut joined[inputs..];
            let (input_forget, rest) = gates.split_at(2 * units);
            let ((input, forget), (candidate, output)) = (input_forget.split_at(units), rest.split_at(units));
            for at in (0..units).step_by(S::LANES) {
                let here = at..units.min(at + S::LANES);
                let input = math::sigmoid(s, s.load_slice(&input[here.clone()]));
                let forget = math::sigmoid(s, s.load_slice(&forget[here.clone()]));
                let candidate = math::tanh(s, s.load_slice(&candidate[here.clone()]));
                let output = math::sigmoid(s, s.load_slice(&output[here.clone()]));
                let cell = s.mul_add(forget, s.load_slice(&c[here.clone()]), s.mul(input, candidate));
                s.store_slice(&mut c[here.clone()], cell);
                s.store_slice(&mut h[here], s.mul(output, math::tanh(s, cell)));
            }
            if let Some(columns) = &self.columns {
                self.task.out.row(row)[columns.clone()].copy_from_slice(h);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{assert_close, everywhere, numbers, scaled, wide};

    fn compare(sequence: Sequence, inputs: usize, units: usize) {
        let Sequence { batch, steps, .. } = sequence;
        let x = numbers(batch * steps * inputs, 1);
        let kernel = scaled(numbers(inputs * 4 * units, 2), inputs);
        let recurrent = scaled(numbers(units * 4 * units, 3), units);
        let (bias, h, c) = (numbers(4 * units, 4), numbers(batch * units, 5), numbers(batch * units, 6));
        let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
        let (mut expected, mut last_h, mut last_c) = (Vec::new(), wide(&h), wide(&c));
        let (x64, k64, r64, b64) = (wide(&x), wide(&kernel), wide(&recurrent), wide(&bias));
        for n in 0..batch {
            let (h, c) = (&mut last_h[n * units..(n + 1) * units], &mut last_c[n * units..(n + 1) * units]);
            for step in 0..steps {
                let at = if sequence.backwards { steps - 1 - step } else { step };
                let x = &x64[(n * steps + at) * inputs..][..inputs];
                let gate = |j: usize| -> f64 {
                    let from_x: f64 = x.iter().enumerate().map(|(i, x)| x * k64[i * 4 * units + j]).sum();
                    let from_h: f64 = h.iter().enumerate().map(|(i, h)| h * r64[i * 4 * units + j]).sum();
                    b64[j] + from_x + from_h
                };
                let gates: Vec<f64> = (0..4 * units).map(gate).collect();
                for u in 0..units {
                    let (i, f) = (sigmoid(gates[u]), sigmoid(gates[units + u]));
                    c[u] = f * c[u] + i * gates[2 * units + u].tanh();
                    h[u] = sigmoid(gates[3 * units + u]) * c[u].tanh();
                }
                if sequence.all_steps || step + 1 == steps {
                    expected.extend_from_slice(h);
                }
            }
        }
        everywhere(|context| {
            let lstm = Lstm::new(context.level, units, &kernel, &recurrent, Some(&bias)).unwrap();
            let (mut h, mut c, mut out) = (h.clone(), c.clone(), vec![f32::NAN; expected.len()]);
            lstm.run(context, &sequence, &x, [&mut h, &mut c], &mut out).unwrap();
            let what = format!("{:?} {sequence:?} {inputs} {units}", context.level);
            assert_close(&out, &expected, &what);
            assert_close(&h, &last_h, &what);
            assert_close(&c, &last_c, &what);
        });
    }

    #[test]
    fn sequences() {
        for (batch, steps, inputs, units) in
            [(1, 1, 1, 1), (2, 3, 5, 7), (17, 4, 3, 8), (33, 5, 31, 32), (3, 2, 32, 33), (2, 20, 4, 16), (2, 2, 0, 3)]
        {
            for flags in 0..4 {
                let (backwards, all_steps) = (flags & 1 != 0, flags & 2 != 0);
                compare(Sequence { batch, steps, backwards, all_steps }, inputs, units);
            }
        }
    }

    #[test]
    fn wrong_lengths_are_errors() {
        let context = Context::default();
        assert!(Lstm::new(context.level, 2, &[0.0; 7], &[0.0; 16], None).is_err());
        assert!(Lstm::new(context.level, 2, &[0.0; 8], &[0.0; 15], None).is_err());
        assert!(Lstm::new(context.level, 2, &[0.0; 8], &[0.0; 16], Some(&[0.0; 2])).is_err());
        let lstm = Lstm::new(context.level, 2, &[0.0; 8], &[0.0; 16], None).unwrap();
        let sequence = Sequence { batch: 1, steps: 3, backwards: false, all_steps: true };
        let run = |x: usize, h: usize, c: usize, out: usize| {
            let (mut h, mut c, mut out) = (vec![1.0; h], vec![0.0; c], vec![0.0; out]);
            lstm.run(&context, &sequence, &vec![0.0; x], [&mut h, &mut c], &mut out)
        };
        run(3, 2, 2, 6).unwrap();
        for (x, h, c, out) in [(2, 2, 2, 6), (3, 1, 2, 6), (3, 2, 1, 6), (3, 2, 2, 5)] {
            assert!(run(x, h, c, out).is_err());
        }
        let none = Sequence { steps: 0, all_steps: false, ..sequence };
        let mut out = [0.0; 2];
        lstm.run(&context, &none, &[], [&mut [1.0, 2.0], &mut [0.0; 2]], &mut out).unwrap();
        assert_eq!(out, [1.0, 2.0]);
    }
}
