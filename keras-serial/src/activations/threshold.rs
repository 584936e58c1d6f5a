//! `threshold`

use crate::error::Result;
use crate::ops::nn;
use crate::register;
use crate::tensor::Tensor;

/// x where above 0, 0 elsewhere: `keras.activations.threshold`, whose two numbers a configuration
/// has no place for, so that its operation's defaults hold.
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
/// For text.
#[register(builtin = "keras.activations")]
pub fn threshold(x: &Tensor) -> Result<Tensor> {
    nn::threshold(x, 0.0, 0.0)
}
