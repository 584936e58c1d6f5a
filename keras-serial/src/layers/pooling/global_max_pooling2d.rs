//! 2D global max pooling, over all positions.

use super::global_pooling;

global_pooling! {
    /// 2D global max pooling: the maximum of each channel over all positions.
    ///
    /// # Arguments
    /// `data_format`: `channels_last`; `keepdims`: false; whether pooled axes stay with extent 1.
    ///
    /// # Shapes
    /// `(batch, …, channels)` gives `(batch, channels)`.
    ///
    /// Follows <https://keras.io/api/layers/pooling_layers/global_max_pooling2d>.
    ///
    /// ```
    /// use keras_serial::prelude::*;
    /// let x = Tensor::from_slice(&[1.0f32, 2.0, 3.0, 4.0], [1, 1, 2, 2])?;
    /// assert_eq!(GlobalMaxPooling2D::new().apply(&x)?.to_vec::<f32>()?, [3.0, 4.0]);
    /// # Ok::<(), keras_serial::Error>(())
    /// ```
    GlobalMaxPooling2D, 2, Max, false, "GlobalMaxPool2D"
}
