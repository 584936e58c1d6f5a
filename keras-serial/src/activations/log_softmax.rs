//! The activation function `log_softmax`.

use crate::error::Result;
use crate::ops::{Axes, nn};
use crate::register;
use crate::tensor::Tensor;

/// The logarithm of the softmax: x - log Σexp(x), along the last axis.
///
/// Follows <https://keras.io/api/layers/activations/#log_softmax-function>.
///
/// ```
/// use keras_serial::activations::log_softmax;
/// use keras_serial::tensor::Tensor;
/// let y = log_softmax(&Tensor::from_slice(&[-2.0f32, -0.25, 0.5, 3.0], [1, 4])?)?.to_vec::<f32>()?;
/// let expected = [-5.12009, -3.37009, -2.62009, -0.120089];
/// assert!(y.iter().zip(expected).all(|(y, e): (&f32, f32)| (y - e).abs() < 1e-4));
/// # Ok::<(), keras_serial::Error>(())
/// ```
///
/// # Errors
/// When `x` holds text, or its last axis does not fit.
#[register(builtin = "keras.activations")]
pub fn log_softmax(x: &Tensor) -> Result<Tensor> {
    nn::log_softmax(x, Axes::from(-1))
}
