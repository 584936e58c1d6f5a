//! Vectorized tanh, sigmoid, exp, erf, GELU and softmax of `float32` on the CPU.
//!
//! Other dtypes, devices and layouts are left to the engine.

use burn_autodiff::checkpoint::base::Checkpointer;
use burn_autodiff::grads::Gradients;
use burn_autodiff::ops::{Backward, Ops, unary};
use burn_backend::TensorMetadata;
use burn_flex::{Flex, FlexTensor};
use rayon::prelude::*;
use rten_simd::{SimdOp, SimdUnaryOp};
use rten_vecmath::{ApproxGelu, Erf, Exp, Gelu, Sigmoid, Softmax, Tanh};

use super::{Tracked, numbers, plain, recorded, tensor, tracked, wrap, wrap_tracked};
use crate::tensor::engine::Raw;

/// The number of elements that one thread processes at a time.
const CHUNK: usize = 1 << 14;

/// An element-wise function, or one of each row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Kernel {
    Tanh,
    Sigmoid,
    Exp,
    Erf,
    Gelu,
    ApproximateGelu,
    /// Softmax over rows of this length.
    Softmax(usize),
}

/// Runs the kernel, or `otherwise` if it does not apply.
pub(crate) fn run(raw: Raw, kernel: Kernel, otherwise: impl FnOnce(Raw) -> Raw) -> Raw {
    try_run(&raw, kernel).unwrap_or_else(|| otherwise(raw))
}

/// Runs the kernel; `None` if it does not apply.
pub(crate) fn try_run(raw: &Raw, kernel: Kernel) -> Option<Raw> {
    match (plain(raw), tracked(raw)) {
        (Some(x), _) => kernel.forward(x).map(|y| wrap(y, raw)),
        (_, Some(x)) => kernel.tracked(x).map(|y| wrap_tracked(y, raw)),
        (None, None) => None,
    }
}

/// Returns true if kernels apply to the tensor.
pub(crate) fn takes(raw: &Raw) -> bool {
    let is_contiguous = |x: &FlexTensor| numbers(x).is_some();
    plain(raw).is_some_and(is_contiguous) || tracked(raw).is_some_and(|x| is_contiguous(x.primitive()))
}

impl Kernel {
    /// Returns the chunk size of a thread, in whole rows.
    fn chunk(self) -> usize {
        match self {
            Self::Softmax(row) => row.max(1) * (CHUNK / row.max(1)).max(1),
            _ => CHUNK,
        }
    }

    fn forward(self, x: &FlexTensor) -> Option<FlexTensor> {
        let mut values = numbers(x)?.to_vec();
        self.parallel(&mut values);
        Some(tensor(values, x.shape()))
    }

    fn parallel(self, values: &mut [f32]) {
        if values.len() <= self.chunk() {
            self.apply(values);
        } else {
            values.par_chunks_mut(self.chunk()).for_each(|chunk| self.apply(chunk));
        }
    }

    fn apply(self, values: &mut [f32]) {
        match self {
            Self::Tanh => Tanh {}.map_mut(values),
            Self::Sigmoid => Sigmoid {}.map_mut(values),
            Self::Exp => Exp {}.map_mut(values),
            Self::Erf => Erf {}.map_mut(values),
            Self::Gelu => Gelu {}.map_mut(values),
            Self::ApproximateGelu => ApproxGelu {}.map_mut(values),
            Self::Softmax(row) => values.chunks_mut(row.max(1)).for_each(|row| {
                Softmax::new_mut(row).dispatch();
            }),
        }
    }

    /// Returns true if the gradient is computed from the output rather than the input.
    fn keeps_result(self) -> bool {
        !matches!(self, Self::Erf | Self::Gelu | Self::ApproximateGelu)
    }

    /// Turns the gradient of the output into that of the input, with the kept output or input.
    fn backward(self, kept: &[f32], grad: &mut [f32]) {
        use std::f32::consts::{FRAC_1_SQRT_2, FRAC_2_SQRT_PI};
        let each = |grad: &mut [f32], slope: &dyn Fn(f32) -> f32| {
            grad.iter_mut().zip(kept).for_each(|(grad, kept)| *grad *= slope(*kept));
        };
        match self {
            Self::Tanh => each(grad, &|y| 1.0 - y * y),
            Self::Sigmoid => each(grad, &|y| y * (1.0 - y)),
            Self::Exp => each(grad, &|y| y),
            Self::Erf => {
                let mut bell: Vec<f32> = kept.iter().map(|x| -x * x).collect();
                Exp {}.map_mut(&mut bell);
                grad.iter_mut().zip(&bell).for_each(|(grad, bell)| *grad *= FRAC_2_SQRT_PI * bell);
            }
            Self::Gelu => {
                let mut bell: Vec<f32> = kept.iter().map(|x| -0.5 * x * x).collect();
                Exp {}.map_mut(&mut bell);
                let mut erf: Vec<f32> = kept.iter().map(|x| x * FRAC_1_SQRT_2).collect();
                Erf {}.map_mut(&mut erf);
                let scale = 0.5 * FRAC_1_SQRT_2 * FRAC_2_SQRT_PI;
                for ((grad, x), (bell, erf)) in grad.iter_mut().zip(kept).zip(bell.iter().zip(&erf)) {
                    *grad *= 0.5 * (1.0 + erf) + x * scale * bell;
                }
            }
            Self::ApproximateGelu => {
                let scale = FRAC_1_SQRT_2 * FRAC_2_SQRT_PI;
                let mut tanh: Vec<f32> = kept.iter().map(|x| scale * (x + 0.044715 * x * x * x)).collect();
                Tanh {}.map_mut(&mut tanh);
                for ((grad, x), t) in grad.iter_mut().zip(kept).zip(&tanh) {
                    *grad *= 0.5 * (1.0 + t) + 0.5 * x * (1.0 - t * t) * scale * (1.0 + 0.134145 * x * x);
                }
            }
            Self::Softmax(row) => {
                for (grad, y) in grad.chunks_mut(row.max(1)).zip(kept.chunks(row.max(1))) {
                    let dot: f32 = grad.iter().zip(y).map(|(grad, y)| grad * y).sum();
                    grad.iter_mut().zip(y).for_each(|(grad, y)| *grad = y * (*grad - dot));
                }
            }
        }
    }

    fn tracked(self, x: &Tracked) -> Option<Tracked> {
        let input = x.primitive();
        let output = self.forward(input)?;
        let kept = if self.keeps_result() { output.clone() } else { input.clone() };
        Some(recorded(Slope, [x.node()], (self, kept), output))
    }
}

/// The backward step of every kernel.
#[derive(Debug)]
struct Slope;

impl Backward<Flex, 1> for Slope {
    type State = (Kernel, FlexTensor);

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let (kernel, kept) = ops.state;
        unary::<Flex, _>(ops.parents, ops.node, grads, |grad| {
            let dense = grad.to_contiguous();
            let (Some(given), Some(kept)) = (numbers(&dense), numbers(&kept)) else { return grad };
            let mut values = given.to_vec();
            let size = kernel.chunk();
            values.par_chunks_mut(size).zip(kept.par_chunks(size)).for_each(|(grad, kept)| kernel.backward(kept, grad));
            tensor(values, dense.shape())
        });
    }
}

#[cfg(test)]
mod tests {
    use burn_backend::ops::{ActivationOps, FloatTensorOps};

    use super::*;
    use crate::ops;
    use crate::ops::Axes;
    use crate::tensor::Tensor;
    use crate::tensor::engine::Engine;

    /// Checks results and gradients against the engine's, over more than one chunk.
    fn agree(kernel: Kernel, plain: fn(Raw) -> Raw, low: f32, high: f32) {
        let count = 40_000;
        let values: Vec<f32> = (0..count).map(|i| low + (high - low) * i as f32 / count as f32).collect();
        let weight =
            Tensor::from_vec((0..count).map(|i| (i % 7) as f32 - 3.0).collect::<Vec<_>>(), [count / 8, 8]).unwrap();
        let both = [Some(kernel), None].map(|kernel| {
            let x = Tensor::from_vec(values.clone(), [count / 8, 8]).unwrap().watched().unwrap();
            let raw = x.raw().unwrap();
            let raw = match kernel {
                Some(kernel) => run(raw, kernel, |_| panic!("the kernel applies")),
                None => plain(raw),
            };
            let y = Tensor::from_raw(raw, x.dtype());
            let loss = ops::sum(&ops::multiply(&y, &weight).unwrap(), Axes::all(), false).unwrap();
            let grad = loss.backward().unwrap().get(&x).unwrap();
            (y.to_vec::<f32>().unwrap(), grad.to_vec::<f32>().unwrap())
        });
        let [(y, dy), (z, dz)] = both;
        for (a, b) in y.iter().zip(&z).chain(dy.iter().zip(&dz)) {
            assert!((a - b).abs() <= 1e-5 + 2e-5 * b.abs(), "{kernel:?}: {a} {b}");
        }
    }

    #[test]
    fn kernels_agree_with_the_engine() {
        agree(Kernel::Tanh, Engine::float_tanh, -12.0, 12.0);
        agree(Kernel::Sigmoid, <Engine as ActivationOps<Engine>>::sigmoid, -20.0, 20.0);
        agree(Kernel::Exp, Engine::float_exp, -20.0, 5.0);
        agree(Kernel::Erf, Engine::float_erf, -5.0, 5.0);
        agree(Kernel::Gelu, <Engine as ActivationOps<Engine>>::gelu, -6.0, 6.0);
        agree(Kernel::Softmax(8), |raw| <Engine as ActivationOps<Engine>>::softmax(raw, 1), -20.0, 20.0);
        agree(
            Kernel::ApproximateGelu,
            |raw| {
                let x = Tensor::from_raw(raw, crate::tensor::DType::Float32);
                let cube = ops::multiply(ops::multiply(&x, &x).unwrap(), &x).unwrap();
                let inner = ops::add(&x, ops::multiply(&cube, 0.044715).unwrap()).unwrap();
                let inner = ops::multiply(&inner, (2.0 / std::f64::consts::PI).sqrt()).unwrap();
                let tanh = Tensor::from_raw(Engine::float_tanh(inner.raw().unwrap()), x.dtype());
                let half = ops::multiply(ops::add(&tanh, 1.0).unwrap(), 0.5).unwrap();
                ops::multiply(&x, &half).unwrap().raw().unwrap()
            },
            -6.0,
            6.0,
        );
    }

    #[test]
    fn what_is_no_number_stays_so() {
        let special = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 0.0];
        let of = |kernel: Kernel| {
            let mut values = special.to_vec();
            kernel.apply(&mut values);
            values
        };
        let expected = [
            (Kernel::Tanh, [f32::NAN, 1.0, -1.0, 0.0]),
            (Kernel::Sigmoid, [f32::NAN, 1.0, 0.0, 0.5]),
            (Kernel::Exp, [f32::NAN, f32::INFINITY, 0.0, 1.0]),
            (Kernel::Erf, [f32::NAN, 1.0, -1.0, 0.0]),
        ];
        for (kernel, expected) in expected {
            let same = |(a, b): (&f32, &f32)| (a.is_nan() && b.is_nan()) || (a - b).abs() < 1e-6 || a == b;
            assert!(of(kernel).iter().zip(&expected).all(same), "{kernel:?} {:?}", of(kernel));
        }
    }
}
