//! 2D transposed convolution (deconvolution), over height and width.

convolution_transpose! {
    /// 2D transposed convolution (deconvolution) over height and width: maps from the shape of a
    /// convolution's outputs to that of its inputs. It is not its inverse.
    ///
    /// # Arguments
    /// - `filters`: the number of outputs; `kernel_size`: the window.
    /// - `strides`, `dilation_rate`: 1; `padding`: `valid`; `output_padding`: none, extra size of the output,
    ///   less than `strides`; `data_format`: `channels_last`.
    /// - `activation`: linear; `use_bias`: true; `kernel_initializer`: `glorot_uniform`;
    ///   `bias_initializer`: `zeros`; no regularizers and constraints.
    ///
    /// # Shapes
    /// `(batch, height, width, channels)` gives `(batch, height · strides, width · strides, filters)` for
    /// `same` padding.
    ///
    /// Follows <https://keras.io/api/layers/convolution_layers/convolution2d_transpose>.
    ///
    /// ```
    /// use keras_serial::prelude::*;
    /// let x = Tensor::from_slice(&[3.0f32], [1, 1, 1, 1])?;
    /// let y = Conv2DTranspose::new(1, 2).kernel_initializer("ones").apply(&x)?;
    /// assert_eq!(y.to_vec::<f32>()?, [3.0; 4]);
    /// # Ok::<(), keras_serial::Error>(())
    /// ```
    Conv2DTranspose, 2, "Convolution2DTranspose"
}
