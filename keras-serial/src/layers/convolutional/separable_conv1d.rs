//! 1D separable convolution, over time.

separable_convolution! {
    /// 1D separable convolution over time: a depthwise convolution of each channel, then a pointwise one over
    /// channels.
    ///
    /// # Arguments
    /// - `filters`: the number of outputs; `kernel_size`: the window; `depth_multiplier`: 1, the number of
    ///   depthwise kernels per channel.
    /// - `strides`, `dilation_rate`: 1; `padding`: `valid`; `data_format`: `channels_last`.
    /// - `activation`: linear; `use_bias`: true; `depthwise_initializer`, `pointwise_initializer`:
    ///   `glorot_uniform`; `bias_initializer`: `zeros`; no regularizers and constraints.
    ///
    /// # Shapes
    /// `(batch, steps, channels)` gives `(batch, new_steps, filters)`.
    ///
    /// Follows <https://keras.io/api/layers/convolution_layers/separable_convolution1d>.
    ///
    /// ```
    /// use keras_serial::prelude::*;
    /// let x = Tensor::from_slice(&[1.0f32, 10.0, 2.0, 20.0], [1, 2, 2])?;
    /// let layer = SeparableConv1D::new(1, 2);
    /// let y = layer.depthwise_initializer("ones").pointwise_initializer("ones").apply(&x)?;
    /// assert_eq!(y.to_vec::<f32>()?, [33.0]);
    /// # Ok::<(), keras_serial::Error>(())
    /// ```
    SeparableConv1D, 1, "SeparableConvolution1D"
}
