//! The activation function `log_sigmoid`.

use crate::error::Result;
use crate::ops::nn;
use crate::register;
use crate::tensor::Tensor;

/// The logarithm of the sigmoid: log(1 / (1 + exp(-x))).
///
/// Follows <https://keras.io/api/layers/activations/#log_sigmoid-function>.
///
/// ```
/// use keras_serial::activations::log_sigmoid;
/// use keras_serial::tensor::Tensor;
/// let y = log_sigmoid(&Tensor::from_slice(&[-2.0f32, -0.25, 0.5, 3.0], [1, 4])?)?.to_vec::<f32>()?;
/// let expected = [-2.12693, -0.825939, -0.474077, -0.0485874];
/// assert!(y.iter().zip(expected).all(|(y, e): (&f32, f32)| (y - e).abs() < 1e-4));
/// # Ok::<(), keras_serial::Error>(())
/// ```
///
/// # Errors
/// When `x` holds text.
#[register(builtin = "keras.activations")]
pub fn log_sigmoid(x: &Tensor) -> Result<Tensor> {
    nn::log_sigmoid(x)
}
