//! Max and average pooling over one, two or three axes.

use super::axes::Axes;
use super::conv::{DataFormat, Padding, Window, channels_last, in_format, joined, parts};
use super::dtypes::{cast, to_float};
use super::shape::{Span, concat, reshape_to, slice_axis};
use crate::error::{Error, ErrorKind, Result};
use crate::program;
use crate::program::primitives::Pool;
pub(crate) use crate::program::primitives::Pooling;
use crate::tensor::Tensor;

/// Pools windows to one element each (`keras.ops.max_pool`, `average_pool`).
pub(crate) fn pool(
    x: &Tensor,
    pooling: Pooling,
    size: &[usize],
    strides: &[usize],
    padding: Padding,
    format: DataFormat,
) -> Result<Tensor> {
    let (_, spatial, _) = parts(x, format)?;
    let window = Window { size, strides, dilation: &[], padding };
    window.output(&spatial)?;
    let axes = spatial.iter().enumerate().map(|(axis, extent)| window.steps(axis, extent.unwrap_or_default()));
    let primitive =
        Pool { pooling, size: (0..spatial.len()).map(|axis| window.at(axis).0).collect(), axes: axes.collect() };
    let y = program::apply(primitive, &[&channels_last(&to_float(x)?, format)?])?;
    cast(&in_format(&y, format)?, x.dtype())
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
    let known = size.iter().copied().map(Some).collect();
    program::infer_or_compute(&[x], Tensor::symbol(joined(batch, known, channels, format), x.dtype()), || {
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
    })
}
