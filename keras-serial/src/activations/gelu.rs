//! The activation function `gelu`.

use crate::error::Result;
use crate::ops::nn;
use crate::register;
use crate::tensor::Tensor;

/// The GELU activation: x · Φ(x), with Φ the cumulative distribution function of the normal
/// distribution.
///
/// Follows <https://keras.io/api/layers/activations/#gelu-function>.
///
/// ```
/// use keras_serial::activations::gelu;
/// use keras_serial::tensor::Tensor;
/// let y = gelu(&Tensor::from_slice(&[-2.0f32, -0.25, 0.5, 3.0], [1, 4])?)?.to_vec::<f32>()?;
/// let expected = [-0.0455003, -0.100323, 0.345731, 2.99595];
/// assert!(y.iter().zip(expected).all(|(y, e): (&f32, f32)| (y - e).abs() < 1e-4));
/// # Ok::<(), keras_serial::Error>(())
/// ```
///
/// # Errors
/// When `x` holds text.
#[register(builtin = "keras.activations")]
pub fn gelu(x: &Tensor) -> Result<Tensor> {
    nn::gelu(x, false)
}
