//! 2D average pooling, over height and width.

use super::pooling;

pooling! {
    /// 2D average pooling over height and width: the mean of each window.
    ///
    /// # Arguments
    /// `pool_size`: the window, 2 by default; `strides`: as `pool_size`; `padding`: `valid`;
    /// `data_format`: `channels_last`.
    ///
    /// # Shapes
    /// `(batch, height, width, channels)` gives fewer positions and the same channels.
    ///
    /// Follows <https://keras.io/api/layers/pooling_layers/average_pooling2d>.
    ///
    /// ```
    /// use keras_serial::prelude::*;
    /// let x = Tensor::from_slice(&[1.0f32, 2.0, 3.0, 4.0], [1, 2, 2, 1])?;
    /// assert_eq!(AveragePooling2D::new(2).apply(&x)?.to_vec::<f32>()?, [2.5]);
    /// # Ok::<(), keras_serial::Error>(())
    /// ```
    AveragePooling2D, 2, Average, "AvgPool2D"
}
