//! The activation function `threshold`.

use crate::error::Result;
use crate::ops::nn;
use crate::register;
use crate::tensor::Tensor;

/// The threshold activation (`keras.activations.threshold`): x if positive, else 0. A configuration
/// can't contain its two arguments, so they have the operation's defaults.
///
/// Follows <https://keras.io/api/layers/activations/#threshold-function>.
///
/// ```
/// use keras_serial::activations::threshold;
/// use keras_serial::tensor::Tensor;
/// let y = threshold(&Tensor::from_slice(&[-2.0f32, 0.5], [1, 2])?)?;
/// assert_eq!(y.to_vec::<f32>()?, [0.0, 0.5]);
/// # Ok::<(), keras_serial::Error>(())
/// ```
///
/// # Errors
/// When `x` holds text.
#[register(builtin = "keras.activations")]
pub fn threshold(x: &Tensor) -> Result<Tensor> {
    nn::threshold(x, 0.0, 0.0)
}
