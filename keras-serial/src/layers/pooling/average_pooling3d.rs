//! 3D average pooling, over depth, height and width.

use super::pooling;

pooling! {
    /// 3D average pooling over depth, height and width: the mean of each window.
    ///
    /// # Arguments
    /// `pool_size`: the window, 2 by default; `strides`: as `pool_size`; `padding`: `valid`;
    /// `data_format`: `channels_last`.
    ///
    /// # Shapes
    /// `(batch, depth, height, width, channels)` gives fewer positions and the same channels.
    ///
    /// Follows <https://keras.io/api/layers/pooling_layers/average_pooling3d>.
    ///
    /// ```
    /// use keras_serial::prelude::*;
    /// let x = Tensor::from_slice(&[1.0f32, 2.0, 3.0, 4.0], [1, 1, 2, 2, 1])?;
    /// assert_eq!(AveragePooling3D::new([1, 2, 2]).apply(&x)?.to_vec::<f32>()?, [2.5]);
    /// # Ok::<(), keras_serial::Error>(())
    /// ```
    AveragePooling3D, 3, Average, "AvgPool3D"
}
