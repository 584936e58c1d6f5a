//! The activation function `glu`.

use crate::error::Result;
use crate::ops::nn;
use crate::register;
use crate::tensor::Tensor;

/// The gated linear unit: one half of x times the sigmoid of the other half, along the last axis.
///
/// Follows <https://keras.io/api/layers/activations/#glu-function>.
///
/// ```
/// use keras_serial::activations::glu;
/// use keras_serial::tensor::Tensor;
/// let y = glu(&Tensor::from_slice(&[-2.0f32, -0.25, 0.5, 3.0], [1, 4])?)?.to_vec::<f32>()?;
/// let expected = [-1.24492, -0.238144];
/// assert!(y.iter().zip(expected).all(|(y, e): (&f32, f32)| (y - e).abs() < 1e-4));
/// # Ok::<(), keras_serial::Error>(())
/// ```
///
/// # Errors
/// When `x` holds text, or its last axis does not fit.
#[register(builtin = "keras.activations")]
pub fn glu(x: &Tensor) -> Result<Tensor> {
    nn::glu(x, -1)
}
