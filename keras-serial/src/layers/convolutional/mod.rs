//! Convolution layers (`keras.layers`, convolutional).

#[macro_use]
mod macros;
#[macro_use]
mod macros_depthwise;
#[macro_use]
mod macros_separable;
#[macro_use]
mod macros_transpose;

mod conv1d;
mod conv1d_transpose;
mod conv2d;
mod conv2d_transpose;
mod conv3d;
mod conv3d_transpose;
mod depthwise_conv1d;
mod depthwise_conv2d;
mod separable_conv1d;
mod separable_conv2d;

pub use conv1d::Conv1D;
pub use conv1d_transpose::Conv1DTranspose;
pub use conv2d::Conv2D;
pub use conv2d_transpose::Conv2DTranspose;
pub use conv3d::Conv3D;
pub use conv3d_transpose::Conv3DTranspose;
pub use depthwise_conv1d::DepthwiseConv1D;
pub use depthwise_conv2d::DepthwiseConv2D;
pub use separable_conv1d::SeparableConv1D;
pub use separable_conv2d::SeparableConv2D;

use crate::error::Result;
use crate::layers::invalid_argument;
use crate::ops::Padding;

/// Checks that strides and dilation rates are not both above 1.
fn check_dilation(strides: &[usize], dilation_rate: &[usize]) -> Result<()> {
    if strides.iter().any(|stride| *stride > 1) && dilation_rate.iter().any(|dilation| *dilation > 1) {
        let received = format!("{dilation_rate:?}, strides={strides:?}");
        return Err(invalid_argument("dilation_rate", "1 in conjunction with `strides > 1`", received));
    }
    Ok(())
}

/// Returns an error for causal padding, which only convolutions over time support.
fn refuse_causal(padding: Padding) -> Result<()> {
    match padding {
        Padding::Causal => Err(invalid_argument("padding", "one of \"valid\", \"same\"", "\"causal\"")),
        _ => Ok(()),
    }
}
