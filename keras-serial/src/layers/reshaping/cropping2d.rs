//! 2D cropping, over height and width.

use super::macros::cropping;
use crate::layers::{Edges, LayerBase};
use crate::ops::DataFormat;
use crate::{KerasSerializable, register};

/// Crops height and width: removes positions at the edges.
///
/// # Arguments
/// `cropping`: the number of positions to remove, one number for all edges, one for each axis, or a pair
/// (before, after) for each axis; 0 by default. `data_format`: `channels_last`.
///
/// # Shapes
/// `(batch, height, width, channels)` gives fewer positions and the same channels.
///
/// Follows <https://keras.io/api/layers/reshaping_layers/cropping2d>.
///
/// ```
/// use keras_serial::prelude::*;
/// let x = Tensor::from_vec((0..9).map(|i| i as f32).collect(), [1, 3, 3, 1])?;
/// let y = Cropping2D::new().cropping(1).apply(&x)?;
/// assert_eq!(y.to_vec::<f32>()?, [4.0]);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.layers")]
#[derive(KerasSerializable, Debug)]
#[keras(new, default, setters)]
pub struct Cropping2D {
    base: LayerBase,
    #[keras(default = 0.into())]
    cropping: Edges<2>,
    #[keras(default)]
    data_format: DataFormat,
}

cropping!(Cropping2D, 2);
