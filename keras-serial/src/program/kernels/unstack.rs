//! Splitting a tensor into the entries of its first axis, with gradients joined once.
//!
//! The engine's gradient of a slice is as large as the whole tensor, so that the time for many slices grows
//! with the square of their number.

use std::sync::{Arc, Mutex};

use burn_autodiff::checkpoint::base::Checkpointer;
use burn_autodiff::grads::Gradients;
use burn_autodiff::ops::{Backward, Ops, unary};
use burn_backend::ops::FloatTensorOps;
use burn_backend::{DType as BurnDType, Shape, TensorMetadata};
use burn_flex::{Flex, FlexTensor};

use super::{plain, recorded, tracked, wrap, wrap_tracked};
use crate::tensor::engine::Raw;
use crate::utils::Locked;

/// Returns the entries of the first axis; `None` if the tensor is not on the CPU.
pub(crate) fn run(raw: &Raw) -> Option<Vec<Raw>> {
    if let Some(x) = plain(raw) {
        return Some(entries(x).map(|entry| wrap(entry, raw)).collect());
    }
    let x = tracked(raw)?;
    let whole = x.primitive().clone();
    let parts = Arc::new(Parts::of(&whole));
    let all = recorded(Join, [x.node()], Arc::clone(&parts), whole.clone());
    let follow = |(index, entry)| wrap_tracked(recorded(Entry, [all.node()], (Arc::clone(&parts), index), entry), raw);
    Some(entries(&whole).enumerate().map(follow).collect())
}

fn entries(x: &FlexTensor) -> impl Iterator<Item = FlexTensor> {
    let shape = x.shape();
    let (count, rest) = shape.split_first().map_or((0, Vec::new()), |(count, rest)| (*count, rest.to_vec()));
    // Contiguous tensors are split without copies.
    let x = x.to_contiguous();
    (0..count).map(move |index| x.narrow(0, index, 1).reshape(Shape::from(rest.clone())))
}

/// The gradients of the entries that have one.
#[derive(Debug)]
struct Parts {
    shape: Shape,
    dtype: BurnDType,
    gradients: Mutex<Vec<Option<FlexTensor>>>,
}

impl Parts {
    fn of(whole: &FlexTensor) -> Self {
        let (shape, dtype) = (whole.shape(), whole.dtype());
        let count = shape.first().copied().unwrap_or(0);
        Self { shape, dtype, gradients: Mutex::new(vec![None; count]) }
    }

    fn keep(&self, index: usize, gradient: FlexTensor) {
        let mut gradients = self.gradients.locked();
        if let Some(place) = gradients.get_mut(index) {
            *place = Some(gradient);
        }
    }

    fn joined(&self) -> FlexTensor {
        let mut one = self.shape.clone();
        if let Some(first) = one.first_mut() {
            *first = 1;
        }
        let gradients = std::mem::take(&mut *self.gradients.locked());
        let part = |gradient: Option<FlexTensor>| match gradient {
            Some(gradient) => gradient.reshape(one.clone()),
            None => FlexTensor::zeros(one.clone(), self.dtype),
        };
        Flex::float_cat(gradients.into_iter().map(part).collect(), 0)
    }
}

/// The backward step of an entry: keeps its gradient for [`Join`], and passes on a single zero so that `Join`
/// runs.
#[derive(Debug)]
struct Entry;

impl Backward<Flex, 1> for Entry {
    type State = (Arc<Parts>, usize);

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let (parts, index) = ops.state;
        unary::<Flex, _>(ops.parents, ops.node, grads, |gradient| {
            parts.keep(index, gradient);
            FlexTensor::zeros(Shape::from([1]), parts.dtype)
        });
    }
}

/// The backward step of the whole tensor, which runs after those of all entries.
#[derive(Debug)]
struct Join;

impl Backward<Flex, 1> for Join {
    type State = Arc<Parts>;

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let parts = ops.state;
        unary::<Flex, _>(ops.parents, ops.node, grads, |_| parts.joined());
    }
}

#[cfg(test)]
mod tests {
    use crate::ops;
    use crate::ops::Axes;
    use crate::ops::shape::{index_axis, unstack};
    use crate::tensor::Tensor;

    fn gradient(parts: fn(&Tensor) -> Vec<Tensor>) -> Vec<f32> {
        let x = Tensor::from_vec((0..24).map(|i| i as f32).collect::<Vec<_>>(), [4, 3, 2]).unwrap();
        let x = x.watched().unwrap();
        let parts = parts(&x);
        // One entry is used twice, one not at all.
        let squares = ops::multiply(&parts[1], &parts[1]).unwrap();
        let rest = ops::multiply(&parts[3], &parts[0]).unwrap();
        let loss = ops::sum(&ops::add(&squares, &rest).unwrap(), Axes::all(), false).unwrap();
        loss.backward().unwrap().get(&x).unwrap().to_vec().unwrap()
    }

    #[test]
    fn gradients_are_those_of_slices() {
        let slices = |x: &Tensor| (0..4).map(|i| index_axis(x, 0, i).unwrap()).collect();
        assert_eq!(gradient(|x| unstack(x).unwrap()), gradient(slices));
    }

    #[test]
    fn entries_of_what_does_not_lie_in_one_piece() {
        let x = Tensor::from_vec((0..6).map(|i| i as f32).collect::<Vec<_>>(), [2, 3]).unwrap();
        let parts = unstack(&ops::transpose(&x, None).unwrap()).unwrap();
        let parts: Vec<Vec<f32>> = parts.iter().map(|part| part.to_vec().unwrap()).collect();
        assert_eq!(parts, [[0.0, 3.0], [1.0, 4.0], [2.0, 5.0]]);
    }
}
