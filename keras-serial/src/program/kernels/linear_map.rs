//! Linear functions of a tensor, whose gradient is the transposed function.

use std::fmt::Debug;
use std::sync::Arc;

use burn_autodiff::checkpoint::base::Checkpointer;
use burn_autodiff::grads::Gradients;
use burn_autodiff::ops::{Backward, Ops, unary};
use burn_backend::{DType as BurnDType, TensorData, TensorMetadata};
use burn_flex::{Flex, FlexTensor};

use super::{plain, recorded, tracked, wrap, wrap_tracked};
use crate::tensor::engine::Raw;

/// A linear function of numbers in row-major order, computed in double precision.
pub(crate) trait LinearMap: Debug + Send + Sync + 'static {
    /// Computes the function.
    fn forward(&self, x: Vec<f64>) -> Vec<f64>;
    /// Computes the transposed function, which turns gradients of outputs into those of `x`.
    fn transposed(&self, gradient: Vec<f64>) -> Vec<f64>;
}

/// Runs the function; the result has this shape. `None` if the tensor is not on the CPU.
pub(crate) fn run(raw: &Raw, map: Arc<dyn LinearMap>, shape: &[usize]) -> Option<Raw> {
    let forward = |x: &FlexTensor| written(map.forward(read(x)?), shape, x.dtype());
    if let Some(x) = plain(raw) {
        return Some(wrap(forward(x)?, raw));
    }
    let x = tracked(raw)?;
    let input = x.primitive();
    let kept = Kept { map: Arc::clone(&map), shape: input.shape().to_vec() };
    Some(wrap_tracked(recorded(Transposed, [x.node()], kept, forward(input)?), raw))
}

fn read(x: &FlexTensor) -> Option<Vec<f64>> {
    let x = x.to_contiguous();
    match x.dtype() {
        BurnDType::F32 => Some(x.as_slice::<f32>()?.iter().map(|x| f64::from(*x)).collect()),
        BurnDType::F64 => Some(x.as_slice::<f64>()?.to_vec()),
        _ => None,
    }
}

fn written(values: Vec<f64>, shape: &[usize], dtype: BurnDType) -> Option<FlexTensor> {
    let shape = burn_backend::Shape::from(shape.to_vec());
    Some(FlexTensor::from_data(match dtype {
        BurnDType::F32 => TensorData::new(values.into_iter().map(|x| x as f32).collect::<Vec<f32>>(), shape),
        BurnDType::F64 => TensorData::new(values, shape),
        _ => return None,
    }))
}

/// The state of the backward step: the function and the input's shape.
#[derive(Clone, Debug)]
struct Kept {
    map: Arc<dyn LinearMap>,
    shape: Vec<usize>,
}

#[derive(Debug)]
struct Transposed;

impl Backward<Flex, 1> for Transposed {
    type State = Kept;

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let Kept { map, shape } = ops.state;
        unary::<Flex, _>(ops.parents, ops.node, grads, |gradient| {
            let turned = read(&gradient).and_then(|x| written(map.transposed(x), &shape, gradient.dtype()));
            turned.unwrap_or(gradient)
        });
    }
}
