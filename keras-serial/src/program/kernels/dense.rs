//! Factorizations of small dense matrices in double precision: LU, Cholesky, QR, eigenvalues of symmetric
//! matrices, singular values.

#![allow(clippy::indexing_slicing, reason = "indices run over the extents of the matrix itself")]

use ndarray::{Array2, Axis, s};

/// A dense matrix.
pub(crate) type Matrix = Array2<f64>;

/// The LU factorization of a square matrix, with row permutation.
pub(crate) struct Lu {
    /// Both triangles in one matrix; the ones on the diagonal of L are not stored.
    pub factors: Matrix,
    /// Row `i` of L · U is row `order[i]` of the matrix.
    pub order: Vec<usize>,
    /// Whether the number of row swaps is odd.
    pub odd: bool,
}

/// Factors a matrix by elimination with partial pivoting.
pub(crate) fn lu(matrix: &Matrix) -> Lu {
    let (rows, columns) = matrix.dim();
    let mut factors = matrix.clone();
    let mut order: Vec<usize> = (0..rows).collect();
    let mut odd = false;
    for k in 0..rows.min(columns) {
        let pivot =
            (k..rows).fold(k, |best, i| if factors[[i, k]].abs() > factors[[best, k]].abs() { i } else { best });
        if pivot != k {
            for j in 0..columns {
                factors.swap([k, j], [pivot, j]);
            }
            order.swap(k, pivot);
            odd = !odd;
        }
        if factors[[k, k]] == 0.0 {
            continue;
        }
        for i in k + 1..rows {
            let factor = factors[[i, k]] / factors[[k, k]];
            factors[[i, k]] = factor;
            for j in k + 1..columns {
                factors[[i, j]] -= factor * factors[[k, j]];
            }
        }
    }
    Lu { factors, order, odd }
}

impl Lu {
    /// Returns the sign of the determinant and the logarithm of its absolute value.
    pub fn sign_and_log(&self) -> (f64, f64) {
        let start = if self.odd { -1.0 } else { 1.0 };
        self.factors.diag().iter().fold((start, 0.0), |(sign, log), pivot| {
            let side = if *pivot == 0.0 { 0.0 } else { pivot.signum() };
            (sign * side, log + pivot.abs().ln())
        })
    }

    /// Solves A · X = B; `None` for a singular A.
    pub fn solve(&self, right: &Matrix) -> Option<Matrix> {
        if self.factors.diag().iter().any(|pivot| *pivot == 0.0) {
            return None;
        }
        let ordered = right.select(Axis(0), &self.order);
        let below = solve_triangular(&self.factors, &ordered, true, true);
        Some(solve_triangular(&self.factors, &below, false, false))
    }
}

/// Solves T · X = B for a triangle of a matrix; with `unit`, the diagonal counts as ones.
pub(crate) fn solve_triangular(triangle: &Matrix, right: &Matrix, lower: bool, unit: bool) -> Matrix {
    let n = triangle.nrows();
    let mut x = right.clone();
    for step in 0..n {
        let i = if lower { step } else { n - 1 - step };
        let known = if lower { 0..i } else { i + 1..n };
        for column in 0..x.ncols() {
            let sum: f64 = known.clone().map(|j| triangle[[i, j]] * x[[j, column]]).sum();
            let rest = x[[i, column]] - sum;
            x[[i, column]] = if unit { rest } else { rest / triangle[[i, i]] };
        }
    }
    x
}

/// Returns the lower triangle L of the Cholesky factorization L · Lᵀ; NaN for a matrix that is not positive
/// definite. Reads only the lower triangle.
pub(crate) fn cholesky(matrix: &Matrix) -> Matrix {
    let n = matrix.nrows();
    let mut l = Matrix::zeros((n, n));
    for j in 0..n {
        let pivot = matrix[[j, j]] - (0..j).map(|k| l[[j, k]] * l[[j, k]]).sum::<f64>();
        // Also NaN for a zero pivot.
        if pivot.is_nan() || pivot <= 0.0 {
            return Matrix::from_elem((n, n), f64::NAN);
        }
        l[[j, j]] = pivot.sqrt();
        for i in j + 1..n {
            let sum: f64 = (0..j).map(|k| l[[i, k]] * l[[j, k]]).sum();
            l[[i, j]] = (matrix[[i, j]] - sum) / l[[j, j]];
        }
    }
    l
}

/// Returns Q with all its columns, and R, by Householder reflections with the signs of LAPACK and Eigen.
pub(crate) fn qr(matrix: &Matrix) -> (Matrix, Matrix) {
    let (rows, columns) = matrix.dim();
    let mut r = matrix.clone();
    let mut q = Matrix::eye(rows);
    for k in 0..rows.min(columns) {
        let tail: f64 = (k + 1..rows).map(|i| r[[i, k]].powi(2)).sum();
        if tail <= f64::MIN_POSITIVE {
            continue;
        }
        let head = r[[k, k]];
        let norm = (head * head + tail).sqrt();
        let beta = if head >= 0.0 { -norm } else { norm };
        let mut axis = vec![0.0; rows];
        for (i, entry) in axis.iter_mut().enumerate().skip(k) {
            *entry = if i == k { head - beta } else { r[[i, k]] };
        }
        let scale = 2.0 / axis.iter().map(|entry| entry * entry).sum::<f64>();
        for mut column in r.columns_mut() {
            let dot: f64 = column.iter().zip(&axis).map(|(x, v)| x * v).sum();
            column.iter_mut().zip(&axis).for_each(|(x, v)| *x -= scale * dot * v);
        }
        for mut row in q.rows_mut() {
            let dot: f64 = row.iter().zip(&axis).map(|(x, v)| x * v).sum();
            row.iter_mut().zip(&axis).for_each(|(x, v)| *x -= scale * dot * v);
        }
        r.slice_mut(s![k + 1.., k]).fill(0.0);
    }
    (q, r)
}

/// The maximum number of Jacobi sweeps; they converge within about ten.
const ROUNDS: usize = 64;

/// Returns the eigenvalues in ascending order and the eigenvectors (columns) of a symmetric matrix, by Jacobi
/// rotations. Reads only the lower triangle.
pub(crate) fn eigh(matrix: &Matrix) -> (Vec<f64>, Matrix) {
    let n = matrix.nrows();
    let mut a = Matrix::from_shape_fn((n, n), |(i, j)| matrix[[i.max(j), i.min(j)]]);
    let mut vectors = Matrix::eye(n);
    let size: f64 = a.iter().map(|x| x * x).sum();
    for _ in 0..ROUNDS {
        let off: f64 = a.indexed_iter().filter(|((i, j), _)| i != j).map(|(_, x)| x * x).sum();
        if off.is_nan() || off <= size * 1e-32 {
            break;
        }
        for p in 0..n {
            for q in p + 1..n {
                if a[[p, q]] == 0.0 {
                    continue;
                }
                let (c, s) = rotation(a[[p, p]], a[[q, q]], a[[p, q]]);
                rotate_columns(&mut a, p, q, c, s);
                a.swap_axes(0, 1);
                rotate_columns(&mut a, p, q, c, s);
                a.swap_axes(0, 1);
                rotate_columns(&mut vectors, p, q, c, s);
            }
        }
    }
    let values = a.diag().to_vec();
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|i, j| a[[*i, *i]].total_cmp(&a[[*j, *j]]));
    (order.iter().filter_map(|i| values.get(*i).copied()).collect(), vectors.select(Axis(1), &order))
}

/// Returns the cosine and sine of the rotation that zeroes `off` between two diagonal entries.
fn rotation(p: f64, q: f64, off: f64) -> (f64, f64) {
    let theta = (q - p) / (2.0 * off);
    let t = theta.signum() / (theta.abs() + (theta * theta + 1.0).sqrt());
    let c = 1.0 / (t * t + 1.0).sqrt();
    (c, t * c)
}

fn rotate_columns(a: &mut Matrix, p: usize, q: usize, c: f64, s: f64) {
    for i in 0..a.nrows() {
        let (x, y) = (a[[i, p]], a[[i, q]]);
        a[[i, p]] = c * x - s * y;
        a[[i, q]] = s * x + c * y;
    }
}

/// Returns the singular value decomposition U · S · Vᵀ: U, the singular values in descending order, and V; U
/// and V have all their columns.
pub(crate) fn svd(matrix: &Matrix) -> (Matrix, Vec<f64>, Matrix) {
    let (rows, columns) = matrix.dim();
    if rows < columns {
        let (v, values, u) = svd(&matrix.t().to_owned());
        return (u, values, v);
    }
    let mut a = matrix.clone();
    let mut v = Matrix::eye(columns);
    for _ in 0..ROUNDS {
        let mut still = true;
        for p in 0..columns {
            for q in p + 1..columns {
                let dot = |i: usize, j: usize| a.column(i).dot(&a.column(j));
                let (pp, qq, pq) = (dot(p, p), dot(q, q), dot(p, q));
                if pq.is_nan() || pq.abs() <= 1e-15 * (pp * qq).sqrt() || pq == 0.0 {
                    continue;
                }
                still = false;
                let (c, s) = rotation(pp, qq, pq);
                rotate_columns(&mut a, p, q, c, s);
                rotate_columns(&mut v, p, q, c, s);
            }
        }
        if still {
            break;
        }
    }
    let norms: Vec<f64> = a.columns().into_iter().map(|column| column.dot(&column).sqrt()).collect();
    let mut order: Vec<usize> = (0..columns).collect();
    order.sort_by(|i, j| norms.get(*j).unwrap_or(&0.0).total_cmp(norms.get(*i).unwrap_or(&0.0)));
    let values: Vec<f64> = order.iter().filter_map(|i| norms.get(*i).copied()).collect();
    let (a, v) = (a.select(Axis(1), &order), v.select(Axis(1), &order));
    (orthonormal(&a, &values), values, v)
}

/// Divides columns by their norms, and completes them to an orthonormal basis.
fn orthonormal(columns: &Matrix, norms: &[f64]) -> Matrix {
    let rows = columns.nrows();
    let least = norms.first().copied().unwrap_or(0.0) * 1e-14;
    let mut basis = Matrix::zeros((rows, rows));
    let mut done = Vec::new();
    for (j, norm) in norms.iter().enumerate().filter(|(_, norm)| **norm > least) {
        basis.column_mut(j).assign(&(&columns.column(j) / *norm));
        done.push(j);
    }
    for j in (0..rows).filter(|j| !norms.get(*j).is_some_and(|norm| *norm > least)) {
        // The unit vector that is farthest from the columns so far.
        let far = (0..rows).max_by(|i, k| {
            let left = |i: usize| 1.0 - done.iter().map(|d| basis[[i, *d]].powi(2)).sum::<f64>();
            left(*i).total_cmp(&left(*k))
        });
        let mut column = ndarray::Array1::zeros(rows);
        if let Some(far) = far {
            column[far] = 1.0;
        }
        for _ in 0..2 {
            for d in &done {
                let dot = basis.column(*d).dot(&column);
                column.scaled_add(-dot, &basis.column(*d));
            }
        }
        let norm = column.dot(&column).sqrt();
        basis.column_mut(j).assign(&(column / norm));
        done.push(j);
    }
    basis
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matrix(rows: usize, columns: usize) -> Matrix {
        Matrix::from_shape_fn((rows, columns), |(i, j)| ((i * i * 7 + j * 3 + i * j * j + 1) as f64 * 0.731).sin())
    }

    fn close(a: &Matrix, b: &Matrix) {
        assert_eq!(a.dim(), b.dim());
        assert!(a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-10), "{a}\n{b}");
    }

    #[test]
    fn factors_multiply_to_the_matrix() {
        for (rows, columns) in [(4, 4), (6, 3), (3, 5), (1, 1)] {
            let a = matrix(rows, columns);
            let (q, r) = qr(&a);
            close(&q.dot(&r), &a);
            close(&q.t().dot(&q), &Matrix::eye(rows));
            let (u, values, v) = svd(&a);
            let mut s = Matrix::zeros((rows, columns));
            values.iter().enumerate().for_each(|(i, value)| s[[i, i]] = *value);
            close(&u.dot(&s).dot(&v.t()), &a);
            close(&u.t().dot(&u), &Matrix::eye(rows));
            close(&v.t().dot(&v), &Matrix::eye(columns));
        }
        let a = matrix(5, 5);
        let spd = a.dot(&a.t()) + Matrix::eye(5);
        let l = cholesky(&spd);
        close(&l.dot(&l.t()), &spd);
        let (values, vectors) = eigh(&spd);
        assert!(values.is_sorted());
        close(&vectors.dot(&Matrix::from_diag(&ndarray::Array1::from(values))).dot(&vectors.t()), &spd);
        let x = lu(&a).solve(&Matrix::eye(5)).unwrap();
        close(&a.dot(&x), &Matrix::eye(5));
    }

    #[test]
    fn matrices_without_full_rank() {
        let a = Matrix::from_shape_fn((4, 3), |(i, j)| (i + 1) as f64 * (j + 1) as f64);
        let (u, values, v) = svd(&a);
        assert!(values[1] < 1e-12 && values[2] < 1e-12);
        close(&u.t().dot(&u), &Matrix::eye(4));
        close(&v.t().dot(&v), &Matrix::eye(3));
        assert!(lu(&Matrix::from_elem((2, 2), 1.0)).solve(&Matrix::eye(2)).is_none());
        assert!(cholesky(&Matrix::from_elem((2, 2), -1.0))[[0, 0]].is_nan());
    }
}
