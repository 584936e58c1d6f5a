//! Systems of linear equations, inverses and determinants (`keras.ops.linalg`).

use super::arithmetic::{add, multiply, subtract};
use super::axes::Axes;
use super::define::{Call, call, classes};
use super::dtypes::{promote, to_float};
use super::elementwise::{log, negative};
use super::graph::config;
use super::linalg::matmul_impl;
use super::matrices::{
    assert_square, batch_of, collected, elements, followed, matrices, matrix_shape, transposed, with_tail,
};
use super::reduce::sum_impl;
use super::shape::{broadcast_to, expand_at, squeeze_at};
use super::{arrange, tril};
use crate::error::{Error, ErrorKind, Result};
use crate::program;
use crate::program::kernels::dense::{self, Matrix};
use crate::tensor::{CallArgs, DType, Shape, Tensor};

classes! { "keras.src.ops.linalg"
    "Cholesky" = |c| {
        let l = cholesky_impl(&c.x()?)?;
        if c.get("upper", false)? { transposed(&l) } else { Ok(l) }
    };
    "CholeskyInverse" = |c| {
        let (x, upper) = (c.x()?, c.get("upper", false)?);
        assert_square(&x)?;
        let inverse = solve_triangular_impl(&x, &identity_like(&x)?, !upper)?;
        let turned = transposed(&inverse)?;
        if upper { matmul_impl(&inverse, &turned) } else { matmul_impl(&turned, &inverse) }
    };
    "Det" = |c| {
        let (sign, log) = sign_and_log(&c.x()?)?;
        multiply(&sign, super::exp(&log)?)
    };
    "Inv" = |c| inv_impl(&c.x()?);
    "LuFactor" = |c| {
        let x = c.x()?;
        let (rows, columns) = matrix_shape(&x)?;
        let batch = batch_of(&x);
        let inferred = (Tensor::symbol(x.shape(), x.dtype()), Tensor::symbol(with_tail(&batch, &[rows]), DType::Int32));
        program::infer_or_compute(&[&x], inferred, || {
            if x.is_tracked() {
                return Err(Error::new(ErrorKind::Unsupported, "`lu_factor` has no gradient").hint("it has none in Keras"));
            }
            let (rows, columns) = (rows.unwrap_or_default(), columns.unwrap_or_default());
            let factors: Vec<dense::Lu> = matrices(&x)?.iter().map(dense::lu).collect();
            let order = |lu: &dense::Lu| {
                let mut places = vec![0.0; rows];
                for (place, row) in lu.order.iter().enumerate() {
                    if let Some(slot) = places.get_mut(*row) {
                        *slot = place as f64;
                    }
                }
                places
            };
            Ok((
                collected(factors.iter().map(|lu| elements(&lu.factors)), &batch, &[rows, columns], x.dtype())?,
                collected(factors.iter().map(order), &batch, &[rows], DType::Int32)?,
            ))
        })
    };
    "Solve" = |c| {
        let (a, b) = right_side(c)?;
        as_matrices(&a, &b, solve_impl)
    };
    "SolveTriangular" = |c| {
        let (a, b) = right_side(c)?;
        let lower = c.get("lower", false)?;
        as_matrices(&a, &b, |a, b| solve_triangular_impl(a, b, lower))
    };
}

classes! { "keras.src.ops.numpy"
    "Slogdet" = |c| sign_and_log(&c.x()?);
}

classes! { "keras.src.ops.math"
    "Logdet" = |c| {
        let l = cholesky_impl(&c.x()?)?;
        multiply(sum_impl(&log(&arrange::diagonal(&l, 0, -2, -1)?)?, &Axes::from(-1), false)?, 2.0)
    };
}

/// Returns the matrix and the right-hand side of an equation, in one dtype.
fn right_side(c: &Call<'_>) -> Result<(Tensor, Tensor)> {
    let (a, b) = promote(c.tensor(0, "a")?.into(), c.tensor(1, "b")?.into())?;
    assert_square(&a)?;
    let rows = if b.rank() + 1 == a.rank() { b.shape().get(-1)? } else { matrix_shape(&b)?.0 };
    match (a.shape().get(-1)?, rows) {
        (Some(expected), Some(rows)) if expected != rows => {
            Err(Error::new(ErrorKind::Shape, "Incompatible shapes between `a` and `b`")
                .expected("`a.shape[-1]` rows in `b`")
                .received(format!("a.shape={}, b.shape={}", a.shape(), b.shape())))
        }
        _ => Ok((to_float(&a)?, to_float(&b)?)),
    }
}

/// Calls `solve` with a right-hand side that is a matrix; vectors are converted.
fn as_matrices(a: &Tensor, b: &Tensor, solve: impl Fn(&Tensor, &Tensor) -> Result<Tensor>) -> Result<Tensor> {
    if b.rank() + 1 == a.rank() {
        return squeeze_at(&solve(a, &expand_at(b, -1)?)?, -1);
    }
    solve(a, b)
}

fn identity_like(x: &Tensor) -> Result<Tensor> {
    let n = x.shape().dim(-1)?;
    collected([elements(&Matrix::eye(n))], &[], &[n, n], x.dtype())
}

fn singular() -> Error {
    Error::new(ErrorKind::InvalidArgument, "Input matrix is not invertible").expected("a matrix of full rank")
}

/// Broadcasts A and B to one batch.
fn paired(a: &Tensor, b: &Tensor) -> Result<(Tensor, Tensor, Vec<Option<usize>>)> {
    let batch = Shape::from(batch_of(a)).broadcast(&Shape::from(batch_of(b)))?.dims().to_vec();
    let to = |x: &Tensor| -> Result<Tensor> {
        let tail = [x.shape().get(-2)?, x.shape().get(-1)?];
        broadcast_to(x, &with_tail(&batch, &tail))
    };
    Ok((to(a)?, to(b)?, batch))
}

/// Solves A · X = B for each pair of matrices (`keras.ops.solve`).
pub(super) fn solve_impl(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    assert_square(a)?;
    program::infer_or_compute(&[a, b], Tensor::symbol(b.shape(), b.dtype()), || {
        let (a, b, batch) = paired(a, b)?;
        let tail = [b.shape().dim(-2)?, b.shape().dim(-1)?];
        let solved = |(a, b): (Matrix, Matrix)| dense::lu(&a).solve(&b).map(|x| elements(&x)).ok_or_else(singular);
        let parts = matrices(&a)?.into_iter().zip(matrices(&b)?).map(solved).collect::<Result<Vec<_>>>()?;
        let x = collected(parts, &batch, &tail, b.dtype())?;
        if !a.is_tracked() && !b.is_tracked() {
            return Ok(x);
        }
        // dX = A⁻¹ · (dB - dA · X)
        let inverse = inv_impl(&a.detached()?)?;
        let change = subtract(subtract(&b, b.detached()?)?, matmul_impl(&subtract(&a, a.detached()?)?, &x)?)?;
        add(&x, matmul_impl(&inverse, &change)?)
    })
}

/// Solves T · X = B for a triangle of each matrix (`keras.ops.solve_triangular`).
pub(super) fn solve_triangular_impl(a: &Tensor, b: &Tensor, lower: bool) -> Result<Tensor> {
    assert_square(a)?;
    program::infer_or_compute(&[a, b], Tensor::symbol(b.shape(), b.dtype()), || {
        let (a, b, batch) = paired(a, b)?;
        let tail = [b.shape().dim(-2)?, b.shape().dim(-1)?];
        let solve = |a: &Tensor, b: &Tensor| -> Result<Tensor> {
            let parts = matrices(a)?.into_iter().zip(matrices(b)?);
            let width = b.shape().dim(-1)?;
            let parts = parts.map(|(a, b)| {
                let zero = a.diag().iter().any(|pivot| *pivot == 0.0);
                if zero { Err(singular()) } else { Ok(elements(&dense::solve_triangular(&a, &b, lower, false))) }
            });
            collected(parts.collect::<Result<Vec<_>>>()?, &batch, &[tail[0], width], b.dtype())
        };
        let x = solve(&a, &b)?;
        if !a.is_tracked() && !b.is_tracked() {
            return Ok(x);
        }
        let inverse = solve(&a, &broadcast_to(&identity_like(&a)?, a.shape())?)?;
        let moved = subtract(&a, a.detached()?)?;
        let moved = if lower { tril(&moved, 0)? } else { super::triu(&moved, 0)? };
        let change = subtract(subtract(&b, b.detached()?)?, matmul_impl(&moved, &x)?)?;
        add(&x, matmul_impl(&inverse, &change)?)
    })
}

/// Returns the inverse of each matrix (`keras.ops.inv`).
pub(super) fn inv_impl(x: &Tensor) -> Result<Tensor> {
    assert_square(x)?;
    let x = to_float(x)?;
    program::infer_or_compute(&[&x], Tensor::symbol(x.shape(), x.dtype()), || {
        let n = x.shape().dim(-1)?;
        let invert = |a: &Matrix| dense::lu(a).solve(&Matrix::eye(n)).map(|x| elements(&x)).ok_or_else(singular);
        let parts = matrices(&x)?.iter().map(invert).collect::<Result<Vec<_>>>()?;
        let y = collected(parts, &batch_of(&x), &[n, n], x.dtype())?;
        // dY = -Y · dX · Y
        followed(y.clone(), &x, |change| negative(&matmul_impl(&matmul_impl(&y, change)?, &y)?))
    })
}

/// Returns the lower Cholesky factor of each symmetric positive definite matrix (`keras.ops.cholesky`).
pub(super) fn cholesky_impl(x: &Tensor) -> Result<Tensor> {
    assert_square(x)?;
    let x = to_float(x)?;
    program::infer_or_compute(&[&x], Tensor::symbol(x.shape(), x.dtype()), || {
        let n = x.shape().dim(-1)?;
        let factors: Vec<Matrix> = matrices(&x)?.iter().map(dense::cholesky).collect();
        if factors.iter().any(|l| l.iter().any(|x| x.is_nan())) {
            return Err(Error::new(ErrorKind::InvalidArgument, "Cholesky decomposition was not successful")
                .expected("a symmetric positive-definite matrix"));
        }
        let l = collected(factors.iter().map(elements), &batch_of(&x), &[n, n], x.dtype())?;
        // dL = L · Φ(L⁻¹ · dX · L⁻ᵀ), where Φ takes the lower triangle with half of the diagonal.
        followed(l.clone(), &x, |change| {
            let inverse = solve_triangular_impl(&l, &broadcast_to(&identity_like(&l)?, l.shape())?, true)?;
            let symmetric = multiply(add(change, transposed(change)?)?, 0.5)?;
            let inner = matmul_impl(&matmul_impl(&inverse, &symmetric)?, &transposed(&inverse)?)?;
            let half = multiply(add(tril(&inner, 0)?, tril(&inner, -1)?)?, 0.5)?;
            matmul_impl(&l, &half)
        })
    })
}

/// Returns the sign of each determinant, which has no gradient, and the logarithm of its absolute value.
fn sign_and_log(x: &Tensor) -> Result<(Tensor, Tensor)> {
    assert_square(x)?;
    let x = to_float(x)?;
    let batch = batch_of(&x);
    let part = || Tensor::symbol(Shape::from(batch.clone()), x.dtype());
    program::infer_or_compute(&[&x], (part(), part()), || {
        let parts: Vec<(f64, f64)> = matrices(&x)?.iter().map(|a| dense::lu(a).sign_and_log()).collect();
        let one =
            |pick: fn(&(f64, f64)) -> f64| collected(parts.iter().map(|part| vec![pick(part)]), &batch, &[], x.dtype());
        let (sign, log) = (one(|part| part.0)?, one(|part| part.1)?);
        if !x.is_tracked() {
            return Ok((sign, log));
        }
        // d log|det X| = Σ X⁻ᵀ ∘ dX
        let turned = transposed(&inv_impl(&x.detached()?)?)?;
        let log = followed(log, &x, |change| sum_impl(&multiply(&turned, change)?, &Axes::from([-2, -1]), false))?;
        Ok((sign, log))
    })
}

/// Returns the inverse of each matrix (`keras.ops.inv`).
///
/// ```
/// use keras_serial::prelude::*;
/// let x = Tensor::from_slice(&[2.0f32, 0.0, 0.0, 4.0], [2, 2])?;
/// assert_eq!(ops::inv(&x)?.to_vec::<f32>()?, [0.5, 0.0, 0.0, 0.25]);
/// # Ok::<(), Error>(())
/// ```
///
/// # Errors
/// If the matrices are not square, or one has no inverse.
pub fn inv(x: &Tensor) -> Result<Tensor> {
    call("Inv", config! {}, CallArgs::from(x))?.into_single()
}

/// Returns the determinant of each matrix (`keras.ops.det`).
///
/// # Errors
/// If the matrices are not square.
pub fn det(x: &Tensor) -> Result<Tensor> {
    call("Det", config! {}, CallArgs::from(x))?.into_single()
}

/// Returns the Cholesky factor: the lower triangle L of L · Lᵀ (`keras.ops.cholesky`), or its transpose if
/// `upper`.
///
/// # Errors
/// If a matrix is not positive definite.
pub fn cholesky(x: &Tensor, upper: bool) -> Result<Tensor> {
    call("Cholesky", config! { upper: upper }, CallArgs::from(x))?.into_single()
}

/// Solves A · X = B (`keras.ops.solve`).
///
/// # Errors
/// If the shapes do not fit, or A has no inverse.
pub fn solve(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    call("Solve", config! {}, CallArgs::from(a).and(b.clone()))?.into_single()
}

/// Solves T · X = B for the lower or upper triangle of A (`keras.ops.solve_triangular`).
///
/// # Errors
/// If the shapes do not fit, or there is a zero on the diagonal.
pub fn solve_triangular(a: &Tensor, b: &Tensor, lower: bool) -> Result<Tensor> {
    call("SolveTriangular", config! { lower: lower }, CallArgs::from(a).and(b.clone()))?.into_single()
}

/// Returns the logarithm of the determinant of each symmetric positive definite matrix (`keras.ops.logdet`).
///
/// # Errors
/// If a matrix is not positive definite.
pub fn logdet(x: &Tensor) -> Result<Tensor> {
    call("Logdet", config! {}, CallArgs::from(x))?.into_single()
}

/// Returns the sign of each determinant, and the logarithm of its absolute value (`keras.ops.slogdet`).
///
/// # Errors
/// If the matrices are not square.
pub fn slogdet(x: &Tensor) -> Result<(Tensor, Tensor)> {
    super::define::two(call("Slogdet", config! {}, CallArgs::from(x))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn x() -> Tensor {
        Tensor::from_slice(&[4.0f32, 1.0, 2.0, 3.0], [2, 2]).unwrap()
    }

    #[test]
    fn equations_are_solved() {
        let b = Tensor::from_slice(&[1.0f32, 2.0], [2]).unwrap();
        // np.linalg.solve([[4, 1], [2, 3]], [1, 2])
        let y = solve(&x(), &b).unwrap().to_vec::<f32>().unwrap();
        assert!((y[0] - 0.1).abs() < 1e-6 && (y[1] - 0.6).abs() < 1e-6, "{y:?}");
        assert!((det(&x()).unwrap().item::<f32>().unwrap() - 10.0).abs() < 1e-5);
        let zero = Tensor::from_slice(&[0.0f32; 4], [2, 2]).unwrap();
        assert_eq!(det(&zero).unwrap().item::<f32>().unwrap(), 0.0);
        assert!(inv(&zero).unwrap_err().to_string().contains("not invertible"));
        assert!(inv(&Tensor::symbol([None, Some(2), Some(3)], DType::Float32)).is_err());
    }

    #[test]
    fn determinants_have_gradients() {
        let x = x().watched().unwrap();
        let gradient = det(&x).unwrap().backward().unwrap().get(&x).unwrap().to_vec::<f32>().unwrap();
        let expected = [3.0, -2.0, -1.0, 4.0];
        assert!(gradient.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-5), "{gradient:?}");
    }
}
