//! The activation function `relu`.

use crate::error::Result;
use crate::ops;
use crate::register;
use crate::tensor::Tensor;

/// The ReLU activation: max(x, 0).
///
/// Follows <https://keras.io/api/layers/activations/#relu-function>.
///
/// ```
/// use keras_serial::activations::relu;
/// use keras_serial::tensor::Tensor;
/// let y = relu(&Tensor::from_slice(&[-2.0f32, -0.25, 0.5, 3.0], [1, 4])?)?.to_vec::<f32>()?;
/// let expected = [0.0, 0.0, 0.5, 3.0];
/// assert!(y.iter().zip(expected).all(|(y, e): (&f32, f32)| (y - e).abs() < 1e-4));
/// # Ok::<(), keras_serial::Error>(())
/// ```
///
/// # Errors
/// When `x` holds text.
#[register(builtin = "keras.activations")]
pub fn relu(x: &Tensor) -> Result<Tensor> {
    ops::relu(x)
}
