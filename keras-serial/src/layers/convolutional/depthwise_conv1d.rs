//! 1D depthwise convolution, over time.

depthwise_convolution! {
    /// 1D depthwise convolution over time: convolves each channel with `depth_multiplier` kernels of its own.
    ///
    /// # Arguments
    /// - `kernel_size`: the window; `depth_multiplier`: 1.
    /// - `strides`, `dilation_rate`: 1; `padding`: `valid`; `data_format`: `channels_last`.
    /// - `activation`: linear; `use_bias`: true; `depthwise_initializer`: `glorot_uniform`;
    ///   `bias_initializer`: `zeros`; no regularizers and constraints.
    ///
    /// # Shapes
    /// `(batch, steps, channels)` gives `(batch, new_steps, channels · depth_multiplier)`.
    ///
    /// Follows <https://keras.io/api/layers/convolution_layers/depthwise_convolution1d>.
    ///
    /// ```
    /// use keras_serial::prelude::*;
    /// let x = Tensor::from_slice(&[1.0f32, 10.0, 2.0, 20.0], [1, 2, 2])?;
    /// let y = DepthwiseConv1D::new(2).depthwise_initializer("ones").apply(&x)?;
    /// assert_eq!(y.to_vec::<f32>()?, [3.0, 30.0]);
    /// # Ok::<(), keras_serial::Error>(())
    /// ```
    DepthwiseConv1D, 1
}
