//! A loop over the steps of sequences, with a program as its body.

use std::sync::Arc;

use super::{Concat, Reshape, Slice, extents, shaped};
use crate::error::{Error, ErrorKind, Result};
use crate::program::onnx::{Attribute, Call, Value};
use crate::program::primitive::{Primitive, Spec};
use crate::program::primitives::Range;
use crate::program::{Operand, Program};
use crate::tensor::{Nested, Shape, Tensor};

/// A loop over the first axis of sequences. The operands are the first states and the sequences; the body takes
/// the states and a step of each sequence, and gives the next states and what is collected. The result is what
/// was collected, `(steps, …)`.
#[derive(Clone, Debug)]
pub(crate) struct Scan {
    body: Arc<Program>,
    states: usize,
}

impl Scan {
    /// Traces the body: `step` takes the states and a step of each sequence, and returns the next states and what
    /// is collected.
    ///
    /// # Errors
    /// Those of `step`, and if it can't be traced; if a state changes its shape or dtype.
    pub(crate) fn trace(
        states: &[Tensor],
        sequences: &[Tensor],
        step: impl FnOnce(&[Tensor], &[Tensor]) -> Result<(Vec<Tensor>, Tensor)>,
    ) -> Result<Self> {
        let one = |sequence: &Tensor| -> Result<Spec> {
            let shape = sequence.shape().dims().iter().skip(1).copied().collect::<Shape>();
            Ok(Spec { shape, dtype: sequence.dtype() })
        };
        let mut specs: Vec<Spec> = states.iter().map(Spec::of).collect();
        specs.extend(sequences.iter().map(one).collect::<Result<Vec<_>>>()?);
        let body = Program::trace_body(&specs, |inputs| {
            let (states, steps) = inputs.split_at_checked(states.len()).unwrap_or((inputs, &[]));
            let (next, collected) = step(states, steps)?;
            Ok(Nested::list(next.into_iter().chain([collected])))
        })?;
        let this = Self { body: Arc::new(body), states: states.len() };
        let outputs = this.outputs();
        let same = outputs.len() == states.len() + 1
            && outputs
                .iter()
                .zip(&specs)
                .take(states.len())
                .all(|(output, spec)| this.body.spec(*output).as_ref() == Some(spec));
        if !same {
            return Err(Error::new(ErrorKind::Shape, "the states of a loop change their shapes or dtypes"));
        }
        Ok(this)
    }

    fn outputs(&self) -> Vec<Operand> {
        self.body.outputs().leaves().into_iter().copied().collect()
    }
}

fn incomplete() -> Error {
    Error::new(ErrorKind::InvalidArgument, "a loop without states or sequences")
}

impl Primitive for Scan {
    fn name(&self) -> &'static str {
        "scan"
    }

    fn attributes(&self) -> Vec<(&'static str, String)> {
        vec![("states", self.states.to_string()), ("nodes", self.body.nodes().len().to_string())]
    }

    fn infer(&self, operands: &[Spec]) -> Result<Spec> {
        let sequence = operands.get(self.states).ok_or_else(incomplete)?;
        let collected = self.outputs().last().and_then(|output| self.body.spec(*output)).ok_or_else(incomplete)?;
        let mut shape = extents(&collected);
        shape.insert(0, sequence.shape.get(0)?);
        Ok(shaped(&collected, shape))
    }

    fn eval(&self, operands: &[&Tensor]) -> Result<Tensor> {
        let (states, sequences) = operands.split_at_checked(self.states).ok_or_else(incomplete)?;
        let mut states: Vec<Tensor> = states.iter().map(|state| (*state).clone()).collect();
        let steps = sequences.first().ok_or_else(incomplete)?.shape().dim(0)?;
        let mut collected = Vec::with_capacity(steps);
        for step in 0..steps {
            let mut inputs = states;
            for sequence in sequences {
                let shape = sequence.shape().known()?;
                let ranges = shape.iter().enumerate().map(|(axis, extent)| {
                    let (start, count) = if axis == 0 { (step, 1) } else { (0, *extent) };
                    Range { start, count, step: 1 }
                });
                let slice = Slice(ranges.collect()).eval(&[sequence])?;
                inputs.push(Reshape(shape.into_iter().skip(1).map(Some).collect()).eval(&[&slice])?);
            }
            let outputs = self.body.eval(&inputs)?;
            let mut outputs: Vec<Tensor> = outputs.leaves().into_iter().cloned().collect();
            let row = outputs.pop().ok_or_else(incomplete)?;
            let shape = std::iter::once(Some(1)).chain(row.shape().dims().iter().copied()).collect();
            collected.push(Reshape(shape).eval(&[&row])?);
            states = outputs;
        }
        Concat(0).eval(&collected.iter().collect::<Vec<_>>())
    }

    fn operations(&self, operands: &[Spec], _: &Spec) -> u64 {
        let steps = operands.get(self.states).and_then(|sequence| sequence.shape.dim(0).ok()).unwrap_or_default();
        steps as u64 * self.body.operations()
    }

    fn onnx(&self, call: &mut Call) -> Result<Value> {
        let operands = call.all().to_vec();
        let body = call.body(|scan: &Self| Some(&*scan.body))?;
        let mut dtypes: Vec<_> = operands.iter().take(self.states).map(|state| call.graph.dtype(*state)).collect();
        let collected = body.outputs.last().ok_or_else(incomplete)?;
        dtypes.push(call.graph.dtype(*collected));
        let sequences = (operands.len() - self.states.min(operands.len())) as i64;
        let attributes = vec![("num_scan_inputs", Attribute::Int(sequences)), ("body", Attribute::Body(body))];
        let outputs = call.graph.operator_with("Scan", &operands, attributes, &dtypes)?;
        outputs.last().copied().ok_or_else(incomplete)
    }
}

#[cfg(test)]
mod tests {
    use crate::layers::{GRU, Input, LSTM, LayerExt, LayerRef, Masking, TimeDistributed};
    use crate::models::{Functional, Model};
    use crate::tensor::Tensor;

    fn on_steps(layer: LayerRef) -> Model {
        let x = Input::new([None, Some(2)]).tensor().unwrap();
        let y = layer.apply(Masking::new().apply(&x).unwrap()).unwrap();
        Functional::new(x, y).unwrap()
    }

    #[test]
    fn a_loop_computes_what_its_steps_do() {
        for layer in [
            GRU::new(3).return_sequences(true).go_backwards(true).shared(),
            LSTM::new(3).zero_output_for_mask(true).return_sequences(true).shared(),
            TimeDistributed::new(crate::layers::Dense::new(3).shared()).shared(),
        ] {
            let model = on_steps(layer);
            let mut lengths = Vec::new();
            for steps in [3, 5] {
                // The second step is masked.
                let number = |i: usize| if i / 2 % steps == 1 { 0.0 } else { (i as f32 * 0.7).sin() };
                let x = Tensor::from_vec((0..4 * steps).map(number).collect(), [2, steps, 2]).unwrap();
                let program = model.program_with_loops(&[x.shape().clone()]).unwrap();
                assert_eq!(program.nodes().iter().filter(|node| node.primitive.name() == "scan").count(), 1);
                lengths.push(program.nodes().len());
                let expected = model.predict(&x).unwrap().to_vec::<f32>().unwrap();
                let found = program.eval(&[x]).unwrap().into_single().unwrap();
                assert_eq!(found.shape().dims().len(), 3);
                let found = found.to_vec::<f32>().unwrap();
                assert_eq!(found.len(), expected.len());
                assert!(found.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-6), "{found:?} {expected:?}");
            }
            assert_eq!(lengths[0], lengths[1]);
        }
    }
}
