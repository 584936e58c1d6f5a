//! 3D convolution, over depth, height and width.

convolution! {
    /// 3D convolution over depth, height and width: each output is the sum over a window of inputs times a
    /// kernel.
    ///
    /// # Arguments
    /// - `filters`: the number of outputs; `kernel_size`: the window.
    /// - `strides` and `dilation_rate`: 1; `padding`: `valid`; `data_format`: `channels_last`;
    ///   `groups`: 1.
    /// - `lora_rank`, `lora_alpha`: the rank of a low-rank update (LoRA) of the frozen kernel, none by
    ///   default, and its scale `lora_alpha / lora_rank`; `lora_alpha` is the rank by default.
    /// - `activation`: linear; `use_bias`: true; `kernel_initializer`: `glorot_uniform`;
    ///   `bias_initializer`: `zeros`; no regularizers and constraints.
    ///
    /// # Shapes
    /// `(batch, depth, height, width, channels)` gives `(batch, new_depth, new_height, new_width, filters)`.
    ///
    /// Follows <https://keras.io/api/layers/convolution_layers/convolution3d>.
    ///
    /// ```
    /// use keras_serial::prelude::*;
    /// let x = Tensor::from_slice(&[1.0f32; 8], [1, 2, 2, 2, 1])?;
    /// let y = Conv3D::new(1, 2).kernel_initializer("ones").apply(&x)?;
    /// assert_eq!(y.to_vec::<f32>()?, [8.0]);
    /// # Ok::<(), keras_serial::Error>(())
    /// ```
    Conv3D, 3, "Convolution3D"
}
