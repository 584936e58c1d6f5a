//! 1D adaptive average pooling, over time.

use super::adaptive_pooling;

adaptive_pooling! {
    /// 1D adaptive average pooling over time: the mean of each of `output_size` windows of about equal size.
    ///
    /// # Arguments
    /// `output_size`: the number of windows, one for all axes or one for each; `data_format`:
    /// `channels_last`.
    ///
    /// # Shapes
    /// `(batch, steps, channels)` gives `output_size` positions and the same channels.
    ///
    /// Follows <https://keras.io/api/layers/pooling_layers/adaptive_average_pooling1d>.
    ///
    /// ```
    /// use keras_serial::prelude::*;
    /// let x = Tensor::from_slice(&[1.0f32, 2.0, 3.0, 4.0], [1, 4, 1])?;
    /// assert_eq!(AdaptiveAveragePooling1D::new(2).apply(&x)?.to_vec::<f32>()?, [1.5, 3.5]);
    /// # Ok::<(), keras_serial::Error>(())
    /// ```
    AdaptiveAveragePooling1D, 1, Average
}
