//! The activation function `hard_sigmoid`.

use crate::error::Result;
use crate::ops::nn;
use crate::register;
use crate::tensor::Tensor;

/// The hard sigmoid activation: min(max(x/6 + 1/2, 0), 1).
///
/// Follows <https://keras.io/api/layers/activations/#hard_sigmoid-function>.
///
/// ```
/// use keras_serial::activations::hard_sigmoid;
/// use keras_serial::tensor::Tensor;
/// let y = hard_sigmoid(&Tensor::from_slice(&[-2.0f32, -0.25, 0.5, 3.0], [1, 4])?)?.to_vec::<f32>()?;
/// let expected = [0.166667, 0.458333, 0.583333, 1.0];
/// assert!(y.iter().zip(expected).all(|(y, e): (&f32, f32)| (y - e).abs() < 1e-4));
/// # Ok::<(), keras_serial::Error>(())
/// ```
///
/// # Errors
/// When `x` holds text.
#[register(builtin = "keras.activations")]
pub fn hard_sigmoid(x: &Tensor) -> Result<Tensor> {
    nn::hard_sigmoid(x)
}
