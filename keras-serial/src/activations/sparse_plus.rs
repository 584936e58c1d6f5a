//! The activation function `sparse_plus`.

use crate::error::Result;
use crate::ops::nn;
use crate::register;
use crate::tensor::Tensor;

/// The sparse plus activation: 0 up to -1, then (x + 1)²/4, and x from 1 on.
///
/// Follows <https://keras.io/api/layers/activations/#sparse_plus-function>.
///
/// ```
/// use keras_serial::activations::sparse_plus;
/// use keras_serial::tensor::Tensor;
/// let y = sparse_plus(&Tensor::from_slice(&[-2.0f32, -0.25, 0.5, 3.0], [1, 4])?)?.to_vec::<f32>()?;
/// let expected = [0.0, 0.140625, 0.5625, 3.0];
/// assert!(y.iter().zip(expected).all(|(y, e): (&f32, f32)| (y - e).abs() < 1e-4));
/// # Ok::<(), keras_serial::Error>(())
/// ```
///
/// # Errors
/// When `x` holds text.
#[register(builtin = "keras.activations")]
pub fn sparse_plus(x: &Tensor) -> Result<Tensor> {
    nn::sparse_plus(x)
}
