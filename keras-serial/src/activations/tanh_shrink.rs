//! The activation function `tanh_shrink`.

use crate::error::Result;
use crate::ops::nn;
use crate::register;
use crate::tensor::Tensor;

/// The tanh shrink activation: x - tanh(x).
///
/// Follows <https://keras.io/api/layers/activations/#tanh_shrink-function>.
///
/// ```
/// use keras_serial::activations::tanh_shrink;
/// use keras_serial::tensor::Tensor;
/// let y = tanh_shrink(&Tensor::from_slice(&[-2.0f32, -0.25, 0.5, 3.0], [1, 4])?)?.to_vec::<f32>()?;
/// let expected = [-1.03597, -0.00508134, 0.0378829, 2.00495];
/// assert!(y.iter().zip(expected).all(|(y, e): (&f32, f32)| (y - e).abs() < 1e-4));
/// # Ok::<(), keras_serial::Error>(())
/// ```
///
/// # Errors
/// When `x` holds text.
#[register(builtin = "keras.activations")]
pub fn tanh_shrink(x: &Tensor) -> Result<Tensor> {
    nn::tanh_shrink(x)
}
