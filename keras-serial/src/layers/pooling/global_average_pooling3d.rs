//! 3D global average pooling, over all positions.

use super::global_pooling;

global_pooling! {
    /// 3D global average pooling: the mean of each channel over all positions.
    ///
    /// # Arguments
    /// `data_format`: `channels_last`; `keepdims`: false; whether pooled axes stay with extent 1.
    ///
    /// # Shapes
    /// `(batch, …, channels)` gives `(batch, channels)`.
    ///
    /// Follows <https://keras.io/api/layers/pooling_layers/global_average_pooling3d>.
    ///
    /// ```
    /// use keras_serial::prelude::*;
    /// let x = Tensor::from_slice(&[1.0f32, 2.0, 3.0, 4.0], [1, 1, 1, 2, 2])?;
    /// assert_eq!(GlobalAveragePooling3D::new().apply(&x)?.to_vec::<f32>()?, [2.0, 3.0]);
    /// # Ok::<(), keras_serial::Error>(())
    /// ```
    GlobalAveragePooling3D, 3, Average, false, "GlobalAvgPool3D"
}
