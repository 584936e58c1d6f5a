//! 1D spatial dropout: drops whole channels.

spatial_dropout! {
    /// 1D spatial dropout: in training, sets whole channels to zero with probability `rate` and scales the
    /// others by `1 / (1 - rate)`; in inference, does nothing.
    ///
    /// # Arguments
    /// - `rate`: from 0 to 1.
    /// - `seed`: none; the same seed drops the same channels, but not the same as in Keras.
    ///
    /// Follows <https://keras.io/api/layers/regularization_layers/spatial_dropout1d>.
    ///
    /// ```
    /// use keras_serial::prelude::*;
    /// let x = Tensor::from_slice(&[1.0f32, 1.0], [1, 2, 1])?;
    /// let y = SpatialDropout1D::new(0.5).shared().call(&x, &CallContext::training())?.into_single()?;
    /// let y = y.to_vec::<f32>()?;
    /// assert!(y == [0.0, 0.0] || y == [2.0, 2.0]);
    /// # Ok::<(), keras_serial::Error>(())
    /// ```
    SpatialDropout1D, 1
}
