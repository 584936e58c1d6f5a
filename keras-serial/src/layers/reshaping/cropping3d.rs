//! 3D cropping, over depth, height and width.

use super::macros::cropping;
use crate::layers::{Edges, LayerBase};
use crate::ops::DataFormat;
use crate::{KerasSerializable, register};

/// Crops depth, height and width: removes positions at the edges.
///
/// # Arguments
/// `cropping`: the number of positions to remove, one number for all edges, one for each axis, or a pair
/// (before, after) for each axis; 1 by default. `data_format`: `channels_last`.
///
/// # Shapes
/// `(batch, depth, height, width, channels)` gives fewer positions and the same channels.
///
/// Follows <https://keras.io/api/layers/reshaping_layers/cropping3d>.
///
/// ```
/// use keras_serial::prelude::*;
/// let x = Tensor::from_vec((0..27).map(|i| i as f32).collect(), [1, 3, 3, 3, 1])?;
/// let y = Cropping3D::new().cropping(1).apply(&x)?;
/// assert_eq!(y.to_vec::<f32>()?, [13.0]);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.layers")]
#[derive(KerasSerializable, Debug)]
#[keras(new, default, setters)]
pub struct Cropping3D {
    base: LayerBase,
    #[keras(default = 1.into())]
    cropping: Edges<3>,
    #[keras(default)]
    data_format: DataFormat,
}

cropping!(Cropping3D, 3);
