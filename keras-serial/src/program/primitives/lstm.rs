//! An LSTM over a whole sequence.

use super::{extents, shaped};
use crate::error::{Error, ErrorKind, Result};
use crate::program::kernels::lstm;
use crate::program::onnx::{Attribute, Call, Extent, Value};
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
        let steps = inputs.shape.get(0)?;
        Ok(shaped(inputs, [Some(2), steps].into_iter().chain(extents(h)).collect::<Vec<_>>()))
    }

    fn eval(&self, operands: &[&Tensor]) -> Result<Tensor> {
        let [inputs, recurrent, h, c] = exactly(operands)?;
        let states = lstm::run(inputs.raw()?, recurrent.raw()?, h.raw()?, c.raw()?).ok_or_else(|| {
            Error::new(ErrorKind::Unsupported, "the LSTM runs on the CPU, in float32").received(inputs.dtype().name())
        })?;
        Ok(Tensor::from_raw(states, inputs.dtype()))
    }

    fn operations(&self, operands: &[Spec], result: &Spec) -> u64 {
        // A product with the recurrent kernel, and some ten operations on each state.
        let [_, recurrent, ..] = operands else { return 0 };
        let units = recurrent.shape.dim(0).unwrap_or(1).max(1) as u64;
        let states = result.elements() / 2;
        states / units * 2 * recurrent.elements() + 10 * states
    }

    fn onnx(&self, call: &mut Call) -> Result<Value> {
        let [inputs, recurrent, h, c] = call.operands()?;
        let units = call.extents(h)?.get(1).and_then(Extent::known);
        let units = units.ok_or_else(|| call.unsupported("an LSTM of an unknown number of units"))? as i64;
        let dtype = call.graph.dtype(inputs);
        let recurrent = call.graph.plain(recurrent)?;
        let step = call.extents(inputs)?.into_iter().skip(1).collect::<Vec<_>>();
        let state = call.extents(h)?;
        let body = call.graph.body(|graph| {
            let h = graph.input("h", dtype, &state);
            let c = graph.input("c", dtype, &state);
            let step = graph.input("step", dtype, &step);
            let product = graph.operator("MatMul", &[h, recurrent], vec![], dtype)?;
            let sum = graph.operator("Add", &[step, product], vec![], dtype)?;
            let mut parts = Vec::new();
            for (start, name) in [(0, "Sigmoid"), (1, "Sigmoid"), (2, "Tanh"), (3, "Sigmoid")] {
                let (start, end) = (graph.ints(&[start * units])?, graph.ints(&[(start + 1) * units])?);
                let axis = graph.ints(&[-1])?;
                let part = graph.operator("Slice", &[sum, start, end, axis], vec![], dtype)?;
                parts.push(graph.operator(name, &[part], vec![], dtype)?);
            }
            let [input, forget, candidate, output] = *parts else {
                return Err(Error::new(ErrorKind::InvalidArgument, "an LSTM has four gates"));
            };
            let kept = graph.operator("Mul", &[forget, c], vec![], dtype)?;
            let added = graph.operator("Mul", &[input, candidate], vec![], dtype)?;
            let next = graph.operator("Add", &[kept, added], vec![], dtype)?;
            let bent = graph.operator("Tanh", &[next], vec![], dtype)?;
            let output = graph.operator("Mul", &[output, bent], vec![], dtype)?;
            // The states of the next step, and those that are collected.
            let mut outputs = vec![output, next];
            for state in [output, next] {
                outputs.push(graph.operator("Identity", &[state], vec![], dtype)?);
            }
            Ok((vec![h, c, step], outputs))
        })?;
        let attributes = vec![("num_scan_inputs", Attribute::Int(1)), ("body", Attribute::Body(body))];
        let outputs = call.graph.operator_with("Scan", &[h, c, inputs], attributes, &[dtype; 4])?;
        let [_, _, h, c] = *outputs else { return Err(call.unsupported("`Scan` has an output for each state")) };
        let axes = call.graph.ints(&[0])?;
        let h = call.operator("Unsqueeze", &[h, axes], vec![])?;
        let c = call.operator("Unsqueeze", &[c, axes], vec![])?;
        call.operator("Concat", &[h, c], vec![("axis", Attribute::Int(0))])
    }
}
