//! The activation function `softplus`.

use crate::error::Result;
use crate::ops::nn;
use crate::register;
use crate::tensor::Tensor;

/// The softplus activation: log(1 + exp(x)).
///
/// Follows <https://keras.io/api/layers/activations/#softplus-function>.
///
/// ```
/// use keras_serial::activations::softplus;
/// use keras_serial::tensor::Tensor;
/// let y = softplus(&Tensor::from_slice(&[-2.0f32, -0.25, 0.5, 3.0], [1, 4])?)?.to_vec::<f32>()?;
/// let expected = [0.126928, 0.575939, 0.974077, 3.04859];
/// assert!(y.iter().zip(expected).all(|(y, e): (&f32, f32)| (y - e).abs() < 1e-4));
/// # Ok::<(), keras_serial::Error>(())
/// ```
///
/// # Errors
/// When `x` holds text.
#[register(builtin = "keras.activations")]
pub fn softplus(x: &Tensor) -> Result<Tensor> {
    nn::softplus(x)
}
