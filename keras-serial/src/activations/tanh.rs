//! The activation function `tanh`.

use crate::error::Result;
use crate::ops;
use crate::register;
use crate::tensor::Tensor;

/// The hyperbolic tangent: (exp(x) - exp(-x)) / (exp(x) + exp(-x)).
///
/// Follows <https://keras.io/api/layers/activations/#tanh-function>.
///
/// ```
/// use keras_serial::activations::tanh;
/// use keras_serial::tensor::Tensor;
/// let y = tanh(&Tensor::from_slice(&[-2.0f32, -0.25, 0.5, 3.0], [1, 4])?)?.to_vec::<f32>()?;
/// let expected = [-0.964028, -0.244919, 0.462117, 0.995055];
/// assert!(y.iter().zip(expected).all(|(y, e): (&f32, f32)| (y - e).abs() < 1e-4));
/// # Ok::<(), keras_serial::Error>(())
/// ```
///
/// # Errors
/// When `x` holds text.
#[register(builtin = "keras.activations")]
pub fn tanh(x: &Tensor) -> Result<Tensor> {
    ops::tanh(x)
}
