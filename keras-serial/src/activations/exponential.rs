//! The activation function `exponential`.

use crate::error::Result;
use crate::ops;
use crate::register;
use crate::tensor::Tensor;

/// The exponential activation: exp(x).
///
/// Follows <https://keras.io/api/layers/activations/#exponential-function>.
///
/// ```
/// use keras_serial::activations::exponential;
/// use keras_serial::tensor::Tensor;
/// let y = exponential(&Tensor::from_slice(&[-2.0f32, -0.25, 0.5, 3.0], [1, 4])?)?.to_vec::<f32>()?;
/// let expected = [0.135335, 0.778801, 1.64872, 20.0855];
/// assert!(y.iter().zip(expected).all(|(y, e): (&f32, f32)| (y - e).abs() < 1e-4));
/// # Ok::<(), keras_serial::Error>(())
/// ```
///
/// # Errors
/// When `x` holds text.
#[register(builtin = "keras.activations")]
pub fn exponential(x: &Tensor) -> Result<Tensor> {
    ops::exp(x)
}
