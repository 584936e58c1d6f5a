//! The activation function `softsign`.

use crate::error::Result;
use crate::ops::nn;
use crate::register;
use crate::tensor::Tensor;

/// The softsign activation: x / (1 + |x|).
///
/// Follows <https://keras.io/api/layers/activations/#softsign-function>.
///
/// ```
/// use keras_serial::activations::softsign;
/// use keras_serial::tensor::Tensor;
/// let y = softsign(&Tensor::from_slice(&[-2.0f32, -0.25, 0.5, 3.0], [1, 4])?)?.to_vec::<f32>()?;
/// let expected = [-0.666667, -0.2, 0.333333, 0.75];
/// assert!(y.iter().zip(expected).all(|(y, e): (&f32, f32)| (y - e).abs() < 1e-4));
/// # Ok::<(), keras_serial::Error>(())
/// ```
///
/// # Errors
/// When `x` holds text.
#[register(builtin = "keras.activations")]
pub fn softsign(x: &Tensor) -> Result<Tensor> {
    nn::softsign(x)
}
