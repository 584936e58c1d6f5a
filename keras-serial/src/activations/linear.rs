//! The activation function `linear`.

use crate::error::Result;
use crate::register;
use crate::tensor::Tensor;

/// The identity: returns x unchanged.
///
/// Follows <https://keras.io/api/layers/activations/#linear-function>.
///
/// ```
/// use keras_serial::activations::linear;
/// use keras_serial::tensor::Tensor;
/// let y = linear(&Tensor::from_slice(&[-2.0f32, -0.25, 0.5, 3.0], [1, 4])?)?.to_vec::<f32>()?;
/// let expected = [-2.0, -0.25, 0.5, 3.0];
/// assert!(y.iter().zip(expected).all(|(y, e): (&f32, f32)| (y - e).abs() < 1e-4));
/// # Ok::<(), keras_serial::Error>(())
/// ```
///
/// # Errors
/// When `x` holds text.
#[register(builtin = "keras.activations")]
pub fn linear(x: &Tensor) -> Result<Tensor> {
    Ok(x.clone())
}
