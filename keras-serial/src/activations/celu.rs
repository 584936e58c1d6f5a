//! The activation function `celu`.

use crate::error::Result;
use crate::ops::nn;
use crate::register;
use crate::tensor::Tensor;

/// The CELU activation: max(x, 0) + min(0, exp(x) - 1).
///
/// Follows <https://keras.io/api/layers/activations/#celu-function>.
///
/// ```
/// use keras_serial::activations::celu;
/// use keras_serial::tensor::Tensor;
/// let y = celu(&Tensor::from_slice(&[-2.0f32, -0.25, 0.5, 3.0], [1, 4])?)?.to_vec::<f32>()?;
/// let expected = [-0.864665, -0.221199, 0.5, 3.0];
/// assert!(y.iter().zip(expected).all(|(y, e): (&f32, f32)| (y - e).abs() < 1e-4));
/// # Ok::<(), keras_serial::Error>(())
/// ```
///
/// # Errors
/// When `x` holds text.
#[register(builtin = "keras.activations")]
pub fn celu(x: &Tensor) -> Result<Tensor> {
    nn::celu(x, 1.0)
}
