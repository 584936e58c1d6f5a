//! The activation function `sigmoid`.

use crate::error::Result;
use crate::ops;
use crate::register;
use crate::tensor::Tensor;

/// The sigmoid activation: 1 / (1 + exp(-x)).
///
/// Follows <https://keras.io/api/layers/activations/#sigmoid-function>.
///
/// ```
/// use keras_serial::activations::sigmoid;
/// use keras_serial::tensor::Tensor;
/// let y = sigmoid(&Tensor::from_slice(&[-2.0f32, -0.25, 0.5, 3.0], [1, 4])?)?.to_vec::<f32>()?;
/// let expected = [0.119203, 0.437824, 0.622459, 0.952574];
/// assert!(y.iter().zip(expected).all(|(y, e): (&f32, f32)| (y - e).abs() < 1e-4));
/// # Ok::<(), keras_serial::Error>(())
/// ```
///
/// # Errors
/// When `x` holds text.
#[register(builtin = "keras.activations")]
pub fn sigmoid(x: &Tensor) -> Result<Tensor> {
    ops::sigmoid(x)
}
