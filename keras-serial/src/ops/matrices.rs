//! Batches of matrices: reading and writing them, and gradients of results computed from them.

use super::arithmetic::{add, subtract};
use super::dtypes::cast;
use super::shape::transpose_to;
use crate::error::{Error, ErrorKind, Result};
use crate::program::kernels::dense::Matrix;
use crate::tensor::{DType, Shape, Tensor};

/// Returns the extents of all axes but the last two.
pub(super) fn batch_of(x: &Tensor) -> Vec<Option<usize>> {
    x.shape().dims().split_at(x.rank().saturating_sub(2)).0.to_vec()
}

/// Returns the shape of a batch with other last axes.
pub(super) fn with_tail(batch: &[Option<usize>], tail: &[Option<usize>]) -> Shape {
    batch.iter().chain(tail).copied().collect()
}

/// Checks that a tensor holds matrices, and returns their numbers of rows and columns.
pub(super) fn matrix_shape(x: &Tensor) -> Result<(Option<usize>, Option<usize>)> {
    if x.rank() < 2 {
        return Err(Error::new(ErrorKind::Shape, "Expected input to have rank >= 2")
            .received(format!("input with shape {}", x.shape())));
    }
    Ok((x.shape().get(-2)?, x.shape().get(-1)?))
}

/// Checks that a tensor holds square matrices.
pub(super) fn assert_square(x: &Tensor) -> Result<()> {
    match matrix_shape(x)? {
        (Some(rows), Some(columns)) if rows != columns => Err(Error::new(ErrorKind::Shape, "Expected a square matrix")
            .received(format!("non-square input with shape {}", x.shape()))),
        _ => Ok(()),
    }
}

/// Returns the matrices of a batch.
pub(super) fn matrices(x: &Tensor) -> Result<Vec<Matrix>> {
    let (rows, columns) = (x.shape().dim(-2)?, x.shape().dim(-1)?);
    let count: usize = batch_of(x).into_iter().flatten().product();
    let values = cast(&x.detached()?, DType::Float64)?.to_vec::<f64>()?;
    let size = rows * columns;
    (0..count)
        .map(|i| {
            let part = values.get(i * size..(i + 1) * size).unwrap_or_default().to_vec();
            Matrix::from_shape_vec((rows, columns), part)
                .map_err(|error| Error::new(ErrorKind::Engine, "not a matrix").with_source(error.to_string()))
        })
        .collect()
}

/// Collects a batch of results in row-major order into one tensor.
pub(super) fn collected(
    parts: impl IntoIterator<Item = Vec<f64>>,
    batch: &[Option<usize>],
    tail: &[usize],
    dtype: DType,
) -> Result<Tensor> {
    let tail: Vec<Option<usize>> = tail.iter().copied().map(Some).collect();
    let values: Vec<f64> = parts.into_iter().flatten().collect();
    cast(&Tensor::from_vec(values, with_tail(batch, &tail))?, dtype)
}

/// Returns the elements of a matrix in row-major order.
pub(super) fn elements(matrix: &Matrix) -> Vec<f64> {
    matrix.iter().copied().collect()
}

/// Returns the transposed matrices.
pub(super) fn transposed(x: &Tensor) -> Result<Tensor> {
    let rank = x.rank();
    let mut axes: Vec<usize> = (0..rank).collect();
    if rank >= 2 {
        axes.swap(rank - 1, rank - 2);
    }
    transpose_to(x, &axes)
}

/// Attaches a gradient to `y` as a function of `x`: `change` is its differential, a linear function of the
/// change of `x`.
pub(super) fn followed(y: Tensor, x: &Tensor, change: impl FnOnce(&Tensor) -> Result<Tensor>) -> Result<Tensor> {
    if !x.is_tracked() {
        return Ok(y);
    }
    add(&y, change(&subtract(x, x.detached()?)?)?)
}
