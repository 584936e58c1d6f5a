//! The activation function `hard_silu`.

use crate::error::Result;
use crate::ops::nn;
use crate::register;
use crate::tensor::Tensor;

/// The hard SiLU activation: x · hard_sigmoid(x).
///
/// Follows <https://keras.io/api/layers/activations/#hard_silu-function>.
///
/// ```
/// use keras_serial::activations::hard_silu;
/// use keras_serial::tensor::Tensor;
/// let y = hard_silu(&Tensor::from_slice(&[-2.0f32, -0.25, 0.5, 3.0], [1, 4])?)?.to_vec::<f32>()?;
/// let expected = [-0.333333, -0.114583, 0.291667, 3.0];
/// assert!(y.iter().zip(expected).all(|(y, e): (&f32, f32)| (y - e).abs() < 1e-4));
/// # Ok::<(), keras_serial::Error>(())
/// ```
///
/// # Errors
/// When `x` holds text.
#[register(builtin = "keras.activations", alias("hard_swish"))]
pub fn hard_silu(x: &Tensor) -> Result<Tensor> {
    nn::hard_silu(x)
}
