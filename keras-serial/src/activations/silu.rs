//! The activation function `silu`.

use crate::error::Result;
use crate::ops::nn;
use crate::register;
use crate::tensor::Tensor;

/// The SiLU (swish) activation: x / (1 + exp(-x)).
///
/// Follows <https://keras.io/api/layers/activations/#silu-function>.
///
/// ```
/// use keras_serial::activations::silu;
/// use keras_serial::tensor::Tensor;
/// let y = silu(&Tensor::from_slice(&[-2.0f32, -0.25, 0.5, 3.0], [1, 4])?)?.to_vec::<f32>()?;
/// let expected = [-0.238406, -0.109456, 0.31123, 2.85772];
/// assert!(y.iter().zip(expected).all(|(y, e): (&f32, f32)| (y - e).abs() < 1e-4));
/// # Ok::<(), keras_serial::Error>(())
/// ```
///
/// # Errors
/// When `x` holds text.
#[register(builtin = "keras.activations", alias("swish"))]
pub fn silu(x: &Tensor) -> Result<Tensor> {
    nn::silu(x)
}
