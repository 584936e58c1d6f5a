//! CPU kernels where the engine's are slow, each with its gradient.

pub(crate) mod conv;
pub(crate) mod dense;
pub(crate) mod elementwise;
pub(crate) mod fft;
mod gemm;
pub(crate) mod linear_map;
pub(crate) mod lstm;
pub(crate) mod matmul;
pub(crate) mod unstack;

use burn_autodiff::Autodiff;
use burn_autodiff::checkpoint::strategy::NoCheckpointing;
use burn_autodiff::ops::{Backward, NodeGuard, OpsKind};
use burn_backend::AutodiffBackend;
use burn_backend::DType as BurnDType;
use burn_backend::TensorData;
use burn_backend::tensor::FloatTensor;
use burn_dispatch::{BackendTensor, DispatchTensorKind};
use burn_flex::{Flex, FlexTensor};

use crate::tensor::engine::{Engine, Raw};

/// A CPU tensor that tracks gradients.
type Tracked = FloatTensor<Autodiff<Flex>>;

/// Returns the engine's tensor if it tracks gradients and is on the CPU.
fn tracked(raw: &Raw) -> Option<&Tracked> {
    match &raw.kind {
        DispatchTensorKind::Autodiff(inner) => match &**inner {
            DispatchTensorKind::Flex(BackendTensor::Autodiff(x)) => Some(x),
            _ => None,
        },
        _ => None,
    }
}

/// Converts a tensor to one that can be an operand beside those that track gradients; a constant stays
/// without a gradient.
fn joined(raw: Raw) -> Raw {
    if tracked(&raw).is_some() { raw } else { Engine::from_inner(raw) }
}

/// Records a result with its backward step to the operands; `state` is kept for the step.
fn recorded<S: Backward<Flex, N>, const N: usize>(
    step: S,
    operands: [NodeGuard; N],
    state: S::State,
    result: FlexTensor,
) -> Tracked {
    match step.prepare::<NoCheckpointing>(operands).compute_bound().stateful() {
        OpsKind::Tracked(prep) => prep.finish(state, result),
        OpsKind::UnTracked(prep) => prep.finish(result),
    }
}

/// Wraps a result that tracks gradients, in the context of an operand.
fn wrap_tracked(result: Tracked, like: &Raw) -> Raw {
    let kind = DispatchTensorKind::Flex(BackendTensor::Autodiff(result));
    Raw { kind: DispatchTensorKind::Autodiff(Box::new(kind)), autodiff: like.autodiff }
}

/// Wraps a result without gradients, in the context of an operand.
fn wrap(result: FlexTensor, like: &Raw) -> Raw {
    Raw { kind: DispatchTensorKind::Flex(BackendTensor::Float(result)), autodiff: like.autodiff }
}

/// Returns the engine's tensor if it tracks no gradients and is on the CPU.
fn plain(raw: &Raw) -> Option<&FlexTensor> {
    match &raw.kind {
        DispatchTensorKind::Flex(BackendTensor::Float(x)) => Some(x),
        _ => None,
    }
}

/// Returns the elements of a contiguous `float32` tensor.
fn numbers(x: &FlexTensor) -> Option<&[f32]> {
    if x.dtype() == BurnDType::F32 { x.as_slice::<f32>() } else { None }
}

fn tensor(values: Vec<f32>, shape: impl Into<burn_backend::Shape>) -> FlexTensor {
    FlexTensor::from_data(TensorData::new(values, shape.into()))
}
