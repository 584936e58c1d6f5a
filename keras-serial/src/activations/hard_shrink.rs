//! The activation function `hard_shrink`.

use crate::error::Result;
use crate::ops::nn;
use crate::register;
use crate::tensor::Tensor;

/// The hard shrink activation: x if |x| > 0.5, else 0.
///
/// Follows <https://keras.io/api/layers/activations/#hard_shrink-function>.
///
/// ```
/// use keras_serial::activations::hard_shrink;
/// use keras_serial::tensor::Tensor;
/// let y = hard_shrink(&Tensor::from_slice(&[-2.0f32, -0.25, 0.5, 3.0], [1, 4])?)?.to_vec::<f32>()?;
/// let expected = [-2.0, 0.0, 0.0, 3.0];
/// assert!(y.iter().zip(expected).all(|(y, e): (&f32, f32)| (y - e).abs() < 1e-4));
/// # Ok::<(), keras_serial::Error>(())
/// ```
///
/// # Errors
/// When `x` holds text.
#[register(builtin = "keras.activations")]
pub fn hard_shrink(x: &Tensor) -> Result<Tensor> {
    nn::hard_shrink(x, 0.5)
}
