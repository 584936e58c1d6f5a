//! 1D average pooling, over time.

use super::pooling;

pooling! {
    /// 1D average pooling over time: the mean of each window.
    ///
    /// # Arguments
    /// `pool_size`: the window, 2 by default; `strides`: as `pool_size`; `padding`: `valid`;
    /// `data_format`: `channels_last`.
    ///
    /// # Shapes
    /// `(batch, steps, channels)` gives fewer positions and the same channels.
    ///
    /// Follows <https://keras.io/api/layers/pooling_layers/average_pooling1d>.
    ///
    /// ```
    /// use keras_serial::prelude::*;
    /// let x = Tensor::from_slice(&[1.0f32, 2.0, 3.0, 4.0], [1, 4, 1])?;
    /// assert_eq!(AveragePooling1D::new(2).apply(&x)?.to_vec::<f32>()?, [1.5, 3.5]);
    /// # Ok::<(), keras_serial::Error>(())
    /// ```
    AveragePooling1D, 1, Average, "AvgPool1D"
}
