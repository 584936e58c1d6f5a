//! The activation function `hard_tanh`.

use crate::error::Result;
use crate::ops::nn;
use crate::register;
use crate::tensor::Tensor;

/// The hard tanh activation: min(max(x, -1), 1).
///
/// Follows <https://keras.io/api/layers/activations/#hard_tanh-function>.
///
/// ```
/// use keras_serial::activations::hard_tanh;
/// use keras_serial::tensor::Tensor;
/// let y = hard_tanh(&Tensor::from_slice(&[-2.0f32, -0.25, 0.5, 3.0], [1, 4])?)?.to_vec::<f32>()?;
/// let expected = [-1.0, -0.25, 0.5, 1.0];
/// assert!(y.iter().zip(expected).all(|(y, e): (&f32, f32)| (y - e).abs() < 1e-4));
/// # Ok::<(), keras_serial::Error>(())
/// ```
///
/// # Errors
/// When `x` holds text.
#[register(builtin = "keras.activations")]
pub fn hard_tanh(x: &Tensor) -> Result<Tensor> {
    nn::hard_tanh(x)
}
