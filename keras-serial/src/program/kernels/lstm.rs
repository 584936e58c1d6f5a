//! An LSTM over a whole sequence, for `float32` on the CPU.
//!
//! Step by step, the engine spends more time on recording gradients than on computing. Here the sequence is
//! one operation, and the gradient of the recurrent kernel is one matrix product.

use burn_autodiff::checkpoint::base::Checkpointer;
use burn_autodiff::grads::Gradients;
use burn_autodiff::ops::{Backward, Ops};
use burn_backend::TensorMetadata;
use burn_backend::ops::FloatTensorOps;
use burn_flex::{Flex, FlexTensor};
use rten_simd::SimdUnaryOp;
use rten_vecmath::{Sigmoid, Tanh};

use super::{joined, numbers, plain, recorded, tensor, tracked, wrap, wrap_tracked};
use crate::tensor::engine::Raw;

/// Returns all states, `(2, steps, batch, units)`: `h` and then `c`; `None` if the kernel does not apply.
///
/// `inputs`, `(steps, batch, 4 · units)`, are the projected inputs including the bias, in the order of the
/// steps; `recurrent` is `(units, 4 · units)`; `h` and `c` are `(batch, units)`.
pub(crate) fn run(inputs: Raw, recurrent: Raw, h: Raw, c: Raw) -> Option<Raw> {
    let operands = [inputs, recurrent, h, c];
    if let [Some(inputs), Some(recurrent), Some(h), Some(c)] = operands.each_ref().map(plain) {
        let (states, _) = forward(inputs, recurrent, h, c)?;
        return operands.first().map(|like| wrap(states, like));
    }
    // Operands that do not track gradients join as constants.
    let operands = operands.map(joined);
    let [Some(inputs), Some(recurrent), Some(h), Some(c)] = operands.each_ref().map(tracked) else { return None };
    let [a, b, d, e] = [inputs, recurrent, h, c].map(|x| x.primitive().clone());
    let (states, gates) = forward(&a, &b, &d, &e)?;
    let nodes = [inputs.node(), recurrent.node(), h.node(), c.node()];
    let kept = Kept { gates, states: states.clone(), recurrent: b, h: d, c: e };
    let states = recorded(Sequence, nodes, kept, states);
    operands.first().map(|like| wrap_tracked(states, like))
}

/// Computes the states and the gate values of all steps.
fn forward(
    inputs: &FlexTensor,
    recurrent: &FlexTensor,
    h: &FlexTensor,
    c: &FlexTensor,
) -> Option<(FlexTensor, FlexTensor)> {
    let &[steps, batch, width] = inputs.shape().as_slice() else { return None };
    let units = width / 4;
    let size = batch * units;
    if size == 0 || steps == 0 || recurrent.shape().as_slice() != [units, width] {
        return None;
    }
    let mut gates = numbers(&inputs.to_contiguous())?.to_vec();
    let (first_h, first_c) = (h.to_contiguous(), c.to_contiguous());
    let mut cells = numbers(&first_c).filter(|c| c.len() == size)?.to_vec();
    let mut hidden = first_h;
    numbers(&hidden).filter(|h| h.len() == size)?;
    let mut states = vec![0.0; 2 * steps * size];
    let (all_h, all_c) = states.split_at_mut(steps * size);
    for ((gates, all_h), all_c) in
        gates.chunks_mut(batch * width).zip(all_h.chunks_mut(size)).zip(all_c.chunks_mut(size))
    {
        let inner = Flex::float_matmul(hidden, recurrent.clone());
        gates.iter_mut().zip(numbers(&inner)?).for_each(|(gate, inner)| *gate += inner);
        for (gates, (c, (h, kept))) in gates
            .chunks_mut(width)
            .zip(cells.chunks_mut(units).zip(all_h.chunks_mut(units).zip(all_c.chunks_mut(units))))
        {
            let (input_forget, rest) = gates.split_at_mut(2 * units);
            let (candidate, output) = rest.split_at_mut(units);
            Sigmoid {}.map_mut(input_forget);
            Tanh {}.map_mut(candidate);
            Sigmoid {}.map_mut(output);
            let (input, forget) = input_forget.split_at(units);
            for (c, ((i, f), g)) in c.iter_mut().zip(input.iter().zip(forget).zip(&*candidate)) {
                *c = f * *c + i * g;
            }
            kept.copy_from_slice(c);
            h.copy_from_slice(c);
            Tanh {}.map_mut(h);
            h.iter_mut().zip(&*output).for_each(|(h, o)| *h *= o);
        }
        hidden = tensor(all_h.to_vec(), [batch, units]);
    }
    Some((tensor(states, [2, steps, batch, units]), tensor(gates, [steps, batch, width])))
}

/// The state of the backward step.
#[derive(Clone, Debug)]
struct Kept {
    gates: FlexTensor,
    states: FlexTensor,
    recurrent: FlexTensor,
    h: FlexTensor,
    c: FlexTensor,
}

/// The backward step: gradients of inputs, recurrent kernel and initial states.
#[derive(Debug)]
struct Sequence;

impl Backward<Flex, 4> for Sequence {
    type State = Kept;

    fn backward(self, ops: Ops<Self::State, 4>, grads: &mut Gradients, _: &mut Checkpointer) {
        let given = grads.consume::<Flex>(&ops.node).to_contiguous();
        let Some(results) = ops.state.backward(&given) else { return };
        for (parent, gradient) in ops.parents.into_iter().zip(results) {
            if let Some(parent) = parent {
                grads.register::<Flex>(parent.id, gradient);
            }
        }
    }
}

impl Kept {
    fn backward(&self, given: &FlexTensor) -> Option<[FlexTensor; 4]> {
        let &[_, steps, batch, units] = self.states.shape().as_slice() else { return None };
        let (size, width) = (batch * units, 4 * units);
        let (given_h, given_c) = numbers(given)?.split_at(steps * size);
        let (all_h, all_c) = numbers(&self.states)?.split_at(steps * size);
        let (first_h, first_c) = (self.h.to_contiguous(), self.c.to_contiguous());
        let (first_h, first_c) = (numbers(&first_h)?, numbers(&first_c)?);
        let gates = numbers(&self.gates)?;
        let transposed = self.recurrent.transpose(0, 1).to_contiguous();
        let mut sums = vec![0.0; gates.len()];
        let (mut dh, mut dc) = (vec![0.0; size], vec![0.0; size]);
        for step in (0..steps).rev() {
            let one = step * size..(step + 1) * size;
            add(&mut dh, given_h.get(one.clone())?);
            add(&mut dc, given_c.get(one.clone())?);
            let before = if step == 0 { first_c } else { all_c.get(one.start - size..one.start)? };
            let all = step * batch * width..(step + 1) * batch * width;
            let sums = sums.get_mut(all.clone())?;
            let mut tanh = all_c.get(one)?.to_vec();
            Tanh {}.map_mut(&mut tanh);
            for ((sums, gates), (((dh, dc), before), tanh)) in sums
                .chunks_mut(width)
                .zip(gates.get(all)?.chunks(width))
                .zip(dh.chunks(units).zip(dc.chunks_mut(units)).zip(before.chunks(units)).zip(tanh.chunks(units)))
            {
                back_through_gates(sums, gates, dh, dc, before, tanh);
            }
            let step = tensor(sums.to_vec(), [batch, width]);
            dh.copy_from_slice(numbers(&Flex::float_matmul(step, transposed.clone()))?);
        }
        // The states before each step: the initial ones, and all but the last.
        let mut before = first_h.to_vec();
        before.extend_from_slice(all_h.get(..(steps - 1) * size)?);
        let before = tensor(before, [steps * batch, units]).transpose(0, 1);
        let sums = tensor(sums, [steps * batch, width]);
        let recurrent = Flex::float_matmul(before, sums.clone());
        let inputs = sums.reshape([steps, batch, width].into());
        Some([inputs, recurrent, tensor(dh, [batch, units]), tensor(dc, [batch, units])])
    }
}

fn add(to: &mut [f32], what: &[f32]) {
    to.iter_mut().zip(what).for_each(|(to, what)| *to += what);
}

/// Computes the gradients of the gate sums for one sample; `dc` becomes the gradient of the previous cell
/// state.
fn back_through_gates(sums: &mut [f32], gates: &[f32], dh: &[f32], dc: &mut [f32], before: &[f32], tanh: &[f32]) {
    let units = dh.len();
    let (di, rest) = sums.split_at_mut(units);
    let (df, rest) = rest.split_at_mut(units);
    let (dg, d_o) = rest.split_at_mut(units);
    let (i, rest) = gates.split_at(units);
    let (f, rest) = rest.split_at(units);
    let (g, o) = rest.split_at(units);
    let gates = i.iter().zip(f).zip(g.iter().zip(o));
    let results = di.iter_mut().zip(df).zip(dg.iter_mut().zip(d_o));
    let states = dh.iter().zip(dc).zip(before.iter().zip(tanh));
    for ((((i, f), (g, o)), ((di, df), (dg, d_o))), ((dh, dc), (before, tanh))) in gates.zip(results).zip(states) {
        *d_o = dh * tanh * o * (1.0 - o);
        let total = *dc + dh * o * (1.0 - tanh * tanh);
        *di = total * g * i * (1.0 - i);
        *df = total * before * f * (1.0 - f);
        *dg = total * i * (1.0 - g * g);
        *dc = total * f;
    }
}
