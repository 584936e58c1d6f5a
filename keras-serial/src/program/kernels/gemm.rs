//! Multiplication of `float32` matrices with the `gemm` crate.
//!
//! The multiplication of `ndarray` does not use AVX-512, which makes a convolution up to twice as slow.
#![allow(unsafe_code)]

use ndarray::{ArrayView2, ArrayViewMut2, Axis};
use rayon::prelude::*;

/// The number of multiplications from which threads share the work.
const SHARED: usize = 1 << 22;

/// Computes `c = a · b`, or `c += a · b`, on this thread. Does nothing if the extents do not fit.
pub(super) fn multiply(a: &ArrayView2<'_, f32>, b: &ArrayView2<'_, f32>, c: &mut ArrayViewMut2<'_, f32>, adds: bool) {
    let ((m, k), n) = (a.dim(), b.ncols());
    if b.nrows() != k || c.dim() != (m, n) || m == 0 || n == 0 {
        return;
    }
    if k == 0 {
        if !adds {
            c.fill(0.0);
        }
        return;
    }
    let [a_strides, b_strides, c_strides] = [a.strides(), b.strides(), c.strides()].map(|strides| match strides {
        [rows, columns] => [*rows, *columns],
        _ => [0, 0],
    });
    // SAFETY: a view's pointer and strides (in elements) reach all elements of its extents and nothing
    // else; the extents of the three fit, as checked above; `c` is borrowed mutably, so that it shares
    // no element with `a` or `b`, and a mutable view has each element once.
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            c.as_mut_ptr(),
            c_strides[1],
            c_strides[0],
            adds,
            a.as_ptr(),
            a_strides[1],
            a_strides[0],
            b.as_ptr(),
            b_strides[1],
            b_strides[0],
            1.0,
            1.0,
            false,
            false,
            false,
            gemm::Parallelism::None,
        );
    }
}

/// Multiplies like [`multiply`], but on several threads if that pays: each computes some rows or columns of
/// `c`.
pub(super) fn multiply_shared(a: &ArrayView2<'_, f32>, b: &ArrayView2<'_, f32>, c: &mut ArrayViewMut2<'_, f32>) {
    let ((m, k), n) = (a.dim(), b.ncols());
    let threads = rayon::current_num_threads();
    if threads < 2 || m.saturating_mul(k).saturating_mul(n) < SHARED {
        return multiply(a, b, c, false);
    }
    // Multiples of the kernel's block size, so that only the last part is ragged.
    let share = |extent: usize| extent.div_ceil(threads).next_multiple_of(48);
    if m >= n {
        let parts = c.axis_chunks_iter_mut(Axis(0), share(m)).zip(a.axis_chunks_iter(Axis(0), share(m)));
        parts.collect::<Vec<_>>().into_par_iter().for_each(|(mut c, a)| multiply(&a, b, &mut c, false));
    } else {
        let parts = c.axis_chunks_iter_mut(Axis(1), share(n)).zip(b.axis_chunks_iter(Axis(1), share(n)));
        parts.collect::<Vec<_>>().into_par_iter().for_each(|(mut c, b)| multiply(a, &b, &mut c, false));
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, s};

    use super::*;

    fn matrix(rows: usize, columns: usize, seed: f32) -> Array2<f32> {
        Array2::from_shape_fn((rows, columns), |(i, j)| ((i * 31 + j * 7) as f32 * 0.37 + seed).sin())
    }

    fn assert_near(ours: &Array2<f32>, expected: &Array2<f32>) {
        assert_eq!(ours.dim(), expected.dim());
        ours.iter().zip(expected).for_each(|(a, b)| assert!((a - b).abs() <= 1e-3 + 1e-4 * b.abs(), "{a} {b}"));
    }

    #[test]
    fn agrees_with_ndarray_whatever_the_strides() {
        for (m, k, n) in [(1, 1, 1), (3, 5, 2), (17, 33, 49), (64, 1, 64), (130, 70, 90)] {
            let (a, b) = (matrix(m, k, 0.1), matrix(k, n, 0.5));
            let expected = a.dot(&b);
            let (a_turned, b_turned) = (a.t().to_owned(), b.t().to_owned());
            for a in [a.view(), a_turned.t()] {
                for b in [b.view(), b_turned.t()] {
                    let mut c = matrix(m, n, 0.9);
                    multiply(&a, &b, &mut c.view_mut(), false);
                    assert_near(&c, &expected);
                    multiply(&a, &b, &mut c.view_mut(), true);
                    assert_near(&c, &(&expected * 2.0));
                    let mut turned = Array2::zeros((n, m));
                    multiply(&a, &b, &mut turned.view_mut().reversed_axes(), false);
                    assert_near(&turned.t().to_owned(), &expected);
                }
            }
        }
    }

    /// Memory beside a view is neither read nor written.
    #[test]
    fn parts_of_larger_matrices_are_all_that_is_touched() {
        let mut a = Array2::from_elem((20, 30), f32::NAN);
        let mut b = Array2::from_elem((30, 40), f32::NAN);
        a.slice_mut(s![3..10;2, 5..25;3]).assign(&matrix(4, 7, 0.1));
        b.slice_mut(s![1..15;2, 2..38;4]).assign(&matrix(7, 9, 0.2));
        let mut c = Array2::from_elem((10, 50), 7.0f32);
        multiply(
            &a.slice(s![3..10;2, 5..25;3]),
            &b.slice(s![1..15;2, 2..38;4]),
            &mut c.slice_mut(s![1..9;2, 4..40;4]),
            false,
        );
        assert_near(&c.slice(s![1..9;2, 4..40;4]).to_owned(), &matrix(4, 7, 0.1).dot(&matrix(7, 9, 0.2)));
        c.slice_mut(s![1..9;2, 4..40;4]).fill(7.0);
        assert!(c.iter().all(|x| *x == 7.0));
    }

    #[test]
    fn threads_share_the_work() {
        for (m, k, n) in [(300, 128, 200), (100, 256, 400), (1000, 700, 10)] {
            let (a, b, mut c) = (matrix(m, k, 0.1), matrix(k, n, 0.5), matrix(m, n, 0.9));
            multiply_shared(&a.view(), &b.view(), &mut c.view_mut());
            assert_near(&c, &a.dot(&b));
        }
    }

    #[test]
    fn extents_that_do_not_fit_or_are_empty_change_nothing_else() {
        let mut c = matrix(2, 3, 0.0);
        multiply(&matrix(2, 4, 0.0).view(), &matrix(5, 3, 0.0).view(), &mut c.view_mut(), false);
        multiply(&matrix(3, 4, 0.0).view(), &matrix(4, 3, 0.0).view(), &mut c.view_mut(), false);
        assert_near(&c, &matrix(2, 3, 0.0));
        multiply(&matrix(2, 0, 0.0).view(), &matrix(0, 3, 0.0).view(), &mut c.view_mut(), false);
        assert_near(&c, &Array2::zeros((2, 3)));
        multiply(&matrix(0, 2, 0.0).view(), &matrix(2, 3, 0.0).view(), &mut Array2::zeros((0, 3)).view_mut(), false);
    }
}
