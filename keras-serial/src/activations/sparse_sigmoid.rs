//! The activation function `sparse_sigmoid`.

use crate::error::Result;
use crate::ops::nn;
use crate::register;
use crate::tensor::Tensor;

/// The sparse sigmoid activation: 0 up to -1, then (x + 1)/2, and 1 from 1 on.
///
/// Follows <https://keras.io/api/layers/activations/#sparse_sigmoid-function>.
///
/// ```
/// use keras_serial::activations::sparse_sigmoid;
/// use keras_serial::tensor::Tensor;
/// let y = sparse_sigmoid(&Tensor::from_slice(&[-2.0f32, -0.25, 0.5, 3.0], [1, 4])?)?.to_vec::<f32>()?;
/// let expected = [0.0, 0.375, 0.75, 1.0];
/// assert!(y.iter().zip(expected).all(|(y, e): (&f32, f32)| (y - e).abs() < 1e-4));
/// # Ok::<(), keras_serial::Error>(())
/// ```
///
/// # Errors
/// When `x` holds text.
#[register(builtin = "keras.activations")]
pub fn sparse_sigmoid(x: &Tensor) -> Result<Tensor> {
    nn::sparse_sigmoid(x)
}
