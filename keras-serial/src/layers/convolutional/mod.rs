//! Convolutions (`keras.layers`, convolutional).

#[macro_use]
mod macros;

mod conv1d;
mod conv2d;
mod conv2d_transpose;
mod conv3d;
mod depthwise_conv2d;

pub use conv1d::Conv1D;
pub use conv2d::Conv2D;
pub use conv2d_transpose::Conv2DTranspose;
pub use conv3d::Conv3D;
pub use depthwise_conv2d::DepthwiseConv2D;
