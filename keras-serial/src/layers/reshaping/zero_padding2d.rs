//! 2D zero padding, over height and width.

use super::macros::zero_padding;
use crate::layers::{Edges, LayerBase};
use crate::ops::DataFormat;
use crate::{KerasSerializable, register};

/// Pads height and width with zeros, before and after.
///
/// # Arguments
/// `padding`: the number of zeros, one number for all edges, one for each axis, or a pair (before, after) for
/// each axis; 1 by default. `data_format`: `channels_last`.
///
/// # Shapes
/// `(batch, height, width, channels)` gives more positions and the same channels.
///
/// Follows <https://keras.io/api/layers/reshaping_layers/zero_padding2d>.
///
/// ```
/// use keras_serial::prelude::*;
/// let x = Tensor::from_slice(&[5.0f32], [1, 1, 1, 1])?;
/// let y = ZeroPadding2D::new().apply(&x)?;
/// assert_eq!(y.shape(), &Shape::from([1, 3, 3, 1]));
/// assert_eq!(y.to_vec::<f32>()?.iter().position(|y| *y == 5.0), Some(4));
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.layers")]
#[derive(KerasSerializable, Debug)]
#[keras(new, default, setters)]
pub struct ZeroPadding2D {
    base: LayerBase,
    #[keras(default = 1.into())]
    padding: Edges<2>,
    #[keras(default)]
    data_format: DataFormat,
}

zero_padding!(ZeroPadding2D, 2);
