//! 2D convolutional LSTM.

conv_lstm! {
    /// 2D convolutional LSTM: an [`LSTM`](super::LSTM) with convolutions in place of matrix products.
    /// Strides, padding and dilation apply to the inputs; states are convolved with `same` padding.
    ///
    /// # Arguments
    /// - `filters`: the number of outputs; `kernel_size`: the window.
    /// - `strides` and `dilation_rate`: 1, for the inputs; `padding`: `valid`; `data_format`:
    ///   `channels_last`.
    /// - `activation`: `tanh`; `recurrent_activation`: `sigmoid`; `use_bias`: true; `unit_forget_bias`: true.
    /// - `kernel_initializer`: `glorot_uniform`; `recurrent_initializer`: `orthogonal`;
    ///   `bias_initializer`: `zeros`; regularizers and constraints for `kernel`, `recurrent_kernel` and
    ///   `bias`: none.
    /// - `dropout`, `recurrent_dropout`: 0; the fraction of elements of inputs and of states that training
    ///   drops, the same in all steps; `seed`: none.
    /// - `return_sequences`, `return_state`, `go_backwards`, `stateful`, `unroll`,
    ///   `zero_output_for_mask`: false.
    ///
    /// # Shapes
    /// `(batch, time, height, width, channels)` gives the cell's output for the last step, or for all steps
    /// with `return_sequences`.
    ///
    /// Follows <https://keras.io/api/layers/recurrent_layers/conv_lstm2d>.
    ///
    /// ```
    /// use keras_serial::prelude::*;
    /// let x = Tensor::from_slice(&[0.0f32; 8], [1, 2, 2, 2, 1])?;
    /// let y = ConvLSTM2D::new(3, 2).apply(&x)?;
    /// assert_eq!(y.to_vec::<f32>()?, [0.0; 3]);
    /// # Ok::<(), keras_serial::Error>(())
    /// ```
    ConvLSTM2D, 2, 5
}
