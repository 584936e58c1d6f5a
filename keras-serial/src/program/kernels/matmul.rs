//! Matrix multiplication. The engine's own copies each result, and its gradients, once more.

use burn_autodiff::checkpoint::base::Checkpointer;
use burn_autodiff::grads::Gradients;
use burn_autodiff::ops::{Backward, Ops};
use burn_backend::TensorMetadata;
use burn_flex::{Flex, FlexTensor};
use ndarray::{ArrayView2, ArrayViewMut2};

use super::gemm::multiply_shared;
use super::{joined, numbers, plain, recorded, tensor, tracked, wrap, wrap_tracked};
use crate::tensor::engine::Raw;

/// Computes `x · y`; `None` unless both are `float32` matrices on the CPU.
pub(crate) fn run(x: &Raw, y: &Raw) -> Option<Raw> {
    if let (Some(a), Some(b)) = (plain(x), plain(y)) {
        return Some(wrap(product(a, false, b, false)?, x));
    }
    let (x, y) = (joined(x.clone()), joined(y.clone()));
    let (a, b) = (tracked(&x)?, tracked(&y)?);
    let result = product(a.primitive(), false, b.primitive(), false)?;
    let state = (a.primitive().clone(), b.primitive().clone());
    Some(wrap_tracked(recorded(Product, [a.node(), b.node()], state, result), &x))
}

/// Multiplies matrices, each transposed if asked for.
fn product(a: &FlexTensor, turns_a: bool, b: &FlexTensor, turns_b: bool) -> Option<FlexTensor> {
    let (a, b) = (a.to_contiguous(), b.to_contiguous());
    let (a, b) = (matrix(&a, turns_a)?, matrix(&b, turns_b)?);
    let (m, n) = (a.nrows(), b.ncols());
    if a.ncols() != b.nrows() {
        return None;
    }
    let mut result = vec![0.0f32; m.checked_mul(n)?];
    multiply_shared(&a, &b, &mut ArrayViewMut2::from_shape((m, n), &mut result).ok()?);
    Some(tensor(result, [m, n]))
}

fn matrix(x: &FlexTensor, turns: bool) -> Option<ArrayView2<'_, f32>> {
    let shape = x.shape();
    let [rows, columns] = shape.first_chunk::<2>().filter(|_| shape.len() == 2)?;
    let matrix = ArrayView2::from_shape((*rows, *columns), numbers(x)?).ok()?;
    Some(if turns { matrix.reversed_axes() } else { matrix })
}

/// The backward step: gradients of both matrices.
#[derive(Debug)]
struct Product;

impl Backward<Flex, 2> for Product {
    type State = (FlexTensor, FlexTensor);

    fn backward(self, ops: Ops<Self::State, 2>, grads: &mut Gradients, _: &mut Checkpointer) {
        let (x, y) = ops.state;
        let given = grads.consume::<Flex>(&ops.node);
        let [left, right] = ops.parents;
        if let Some(parent) = left
            && let Some(gradient) = product(&given, false, &y, true)
        {
            grads.register::<Flex>(parent.id, gradient);
        }
        if let Some(parent) = right
            && let Some(gradient) = product(&x, true, &given, false)
        {
            grads.register::<Flex>(parent.id, gradient);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::ops::{self, Axes};
    use crate::tensor::engine::Engine;
    use crate::tensor::{DType, Tensor};
    use burn_backend::ops::FloatTensorOps;

    type Multiply = fn(&Tensor, &Tensor) -> Tensor;

    fn numbers(shape: [usize; 2]) -> Tensor {
        Tensor::from_vec((0..shape[0] * shape[1]).map(|i| (i as f32 * 0.7).sin()).collect::<Vec<_>>(), shape).unwrap()
    }

    /// Returns the product, and the gradients of watched operands.
    fn all(multiply: Multiply, [m, k, n]: [usize; 3], watched: [bool; 2]) -> Vec<f32> {
        let watch = |x: Tensor, watch: bool| if watch { x.watched().unwrap() } else { x };
        let (x, y) = (watch(numbers([m, k]), watched[0]), watch(numbers([k, n]), watched[1]));
        let z = multiply(&x, &y);
        let mut found = z.to_vec::<f32>().unwrap();
        if watched != [false, false] {
            let loss = ops::sum(&ops::multiply(&z, numbers([m, n])).unwrap(), Axes::all(), false);
            let gradients = loss.unwrap().backward().unwrap();
            let watched = [&x, &y].into_iter().filter_map(|x| gradients.get(x));
            found.extend(watched.flat_map(|gradient| gradient.to_vec::<f32>().unwrap()));
        }
        found
    }

    #[test]
    fn agrees_with_the_engine() {
        let ours: Multiply = |x, y| {
            let product = super::run(&x.raw().unwrap(), &y.raw().unwrap()).unwrap();
            Tensor::from_raw(product, DType::Float32)
        };
        let theirs: Multiply = |x, y| {
            let product = Engine::float_matmul(x.raw().unwrap(), y.raw().unwrap());
            Tensor::from_raw(product, DType::Float32)
        };
        for extents in [[1, 1, 1], [3, 4, 5], [33, 17, 2], [200, 120, 190]] {
            for watched in [[true, true], [true, false], [false, true], [false, false]] {
                // The engine needs gradients of both operands, or of none.
                let theirs = all(theirs, extents, if watched == [false, false] { watched } else { [true, true] });
                let ours = all(ours, extents, watched);
                let [m, k, n] = extents;
                let kept = |range: std::ops::Range<usize>, is_kept| if is_kept { &theirs[range] } else { &[][..] };
                let expected = [
                    &theirs[..m * n],
                    kept(m * n..m * n + m * k, watched[0]),
                    kept(m * n + m * k..m * n + m * k + k * n, watched[1]),
                ];
                let expected = expected.concat();
                assert_eq!(ours.len(), expected.len(), "{extents:?} {watched:?}");
                for (a, b) in ours.iter().zip(&expected) {
                    assert!((a - b).abs() <= 1e-3 + 1e-4 * b.abs(), "{extents:?} {watched:?}: {a} {b}");
                }
            }
        }
    }
}
