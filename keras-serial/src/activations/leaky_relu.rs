//! The activation function `leaky_relu`.

use crate::error::Result;
use crate::ops::nn;
use crate::register;
use crate::tensor::Tensor;

/// The leaky ReLU activation: x if positive, else 0.2 · x.
///
/// Follows <https://keras.io/api/layers/activations/#leaky_relu-function>.
///
/// ```
/// use keras_serial::activations::leaky_relu;
/// use keras_serial::tensor::Tensor;
/// let y = leaky_relu(&Tensor::from_slice(&[-2.0f32, -0.25, 0.5, 3.0], [1, 4])?)?.to_vec::<f32>()?;
/// let expected = [-0.4, -0.05, 0.5, 3.0];
/// assert!(y.iter().zip(expected).all(|(y, e): (&f32, f32)| (y - e).abs() < 1e-4));
/// # Ok::<(), keras_serial::Error>(())
/// ```
///
/// # Errors
/// When `x` holds text.
#[register(builtin = "keras.activations")]
pub fn leaky_relu(x: &Tensor) -> Result<Tensor> {
    nn::leaky_relu(x, 0.2)
}
