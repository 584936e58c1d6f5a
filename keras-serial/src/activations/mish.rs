//! The activation function `mish`.

use crate::error::Result;
use crate::ops::nn;
use crate::register;
use crate::tensor::Tensor;

/// The Mish activation: x · tanh(log(1 + exp(x))).
///
/// Follows <https://keras.io/api/layers/activations/#mish-function>.
///
/// ```
/// use keras_serial::activations::mish;
/// use keras_serial::tensor::Tensor;
/// let y = mish(&Tensor::from_slice(&[-2.0f32, -0.25, 0.5, 3.0], [1, 4])?)?.to_vec::<f32>()?;
/// let expected = [-0.252501, -0.129927, 0.375245, 2.98654];
/// assert!(y.iter().zip(expected).all(|(y, e): (&f32, f32)| (y - e).abs() < 1e-4));
/// # Ok::<(), keras_serial::Error>(())
/// ```
///
/// # Errors
/// When `x` holds text.
#[register(builtin = "keras.activations")]
pub fn mish(x: &Tensor) -> Result<Tensor> {
    nn::mish(x)
}
