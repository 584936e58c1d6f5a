//! The activation function `softmax`.

use crate::error::Result;
use crate::ops::{Axes, nn};
use crate::register;
use crate::tensor::Tensor;

/// The softmax activation: exp(x) / Σexp(x), along the last axis.
///
/// Follows <https://keras.io/api/layers/activations/#softmax-function>.
///
/// ```
/// use keras_serial::activations::softmax;
/// use keras_serial::tensor::Tensor;
/// let y = softmax(&Tensor::from_slice(&[-2.0f32, -0.25, 0.5, 3.0], [1, 4])?)?.to_vec::<f32>()?;
/// let expected = [0.00597549, 0.0343866, 0.0727964, 0.886841];
/// assert!(y.iter().zip(expected).all(|(y, e): (&f32, f32)| (y - e).abs() < 1e-4));
/// # Ok::<(), keras_serial::Error>(())
/// ```
///
/// # Errors
/// When `x` holds text, or its last axis does not fit.
#[register(builtin = "keras.activations")]
pub fn softmax(x: &Tensor) -> Result<Tensor> {
    nn::softmax(x, Axes::from(-1))
}
