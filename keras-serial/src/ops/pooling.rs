//! Max and average pooling over one, two or three axes.

use super::arithmetic::divide;
use super::conv::{DataFormat, Padding, Window, channels_first, joined, lift, lower, parts, restore};
use super::create::ones;
use super::dtypes::{cast, to_float};
use super::reduce::Axes;
use super::shape::{Span, concat, pad_with, reshape_to, slice_axis};
use crate::error::{Error, ErrorKind, Result};
use crate::program;
use crate::program::primitives::Pool;
pub(crate) use crate::program::primitives::Pooling;
use crate::tensor::{DType, Shape, Tensor};

/// Pools windows to one element each (`keras.ops.max_pool`, `average_pool`).
pub(crate) fn pool(
    x: &Tensor,
    pooling: Pooling,
    size: &[usize],
    strides: &[usize],
    padding: Padding,
    format: DataFormat,
) -> Result<Tensor> {
    let (batch, spatial, channels) = parts(x, format)?;
    let window = Window { size, strides, dilation: &[], padding };
    let result = joined(batch, window.output(&spatial)?, channels, format);
    if x.is_symbolic() {
        return Ok(Tensor::symbol(result, x.dtype()));
    }
    let dtype = x.dtype();
    let first = channels_first(&to_float(x)?, format)?;
    let edges: Vec<(usize, usize)> =
        spatial.iter().enumerate().map(|(axis, extent)| window.edges(axis, extent.unwrap_or_default())).collect();
    let padded = edges.iter().any(|edge| *edge != (0, 0));
    let widths: Vec<(usize, usize)> = [(0, 0), (0, 0)].into_iter().chain(edges).collect();
    let y = match pooling {
        Pooling::Max => {
            // The lowest finite number; half precision would overflow with that of `f32`.
            let lowest = if first.dtype() == DType::Float16 { -65504.0 } else { f64::from(f32::MIN) };
            pool_valid(&pad_with(&first, &widths, lowest)?, pooling, &window)?
        }
        Pooling::Average => {
            let mean = pool_valid(&pad_with(&first, &widths, 0.0)?, pooling, &window)?;
            if padded {
                let inside: Shape = [Some(1), Some(1)].into_iter().chain(spatial.iter().copied()).collect();
                let share = pool_valid(&pad_with(&ones(&inside, first.dtype())?, &widths, 0.0)?, pooling, &window)?;
                divide(&mean, &share)?
            } else {
                mean
            }
        }
    };
    cast(&restore(&y, format)?, dtype)
}

/// Pools without padding, one or two axes at a time.
fn pool_valid(x: &Tensor, pooling: Pooling, window: &Window<'_>) -> Result<Tensor> {
    let two = |x: &Tensor, size: [usize; 2], strides: [usize; 2]| -> Result<Tensor> {
        program::apply(Pool { pooling, size, strides }, &[x])
    };
    let at = |axis: usize| window.at(axis);
    match x.rank() {
        3 => lower(&two(&lift(x)?, [1, at(0).0], [1, at(0).1])?),
        4 => two(x, [at(0).0, at(1).0], [at(0).1, at(1).1]),
        _ => {
            // Pool the last two axes, then the first one, with the other axes merged.
            let dims = x.shape().known()?;
            let &[n, c, d, h, w] = dims.as_slice() else {
                return Err(Error::new(ErrorKind::Shape, "wrong rank").received(format!("shape {}", x.shape())));
            };
            let y = two(&reshape_to(x, &Shape::from([n, c * d, h, w]))?, [at(1).0, at(2).0], [at(1).1, at(2).1])?;
            let (h, w) = (y.shape().dim(2)?, y.shape().dim(3)?);
            let y = two(&reshape_to(&y, &Shape::from([n, c, d, h * w]))?, [at(0).0, 1], [at(0).1, 1])?;
            let d = y.shape().dim(2)?;
            reshape_to(&y, &Shape::from([n, c, d, h, w]))
        }
    }
}

/// Computes adaptive pooling: splits each axis into `size` windows, which overlap if the extent is not
/// divisible, and pools each (`keras.ops.adaptive_max_pool`, `adaptive_average_pool`).
pub(crate) fn adaptive_pool(x: &Tensor, pooling: Pooling, size: &[usize], format: DataFormat) -> Result<Tensor> {
    let (batch, spatial, channels) = parts(x, format)?;
    if spatial.len() != size.len() || size.contains(&0) {
        return Err(Error::new(ErrorKind::InvalidArgument, "wrong `output_size`")
            .expected(format!("{} positive integers", spatial.len()))
            .received(format!("{size:?}")));
    }
    if x.is_symbolic() {
        let known = size.iter().copied().map(Some).collect();
        return Ok(Tensor::symbol(joined(batch, known, channels, format), x.dtype()));
    }
    let first: isize = if format == DataFormat::ChannelsLast { 1 } else { 2 };
    let fold = |x: &Tensor, axis: isize, keepdims: bool| match pooling {
        Pooling::Max => super::reduce::max_impl(x, &Axes::from(axis), keepdims),
        Pooling::Average => super::reduce::mean_impl(x, &Axes::from(axis), keepdims),
    };
    (first..).zip(size).try_fold(x.clone(), |x, (axis, count)| {
        let extent = x.shape().dim(axis)?;
        if extent.is_multiple_of(*count) {
            let mut dims = x.shape().known()?;
            let position = x.shape().axis(axis)?;
            dims.splice(position..=position, [*count, extent / count]);
            return fold(&reshape_to(&x, &dims.into())?, axis + 1, false);
        }
        let windows = (0..*count).map(|i| {
            let window = Span::range(i * extent / count, ((i + 1) * extent).div_ceil(*count));
            fold(&slice_axis(&x, axis, window)?, axis, true)
        });
        concat(&windows.collect::<Result<Vec<_>>>()?, axis)
    })
}
