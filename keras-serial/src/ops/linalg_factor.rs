//! Matrix factorizations: QR, eigenvalues of symmetric matrices, singular values (`keras.ops.linalg`).

use super::arithmetic::{add, divide, greater, multiply, subtract};
use super::axes::Axes;
use super::create::filled;
use super::define::{call, classes};
use super::dtypes::{cast, to_float};
use super::elementwise::square;
use super::graph::config;
use super::linalg::matmul_impl;
use super::linalg_solve::inv_impl;
use super::matrices::{assert_square, batch_of, collected, elements, matrices, matrix_shape, transposed, with_tail};
use super::reduce::{max_impl, sum_impl};
use super::shape::{Span, concat, expand_at, slice_axis, squeeze_at, where_impl};
use super::{arrange, tril};
use crate::error::{Error, ErrorKind, Result};
use crate::program;
use crate::program::kernels::dense::{self, Matrix};
use crate::tensor::{CallArgs, DType, Nested, Tensor};

classes! { "keras.src.ops.linalg"
    "Qr" = |c| {
        let complete = match c.get("mode", "reduced".to_owned())?.as_str() {
            "reduced" => false,
            "complete" => true,
            mode => return Err(Error::new(ErrorKind::InvalidArgument, "`mode` argument value not supported").expected("reduced or complete").received(format!("mode={mode:?}"))),
        };
        qr_impl(&to_float(&c.x()?)?, complete)
    };
    "Eigh" = |c| eigh_impl(&to_float(&c.x()?)?);
    "SVD" = |c| {
        let x = to_float(&c.x()?)?;
        if !c.get("compute_uv", true)? {
            return singular_values(&x).map(Nested::Leaf);
        }
        let (u, s, v) = svd_impl(&x, c.get("full_matrices", true)?)?;
        Ok(Nested::list([u, s, transposed(&v)?]))
    };
    "Pinv" = |c| {
        let x = to_float(&c.x()?)?;
        let (rows, columns) = matrix_shape(&x)?;
        program::infer_or_compute(&[&x], Tensor::symbol(with_tail(&batch_of(&x), &[columns, rows]), x.dtype()), || {
            let (u, s, v) = svd_impl(&x, false)?;
            let least = c.maybe::<f64>("rcond")?.unwrap_or(10.0 * rows.max(columns).unwrap_or(0) as f64 * epsilon(x.dtype()));
            let cutoff = multiply(max_impl(&s, &Axes::from(-1), true)?, least)?;
            let infinite = filled(s.shape(), f64::INFINITY, s.dtype())?;
            let s = where_impl(&greater(&s, &cutoff)?, &s, &infinite)?;
            matmul_impl(&divide(&v, expand_at(&s, -2)?)?, &transposed(&u)?)
        })
    };
    "MatrixRank" = |c| {
        let x = to_float(&c.x()?)?;
        let (rows, columns) = matrix_shape(&x)?;
        program::infer_or_compute(&[&x], Tensor::symbol(with_tail(&batch_of(&x), &[]), DType::Int32), || {
            let s = singular_values(&x.detached()?)?;
            let least = match c.maybe::<f64>("tol")? {
                Some(tol) => Tensor::scalar(tol)?,
                None => multiply(max_impl(&s, &Axes::from(-1), true)?, rows.max(columns).unwrap_or(0) as f64 * epsilon(x.dtype()))?,
            };
            cast(&sum_impl(&cast(&greater(&s, cast(&least, s.dtype())?)?, DType::Int32)?, &Axes::from(-1), false)?, DType::Int32)
        })
    };
    "Lstsq" = |c| {
        let (a, b) = super::dtypes::promote(c.tensor(0, "a")?.into(), c.tensor(1, "b")?.into())?;
        if a.rank() != 2 || !(1..=2).contains(&b.rank()) {
            return Err(Error::new(ErrorKind::Shape, "Expected a to have rank 2, and b rank 1 or 2").received(format!("a.shape={}, b.shape={}", a.shape(), b.shape())));
        }
        let (rows, columns) = matrix_shape(&a)?;
        if b.shape().get(0)? != rows {
            return Err(Error::new(ErrorKind::Shape, "Leading dimensions of input arrays must match").received(format!("a.shape={}, b.shape={}", a.shape(), b.shape())));
        }
        program::infer_or_compute(&[&a, &b], Tensor::symbol(b.shape().with(0, columns)?, a.dtype()), || {
            let vector = b.rank() == 1;
            let right = if vector { expand_at(&b, 1)? } else { b.clone() };
            let eps = epsilon(a.dtype());
            let rcond = c.maybe::<f64>("rcond")?.map_or(eps * rows.max(columns).unwrap_or(0) as f64, |rcond| if rcond < 0.0 { eps } else { rcond });
            let (u, s, v) = svd_impl(&to_float(&a)?, false)?;
            let largest = slice_axis(&s, 0, Span::range(0, 1))?;
            let kept = super::greater_equal(&s, multiply(&largest, rcond)?)?;
            let one = filled(s.shape(), 1.0, s.dtype())?;
            let inverse = divide(1.0, where_impl(&kept, &s, &one)?)?;
            let inverse = where_impl(&kept, &inverse, &filled(s.shape(), 0.0, s.dtype())?)?;
            let x = matmul_impl(&v, &multiply(expand_at(&inverse, 1)?, matmul_impl(&transposed(&u)?, &right)?)?)?;
            if vector { squeeze_at(&x, 1) } else { Ok(x) }
        })
    };
    "Eig" = |_| Err::<Tensor, _>(super::complex::unsupported("eig"));
}

/// Returns the machine epsilon of a floating-point dtype.
fn epsilon(dtype: DType) -> f64 {
    match dtype {
        DType::Float64 => f64::EPSILON,
        DType::Float16 => 2f64.powi(-10),
        DType::BFloat16 => 2f64.powi(-7),
        _ => f64::from(f32::EPSILON),
    }
}

fn known(extent: Option<usize>, x: &Tensor) -> Result<usize> {
    extent.ok_or_else(|| {
        Error::new(ErrorKind::Shape, "Input should have its last 2 dimensions fully-defined")
            .received(format!("input.shape = {}", x.shape()))
    })
}

/// Returns Q and R of each matrix (`keras.ops.qr`).
fn qr_impl(x: &Tensor, complete: bool) -> Result<(Tensor, Tensor)> {
    let (rows, columns) = matrix_shape(x)?;
    let (rows, columns) = (known(rows, x)?, known(columns, x)?);
    let batch = batch_of(x);
    let size = if complete { rows } else { rows.min(columns) };
    let part = |m, n| Tensor::symbol(with_tail(&batch, &[Some(m), Some(n)]), x.dtype());
    program::infer_or_compute(&[x], (part(rows, size), part(size, columns)), || {
        let factors: Vec<(Matrix, Matrix)> = matrices(x)?.iter().map(dense::qr).collect();
        let q = |(q, _): &(Matrix, Matrix)| elements(&q.slice(ndarray::s![.., ..size]).to_owned());
        let r = |(_, r): &(Matrix, Matrix)| elements(&r.slice(ndarray::s![..size, ..]).to_owned());
        let q = collected(factors.iter().map(q), &batch, &[rows, size], x.dtype())?;
        let r = collected(factors.iter().map(r), &batch, &[size, columns], x.dtype())?;
        if !x.is_tracked() {
            return Ok((q, r));
        }
        if complete && rows > columns {
            return Err(Error::new(
                ErrorKind::Unsupported,
                "`qr` with mode \"complete\" has no gradient for more rows than columns",
            )
            .hint("it has none in Keras on TensorFlow; use mode \"reduced\""));
        }
        // With A = [A₁ A₂], A₁ square or tall: dQ = Q·W + (1 - Q·Qᵀ)·dA₁·R₁⁻¹, dR₁ = (Qᵀ·dA₁·R₁⁻¹ - W)·R₁, where
        // W is the skew part that keeps R₁ triangular.
        let first = |t: &Tensor| slice_axis(t, -1, Span::range(0, rows.min(columns)));
        let inverse = inv_impl(&first(&r)?)?;
        let change = subtract(x, x.detached()?)?;
        let turned = transposed(&q)?;
        let moved = matmul_impl(&first(&change)?, &inverse)?;
        let inner = matmul_impl(&turned, &moved)?;
        let below = tril(&inner, -1)?;
        let skew = subtract(&below, transposed(&below)?)?;
        let outside = subtract(&moved, matmul_impl(&q, &inner)?)?;
        let dq = add(matmul_impl(&q, &skew)?, &outside)?;
        let dr = matmul_impl(&subtract(&inner, &skew)?, &first(&r)?)?;
        let dr = if columns > rows {
            let rest = |t: &Tensor| slice_axis(t, -1, Span::range(rows, columns));
            let tail =
                add(matmul_impl(&transposed(&dq)?, &rest(&x.detached()?)?)?, matmul_impl(&turned, &rest(&change)?)?)?;
            concat(&[dr, tail], -1)?
        } else {
            dr
        };
        Ok((add(&q, &dq)?, add(&r, &dr)?))
    })
}

/// Returns 1 / x, nearly 0 where x is 0, as in TensorFlow's gradients.
fn safe_reciprocal(x: &Tensor) -> Result<Tensor> {
    divide(x, add(square(x)?, 1e-20)?)
}

/// Returns 1 / (bⱼ - bᵢ) for all pairs of the last axis, 0 on the diagonal.
fn differences(b: &Tensor) -> Result<Tensor> {
    safe_reciprocal(&subtract(expand_at(b, -2)?, expand_at(b, -1)?)?)
}

/// Returns the eigenvalues in ascending order and the eigenvectors of each symmetric matrix
/// (`keras.ops.eigh`).
fn eigh_impl(x: &Tensor) -> Result<(Tensor, Tensor)> {
    assert_square(x)?;
    let batch = batch_of(x);
    let side = x.shape().get(-1)?;
    let inferred = (Tensor::symbol(with_tail(&batch, &[side]), x.dtype()), Tensor::symbol(x.shape(), x.dtype()));
    program::infer_or_compute(&[x], inferred, || {
        let n = x.shape().dim(-1)?;
        let parts: Vec<(Vec<f64>, Matrix)> = matrices(x)?.iter().map(dense::eigh).collect();
        let values = collected(parts.iter().map(|(values, _)| values.clone()), &batch, &[n], x.dtype())?;
        let vectors = collected(parts.iter().map(|(_, vectors)| elements(vectors)), &batch, &[n, n], x.dtype())?;
        if !x.is_tracked() {
            return Ok((values, vectors));
        }
        // Only the lower triangle is read: dλ = diag(Vᵀ·dA·V), dV = V·(F ∘ Vᵀ·dA·V).
        let change = subtract(x, x.detached()?)?;
        let lower = add(tril(&change, 0)?, transposed(&tril(&change, -1)?)?)?;
        let inner = matmul_impl(&matmul_impl(&transposed(&vectors)?, &lower)?, &vectors)?;
        let turn = matmul_impl(&vectors, &multiply(differences(&values)?, &inner)?)?;
        Ok((add(&values, arrange::diagonal(&inner, 0, -2, -1)?)?, add(&vectors, &turn)?))
    })
}

/// Returns the singular values of each matrix, in descending order.
pub(super) fn singular_values(x: &Tensor) -> Result<Tensor> {
    let (rows, columns) = matrix_shape(x)?;
    let batch = batch_of(x);
    let count = rows.zip(columns).map(|(rows, columns)| rows.min(columns));
    program::infer_or_compute(
        &[x],
        Tensor::symbol(with_tail(&batch, &[count]), x.dtype()),
        || Ok(svd_impl(x, false)?.1),
    )
}

/// Returns U, the singular values and V of each matrix (`keras.ops.svd`, which returns Vᵀ).
fn svd_impl(x: &Tensor, full: bool) -> Result<(Tensor, Tensor, Tensor)> {
    let (m, n) = matrix_shape(x)?;
    let batch = batch_of(x);
    let least = m.zip(n).map(|(m, n)| m.min(n));
    let side = |extent| if full { extent } else { least };
    let part = |tail: &[Option<usize>]| Tensor::symbol(with_tail(&batch, tail), x.dtype());
    program::infer_or_compute(&[x], (part(&[m, side(m)]), part(&[least]), part(&[n, side(n)])), || {
        let (m, n, k) = (x.shape().dim(-2)?, x.shape().dim(-1)?, least.unwrap_or_default());
        let parts: Vec<(Matrix, Vec<f64>, Matrix)> = matrices(x)?.iter().map(dense::svd).collect();
        let u = collected(parts.iter().map(|part| elements(&part.0)), &batch, &[m, m], x.dtype())?;
        let s = collected(parts.iter().map(|part| part.1.clone()), &batch, &[k], x.dtype())?;
        let v = collected(parts.iter().map(|part| elements(&part.2)), &batch, &[n, n], x.dtype())?;
        let (u, s, v) = svd_followed(x, u, s, v, k)?;
        let thin = |t: &Tensor| if full { Ok(t.clone()) } else { slice_axis(t, -1, Span::range(0, k)) };
        Ok((thin(&u)?, s, thin(&v)?))
    })
}

/// Attaches gradients to the factors: dU = U·K with a skew-symmetric K, and likewise for V.
fn svd_followed(x: &Tensor, u: Tensor, s: Tensor, v: Tensor, k: usize) -> Result<(Tensor, Tensor, Tensor)> {
    if !x.is_tracked() {
        return Ok((u, s, v));
    }
    let change = subtract(x, x.detached()?)?;
    let inner = matmul_impl(&matmul_impl(&transposed(&u)?, &change)?, &v)?;
    let block = slice_axis(&slice_axis(&inner, -2, Span::range(0, k))?, -1, Span::range(0, k))?;
    let (rows, columns) = (expand_at(&s, -1)?, expand_at(&s, -2)?);
    let apart = differences(&square(&s)?)?;
    let turned = transposed(&block)?;
    let left = multiply(&apart, add(multiply(&block, &columns)?, multiply(&rows, &turned)?)?)?;
    let right = multiply(&apart, add(multiply(&rows, &block)?, multiply(&turned, &columns)?)?)?;
    let inverse = safe_reciprocal(&columns)?;
    let turn = |basis: &Tensor, skew: Tensor, outside: Tensor| -> Result<Tensor> {
        // The change outside of the span of the first columns, and the opposite change of the other columns.
        let width = basis.shape().dim(-1)?;
        let skew = if width > k {
            let outside = multiply(slice_axis(&outside, -2, Span::range(k, width))?, &inverse)?;
            let exchange = super::negative(&transposed(&outside)?)?;
            let corner = super::zeros_like(&matmul_impl(&outside, &exchange)?)?;
            concat(&[concat(&[skew, exchange], -1)?, concat(&[outside, corner], -1)?], -2)?
        } else {
            skew
        };
        add(basis, matmul_impl(basis, &skew)?)
    };
    let first = |t: &Tensor| slice_axis(t, -1, Span::range(0, k));
    let new_u = turn(&u, left, first(&inner)?)?;
    let new_v = turn(&v, right, first(&transposed(&inner)?)?)?;
    Ok((new_u, add(&s, arrange::diagonal(&block, 0, -2, -1)?)?, new_v))
}

/// Returns Q and R of each matrix (`keras.ops.qr`); all columns of Q if `complete`.
///
/// # Errors
/// If the last two extents are not known.
pub fn qr(x: &Tensor, complete: bool) -> Result<(Tensor, Tensor)> {
    let mode = if complete { "complete" } else { "reduced" };
    super::define::two(call("Qr", config! { mode: mode }, CallArgs::from(x))?)
}

/// Returns the eigenvalues in ascending order and the eigenvectors of each symmetric matrix
/// (`keras.ops.eigh`).
///
/// # Errors
/// If the matrices are not square.
pub fn eigh(x: &Tensor) -> Result<(Tensor, Tensor)> {
    super::define::two(call("Eigh", config! {}, CallArgs::from(x))?)
}

/// Returns U, the singular values and Vᵀ of each matrix (`keras.ops.svd`).
///
/// # Errors
/// For less than two axes.
pub fn svd(x: &Tensor, full_matrices: bool) -> Result<(Tensor, Tensor, Tensor)> {
    let parts = call("SVD", config! { full_matrices: full_matrices, compute_uv: true }, CallArgs::from(x))?;
    match parts.leaves().as_slice() {
        [u, s, v] => Ok(((*u).clone(), (*s).clone(), (*v).clone())),
        _ => Err(Error::new(ErrorKind::Graph, "three results expected")),
    }
}

/// Returns the pseudo-inverse of each matrix (`keras.ops.pinv`).
///
/// # Errors
/// For less than two axes.
pub fn pinv(x: &Tensor) -> Result<Tensor> {
    call("Pinv", config! { rcond: crate::json::Value::Null }, CallArgs::from(x))?.into_single()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn factors_agree_with_numpy() {
        let x = Tensor::from_slice(&[3.0f32, 0.0, 4.0, 5.0], [2, 2]).unwrap();
        // np.linalg.svd([[3, 0], [4, 5]])
        let (_, s, _) = svd(&x, true).unwrap();
        let s = s.to_vec::<f32>().unwrap();
        assert!((s[0] - 6.708_204).abs() < 1e-5 && (s[1] - 2.236_068).abs() < 1e-5, "{s:?}");
        // np.linalg.qr([[3, 0], [4, 5]])
        let (_, r) = qr(&x, false).unwrap();
        assert!(r.to_vec::<f32>().unwrap().iter().zip([-5.0, -4.0, 0.0, 3.0]).all(|(a, b)| (a - b).abs() < 1e-5));
        // np.linalg.eigvalsh([[2, 1], [1, 2]])
        let symmetric = Tensor::from_slice(&[2.0f32, 1.0, 1.0, 2.0], [2, 2]).unwrap();
        let values = eigh(&symmetric).unwrap().0.to_vec::<f32>().unwrap();
        assert!((values[0] - 1.0).abs() < 1e-6 && (values[1] - 3.0).abs() < 1e-6);
        let unit = matmul_impl(&pinv(&x).unwrap(), &x).unwrap().to_vec::<f32>().unwrap();
        assert!(unit.iter().zip([1.0, 0.0, 0.0, 1.0]).all(|(a, b)| (a - b).abs() < 1e-5), "{unit:?}");
    }
}
