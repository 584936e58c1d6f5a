//! The activation function `selu`.

use crate::error::Result;
use crate::ops::nn;
use crate::register;
use crate::tensor::Tensor;

/// The SELU activation: 1.0507 · (x if positive, else 1.6733 · (exp(x) - 1)).
///
/// Follows <https://keras.io/api/layers/activations/#selu-function>.
///
/// ```
/// use keras_serial::activations::selu;
/// use keras_serial::tensor::Tensor;
/// let y = selu(&Tensor::from_slice(&[-2.0f32, -0.25, 0.5, 3.0], [1, 4])?)?.to_vec::<f32>()?;
/// let expected = [-1.52017, -0.38889, 0.525351, 3.1521];
/// assert!(y.iter().zip(expected).all(|(y, e): (&f32, f32)| (y - e).abs() < 1e-4));
/// # Ok::<(), keras_serial::Error>(())
/// ```
///
/// # Errors
/// When `x` holds text.
#[register(builtin = "keras.activations")]
pub fn selu(x: &Tensor) -> Result<Tensor> {
    nn::selu(x)
}
