//! Normalizations: `keras.ops.batch_normalization` and the like.

use super::arithmetic::{add, minimum, multiply};
use super::axes::Axes;
use super::dtypes::{cast, result_type};
use super::elementwise::{negative, rsqrt, square};
use super::reduce::{self, mean_impl, sum_impl};
use super::shape::reshape_to;
use crate::error::Result;
use crate::tensor::{DType, Shape, Tensor};

/// Returns mean and variance over axes (`keras.ops.moments`).
///
/// # Errors
/// If the shape has no such axis.
pub fn moments(x: &Tensor, axes: &Axes, keepdims: bool) -> Result<(Tensor, Tensor)> {
    reduce::moments(x, axes, keepdims)
}

/// Returns the dtype in which statistics are computed: at least single precision.
pub(crate) fn wide(dtype: DType) -> DType {
    result_type(dtype, DType::Float32)
}

/// Computes `x · inv + (offset - mean · inv)` with `inv = scale / √(variance + epsilon)`.
fn scale_and_shift(
    x: &Tensor,
    (mean, variance): (&Tensor, &Tensor),
    scale: Option<&Tensor>,
    offset: Option<&Tensor>,
    epsilon: f64,
) -> Result<Tensor> {
    let mut inverse = rsqrt(&add(variance, epsilon)?)?;
    if let Some(scale) = scale {
        inverse = multiply(&inverse, scale)?;
    }
    let mut shift = negative(&multiply(mean, &inverse)?)?;
    if let Some(offset) = offset {
        shift = add(&shift, offset)?;
    }
    add(&multiply(x, &inverse)?, &shift)
}

/// Reshapes a vector to broadcast along one axis of a tensor of this rank.
fn along(vector: &Tensor, rank: usize, axis: usize) -> Result<Tensor> {
    let extent = vector.shape().get(0)?;
    reshape_to(vector, &(0..rank).map(|i| if i == axis { extent } else { Some(1) }).collect())
}

/// Computes batch normalization: `scale · (x - mean) / √(variance + epsilon) + offset`, with vectors along
/// one axis (`keras.ops.batch_normalization`).
///
/// # Errors
/// If a vector is not as long as the axis.
pub fn batch_normalization(
    x: &Tensor,
    mean: &Tensor,
    variance: &Tensor,
    axis: isize,
    offset: Option<&Tensor>,
    scale: Option<&Tensor>,
    epsilon: f64,
) -> Result<Tensor> {
    let axis = x.shape().axis(axis)?;
    let vector = |vector: &Tensor| along(vector, x.rank(), axis);
    let (scale, offset) = (scale.map(vector).transpose()?, offset.map(vector).transpose()?);
    scale_and_shift(x, (&vector(mean)?, &vector(variance)?), scale.as_ref(), offset.as_ref(), epsilon)
}

/// Computes layer normalization: `gamma · (x - mean) / √(variance + epsilon) + beta` with statistics over
/// axes (`keras.ops.layer_normalization`); Keras's `rms_scaling` leaves out the mean and beta.
///
/// # Errors
/// If `gamma` or `beta` does not fit the axes.
pub fn layer_normalization(
    x: &Tensor,
    gamma: Option<&Tensor>,
    beta: Option<&Tensor>,
    axes: &[isize],
    epsilon: f64,
    rms_scaling: bool,
) -> Result<Tensor> {
    let wide_x = cast(x, wide(x.dtype()))?;
    let over = Axes::from(axes);
    let positions = over.positions(x.shape())?;
    let dims = x.shape().dims().iter().enumerate();
    let shape: Shape = dims.map(|(i, dim)| if positions.contains(&i) { *dim } else { Some(1) }).collect();
    let fit = |weight: &Tensor| cast(&reshape_to(weight, &shape)?, wide_x.dtype());
    let (gamma, beta) = (gamma.map(fit).transpose()?, beta.map(fit).transpose()?);
    let (mean, variance) = moments(&wide_x, &over, true)?;
    let y = if rms_scaling {
        let y = multiply(&wide_x, rsqrt(&add(&variance, epsilon)?)?)?;
        gamma.map_or(Ok(y.clone()), |gamma| multiply(&y, gamma))?
    } else {
        scale_and_shift(&wide_x, (&mean, &variance), gamma.as_ref(), beta.as_ref(), epsilon)?
    };
    cast(&y, x.dtype())
}

/// Computes RMS normalization: `scale · x / √(mean(x²) + epsilon)` over axes (`keras.ops.rms_normalization`).
///
/// # Errors
/// If `scale` does not broadcast with `x`.
pub fn rms_normalization(x: &Tensor, scale: Option<&Tensor>, axes: &[isize], epsilon: f64) -> Result<Tensor> {
    let wide_x = cast(x, wide(x.dtype()))?;
    let mean = mean_impl(&square(&wide_x)?, &Axes::from(axes), true)?;
    let mut y = multiply(&wide_x, rsqrt(&add(&mean, epsilon)?)?)?;
    if let Some(scale) = scale {
        y = multiply(&y, cast(scale, wide_x.dtype())?)?;
    }
    cast(&y, x.dtype())
}

/// Divides `x` by its Euclidean norm along axes (`keras.ops.normalize` of order 2).
///
/// # Errors
/// If the shape has no such axis.
pub fn normalize(x: &Tensor, axes: impl Into<Axes>, epsilon: f64) -> Result<Tensor> {
    let inverse = rsqrt(&sum_impl(&square(x)?, &axes.into(), true)?)?;
    multiply(x, minimum(&inverse, 1.0 / epsilon)?)
}

/// Computes group normalization: `gamma · (x - mean) / √(variance + epsilon) + beta` with statistics over all
/// axes but the batch, for each group of positions on an axis.
///
/// # Errors
/// If the axis can't be split into groups.
pub(crate) fn group_normalization(
    x: &Tensor,
    groups: usize,
    axis: usize,
    gamma: Option<&Tensor>,
    beta: Option<&Tensor>,
    epsilon: f64,
) -> Result<Tensor> {
    let channels = x.shape().dim(axis as isize)? / groups.max(1);
    let split = |dims: Vec<Option<usize>>| -> Shape {
        let (before, after) = dims.split_at(axis);
        before.iter().copied().chain([Some(groups), Some(channels)]).chain(after.iter().skip(1).copied()).collect()
    };
    let grouped = cast(&reshape_to(x, &split(x.shape().dims().to_vec()))?, wide(x.dtype()))?;
    let over = (1..grouped.rank()).filter(|i| *i != axis).map(|i| i as isize).collect();
    let (mean, variance) = moments(&grouped, &Axes(Some(over)), true)?;
    let fit = |weight: &Tensor| cast(&reshape_to(weight, &split(vec![Some(1); x.rank()]))?, grouped.dtype());
    let (gamma, beta) = (gamma.map(fit).transpose()?, beta.map(fit).transpose()?);
    let y = scale_and_shift(&grouped, (&mean, &variance), gamma.as_ref(), beta.as_ref(), epsilon)?;
    cast(&reshape_to(&y, x.shape())?, x.dtype())
}

#[cfg(test)]
mod tests {
    use super::*;

    // keras.ops.layer_normalization(x, axis=[0, 1]), .rms_normalization(x), .normalize(x)
    #[test]
    fn numbers_are_keras_numbers() {
        let x = Tensor::from_slice(&[1.0f32, 2.0, 3.0, 5.0], [2, 2]).unwrap();
        let close = |y: Tensor, expected: [f32; 4]| {
            let y = y.to_vec::<f32>().unwrap();
            assert!(y.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-5), "{y:?}");
        };
        close(
            layer_normalization(&x, None, None, &[0, 1], 1e-3, false).unwrap(),
            [-1.1829457, -0.5069767, 0.16899228, 1.52093],
        );
        close(rms_normalization(&x, None, &[-1], 1e-6).unwrap(), [0.6324554, 1.2649108, 0.7276069, 1.2126781]);
        close(normalize(&x, -1, 1e-12).unwrap(), [0.4472136, 0.8944272, 0.5144958, 0.85749286]);
    }
}
