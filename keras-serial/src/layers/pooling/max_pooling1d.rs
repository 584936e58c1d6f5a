//! 1D max pooling, over time.

use super::pooling;

pooling! {
    /// 1D max pooling over time: the maximum of each window.
    ///
    /// # Arguments
    /// `pool_size`: the window, 2 by default; `strides`: as `pool_size`; `padding`: `valid`;
    /// `data_format`: `channels_last`.
    ///
    /// # Shapes
    /// `(batch, steps, channels)` gives fewer positions and the same channels.
    ///
    /// Follows <https://keras.io/api/layers/pooling_layers/max_pooling1d>.
    ///
    /// ```
    /// use keras_serial::prelude::*;
    /// let x = Tensor::from_slice(&[1.0f32, 2.0, 3.0, 4.0], [1, 4, 1])?;
    /// assert_eq!(MaxPooling1D::new(2).apply(&x)?.to_vec::<f32>()?, [2.0, 4.0]);
    /// # Ok::<(), keras_serial::Error>(())
    /// ```
    MaxPooling1D, 1, Max, "MaxPool1D"
}
