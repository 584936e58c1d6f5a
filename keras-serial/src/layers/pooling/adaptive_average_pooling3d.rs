//! 3D adaptive average pooling, over depth, height and width.

use super::adaptive_pooling;

adaptive_pooling! {
    /// 3D adaptive average pooling over depth, height and width: the mean of each of `output_size` windows of
    /// about equal size.
    ///
    /// # Arguments
    /// `output_size`: the number of windows, one for all axes or one for each; `data_format`:
    /// `channels_last`.
    ///
    /// # Shapes
    /// `(batch, depth, height, width, channels)` gives `output_size` positions and the same channels.
    ///
    /// Follows <https://keras.io/api/layers/pooling_layers/adaptive_average_pooling3d>.
    ///
    /// ```
    /// use keras_serial::prelude::*;
    /// let x = Tensor::from_slice(&[1.0f32, 2.0, 3.0, 4.0], [1, 1, 1, 4, 1])?;
    /// assert_eq!(AdaptiveAveragePooling3D::new([1, 1, 2]).apply(&x)?.to_vec::<f32>()?, [1.5, 3.5]);
    /// # Ok::<(), keras_serial::Error>(())
    /// ```
    AdaptiveAveragePooling3D, 3, Average
}
