//! Convolution over one, two or three axes.

use super::arithmetic::add;
use super::dtypes::to_float;
use super::operand::Operand;
use super::shape::{reshape_to, transpose_to};
use crate::KerasEnum;
use crate::error::{Error, ErrorKind, Result};
use crate::program;
use crate::program::primitives::{Conv, ConvTranspose, Spread, Steps};
use crate::tensor::{Shape, Tensor};

/// The position of the channel axis: after the spatial axes (Keras's default), or before them.
#[derive(KerasEnum, Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum DataFormat {
    /// `(batch, …, channels)`.
    #[default]
    ChannelsLast,
    /// `(batch, channels, …)`.
    ChannelsFirst,
}

/// The padding at the edges.
#[derive(KerasEnum, Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Padding {
    /// No padding: windows lie inside.
    #[default]
    Valid,
    /// As many outputs as inputs, for strides of 1.
    Same,
    /// Padding only before the first position, for one axis.
    Causal,
}

impl DataFormat {
    /// Returns the position of the channel axis.
    pub fn channel_axis(self) -> isize {
        match self {
            Self::ChannelsLast => -1,
            Self::ChannelsFirst => 1,
        }
    }
}

/// The window of a convolution or pooling: size, strides, dilation and padding of each axis.
#[derive(Debug, Clone)]
pub(crate) struct Window<'a> {
    pub size: &'a [usize],
    pub strides: &'a [usize],
    pub dilation: &'a [usize],
    pub padding: Padding,
}

impl Window<'_> {
    pub(super) fn at(&self, axis: usize) -> (usize, usize, usize) {
        let get = |list: &[usize]| list.get(axis).copied().unwrap_or(1).max(1);
        (get(self.size), get(self.strides), get(self.dilation))
    }

    /// Returns the effective size of the dilated window on an axis.
    fn reach(&self, axis: usize) -> usize {
        let (size, _, dilation) = self.at(axis);
        (size - 1) * dilation + 1
    }

    /// Returns the padding before and after an axis of this extent.
    pub(super) fn edges(&self, axis: usize, extent: usize) -> (usize, usize) {
        let (_, stride, _) = self.at(axis);
        match self.padding {
            Padding::Valid => (0, 0),
            Padding::Causal => (self.reach(axis) - 1, 0),
            Padding::Same => {
                let total =
                    ((extent.div_ceil(stride).saturating_sub(1)) * stride + self.reach(axis)).saturating_sub(extent);
                (total / 2, total - total / 2)
            }
        }
    }

    /// Returns how the window moves over an axis of this extent.
    pub(crate) fn steps(&self, axis: usize, extent: usize) -> Steps {
        let (_, stride, dilation) = self.at(axis);
        let (before, after) = self.edges(axis, extent);
        Steps { stride, dilation, before, after }
    }

    /// Returns the output extent of an axis.
    fn results(&self, axis: usize, extent: usize) -> Result<usize> {
        self.steps(axis, extent).results(extent, self.at(axis).0)
    }

    pub(super) fn output(&self, spatial: &[Option<usize>]) -> Result<Vec<Option<usize>>> {
        spatial
            .iter()
            .enumerate()
            .map(|(axis, extent)| extent.map(|extent| self.results(axis, extent)).transpose())
            .collect()
    }
}

/// Moves the channel axis from where the format has it to the end.
pub(super) fn channels_last(x: &Tensor, format: DataFormat) -> Result<Tensor> {
    match format {
        DataFormat::ChannelsLast => Ok(x.clone()),
        DataFormat::ChannelsFirst => {
            transpose_to(x, &[0].into_iter().chain(2..x.rank()).chain([1]).collect::<Vec<_>>())
        }
    }
}

/// Moves the channel axis from the end to where the format has it.
pub(super) fn in_format(x: &Tensor, format: DataFormat) -> Result<Tensor> {
    let last = x.rank().saturating_sub(1);
    match format {
        DataFormat::ChannelsLast => Ok(x.clone()),
        DataFormat::ChannelsFirst => transpose_to(x, &[0, last].into_iter().chain(1..last).collect::<Vec<_>>()),
    }
}

/// The extent of an axis, if it is known.
type Extent = Option<usize>;

/// Returns batch, spatial extents and channels.
pub(super) fn parts(x: &Tensor, format: DataFormat) -> Result<(Extent, Vec<Extent>, Extent)> {
    let dims = x.shape().dims();
    match (dims, format) {
        ([batch, spatial @ .., channels], DataFormat::ChannelsLast)
        | ([batch, channels, spatial @ ..], DataFormat::ChannelsFirst)
            if (1..=3).contains(&spatial.len()) =>
        {
            Ok((*batch, spatial.to_vec(), *channels))
        }
        _ => Err(Error::new(ErrorKind::Shape, "wrong rank")
            .expected("batch, channels, and one to three axes")
            .received(format!("shape {}", x.shape()))),
    }
}

pub(super) fn joined(
    batch: Option<usize>,
    spatial: Vec<Option<usize>>,
    channels: Option<usize>,
    format: DataFormat,
) -> Shape {
    match format {
        DataFormat::ChannelsLast => [batch].into_iter().chain(spatial).chain([channels]).collect(),
        DataFormat::ChannelsFirst => [batch, channels].into_iter().chain(spatial).collect(),
    }
}

/// Computes a convolution with a kernel of shape `(…window, inputs / groups, outputs)` (`keras.ops.conv`).
pub(crate) fn conv(
    x: &Tensor,
    kernel: &Tensor,
    strides: &[usize],
    padding: Padding,
    format: DataFormat,
    dilation: &[usize],
    groups: usize,
) -> Result<Tensor> {
    let (x, kernel) = super::dtypes::promote(Operand::from(&to_float(x)?), Operand::from(kernel))?;
    let (_, spatial, channels) = parts(&x, format)?;
    let kernel_dims = kernel.shape().known()?;
    let [size @ .., inputs, outputs] = kernel_dims.as_slice() else {
        return Err(
            Error::new(ErrorKind::Shape, "wrong rank of the kernel").received(format!("shape {}", kernel.shape()))
        );
    };
    if size.len() != spatial.len()
        || channels.is_some_and(|channels| channels != inputs * groups)
        || !outputs.is_multiple_of(groups.max(1))
    {
        return Err(Error::new(ErrorKind::Shape, "the kernel does not fit the input")
            .expected(format!("{} input channels", inputs * groups))
            .received(format!("shapes {} and {}", x.shape(), kernel.shape())));
    }
    let window = Window { size, strides, dilation, padding };
    window.output(&spatial)?;
    let last = channels_last(&x, format)?;
    let axes = spatial.iter().enumerate().map(|(axis, extent)| window.steps(axis, extent.unwrap_or_default()));
    let y = program::apply(Conv { axes: axes.collect(), groups }, &[&last, &kernel])?;
    in_format(&y, format)
}

/// Computes a depthwise convolution with a kernel of shape `(…window, channels, multiplier)`
/// (`keras.ops.depthwise_conv`).
pub(crate) fn depthwise_conv(
    x: &Tensor,
    kernel: &Tensor,
    strides: &[usize],
    padding: Padding,
    format: DataFormat,
    dilation: &[usize],
) -> Result<Tensor> {
    let dims = kernel.shape().known()?;
    let [size @ .., channels, multiplier] = dims.as_slice() else {
        return Err(
            Error::new(ErrorKind::Shape, "wrong rank of the kernel").received(format!("shape {}", kernel.shape()))
        );
    };
    let grouped: Vec<usize> = size.iter().copied().chain([1, channels * multiplier]).collect();
    conv(x, &reshape_to(kernel, &grouped.into())?, strides, padding, format, dilation, *channels)
}

/// Computes a separable convolution: [`depthwise_conv`], then a pointwise convolution with a kernel of shape
/// `(1, …, channels · multiplier, outputs)` (`keras.ops.separable_conv`).
pub(crate) fn separable_conv(
    x: &Tensor,
    depthwise: &Tensor,
    pointwise: &Tensor,
    strides: &[usize],
    padding: Padding,
    format: DataFormat,
    dilation: &[usize],
) -> Result<Tensor> {
    let y = depthwise_conv(x, depthwise, strides, padding, format, dilation)?;
    conv(&y, pointwise, &[], Padding::Valid, format, &[], 1)
}

/// Computes a transposed convolution with a kernel of shape `(…window, outputs, inputs)`
/// (`keras.ops.conv_transpose`).
pub(crate) fn conv_transpose(
    x: &Tensor,
    kernel: &Tensor,
    strides: &[usize],
    padding: Padding,
    output_padding: Option<&[usize]>,
    format: DataFormat,
    dilation: &[usize],
) -> Result<Tensor> {
    let (x, kernel) = super::dtypes::promote(Operand::from(&to_float(x)?), Operand::from(kernel))?;
    let (_, spatial, channels) = parts(&x, format)?;
    let kernel_dims = kernel.shape().known()?;
    let [size @ .., _, inputs] = kernel_dims.as_slice() else {
        return Err(
            Error::new(ErrorKind::Shape, "wrong rank of the kernel").received(format!("shape {}", kernel.shape()))
        );
    };
    if size.len() != spatial.len() || channels.is_some_and(|channels| channels != *inputs) {
        return Err(Error::new(ErrorKind::Shape, "the kernel does not fit the input")
            .expected(format!("{inputs} input channels"))
            .received(format!("shapes {} and {}", x.shape(), kernel.shape())));
    }
    let window = Window { size, strides, dilation, padding };
    let length = |axis: usize, extent: usize| {
        let (_, stride, _) = window.at(axis);
        let reach = window.reach(axis);
        let whole = extent.saturating_sub(1) * stride + reach;
        match (output_padding.and_then(|p| p.get(axis).copied()), padding) {
            (Some(extra), Padding::Same) => (whole + extra).saturating_sub(2 * (reach / 2)),
            (Some(extra), _) => whole + extra,
            (None, Padding::Same) => extent * stride,
            (None, _) => extent * stride + reach.saturating_sub(stride),
        }
    };
    let lengths: Vec<Option<usize>> =
        spatial.iter().enumerate().map(|(axis, extent)| extent.map(|extent| length(axis, extent))).collect();
    let spread = |(axis, results): (usize, &Option<usize>)| {
        let (_, stride, dilation) = window.at(axis);
        let results = results.unwrap_or_default();
        let (cropped, _) = if padding == Padding::Same { window.edges(axis, results) } else { (0, 0) };
        Spread { stride, dilation, cropped, results }
    };
    let transposed = ConvTranspose(lengths.iter().enumerate().map(spread).collect());
    let y = program::apply(transposed, &[&channels_last(&x, format)?, &kernel])?;
    in_format(&y, format)
}

/// Adds a bias with one number per channel.
pub(crate) fn add_bias(x: &Tensor, bias: &Tensor, format: DataFormat) -> Result<Tensor> {
    add(x, per_channel(bias, x.rank(), format)?)
}

/// Reshapes one number per channel to broadcast with a tensor of this rank.
pub(crate) fn per_channel(values: &Tensor, rank: usize, format: DataFormat) -> Result<Tensor> {
    if format == DataFormat::ChannelsLast {
        return Ok(values.clone());
    }
    let channels = values.shape().dim(0)?;
    reshape_to(values, &(0..rank).map(|axis| Some(if axis == 1 { channels } else { 1 })).collect())
}
