//! 3D max pooling, over depth, height and width.

use super::pooling;

pooling! {
    /// 3D max pooling over depth, height and width: the maximum of each window.
    ///
    /// # Arguments
    /// `pool_size`: the window, 2 by default; `strides`: as `pool_size`; `padding`: `valid`;
    /// `data_format`: `channels_last`.
    ///
    /// # Shapes
    /// `(batch, depth, height, width, channels)` gives fewer positions and the same channels.
    ///
    /// Follows <https://keras.io/api/layers/pooling_layers/max_pooling3d>.
    ///
    /// ```
    /// use keras_serial::prelude::*;
    /// let x = Tensor::from_slice(&[1.0f32, 2.0, 3.0, 4.0], [1, 1, 2, 2, 1])?;
    /// assert_eq!(MaxPooling3D::new([1, 2, 2]).apply(&x)?.to_vec::<f32>()?, [4.0]);
    /// # Ok::<(), keras_serial::Error>(())
    /// ```
    MaxPooling3D, 3, Max, "MaxPool3D"
}
