//! The activation function `sparsemax`.

use crate::error::Result;
use crate::ops::nn;
use crate::register;
use crate::tensor::Tensor;

/// The sparsemax activation: the nearest point of the probability simplex, along the last axis.
///
/// Follows <https://keras.io/api/layers/activations/#sparsemax-function>.
///
/// ```
/// use keras_serial::activations::sparsemax;
/// use keras_serial::tensor::Tensor;
/// let y = sparsemax(&Tensor::from_slice(&[-2.0f32, -0.25, 0.5, 3.0], [1, 4])?)?.to_vec::<f32>()?;
/// let expected = [0.0, 0.0, 0.0, 1.0];
/// assert!(y.iter().zip(expected).all(|(y, e): (&f32, f32)| (y - e).abs() < 1e-4));
/// # Ok::<(), keras_serial::Error>(())
/// ```
///
/// # Errors
/// When `x` holds text, or its last axis does not fit.
#[register(builtin = "keras.activations")]
pub fn sparsemax(x: &Tensor) -> Result<Tensor> {
    nn::sparsemax(x, -1)
}
