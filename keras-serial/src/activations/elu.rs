//! The activation function `elu`.

use crate::error::Result;
use crate::ops::nn;
use crate::register;
use crate::tensor::Tensor;

/// The ELU activation: x if positive, else exp(x) - 1.
///
/// Follows <https://keras.io/api/layers/activations/#elu-function>.
///
/// ```
/// use keras_serial::activations::elu;
/// use keras_serial::tensor::Tensor;
/// let y = elu(&Tensor::from_slice(&[-2.0f32, -0.25, 0.5, 3.0], [1, 4])?)?.to_vec::<f32>()?;
/// let expected = [-0.864665, -0.221199, 0.5, 3.0];
/// assert!(y.iter().zip(expected).all(|(y, e): (&f32, f32)| (y - e).abs() < 1e-4));
/// # Ok::<(), keras_serial::Error>(())
/// ```
///
/// # Errors
/// When `x` holds text.
#[register(builtin = "keras.activations")]
pub fn elu(x: &Tensor) -> Result<Tensor> {
    nn::elu(x, 1.0)
}
