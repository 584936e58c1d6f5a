//! The activation function `squareplus`.

use crate::error::Result;
use crate::ops::nn;
use crate::register;
use crate::tensor::Tensor;

/// The squareplus activation: (x + √(x² + 4)) / 2.
///
/// Follows <https://keras.io/api/layers/activations/#squareplus-function>.
///
/// ```
/// use keras_serial::activations::squareplus;
/// use keras_serial::tensor::Tensor;
/// let y = squareplus(&Tensor::from_slice(&[-2.0f32, -0.25, 0.5, 3.0], [1, 4])?)?.to_vec::<f32>()?;
/// let expected = [0.414214, 0.882782, 1.28078, 3.30278];
/// assert!(y.iter().zip(expected).all(|(y, e): (&f32, f32)| (y - e).abs() < 1e-4));
/// # Ok::<(), keras_serial::Error>(())
/// ```
///
/// # Errors
/// When `x` holds text.
#[register(builtin = "keras.activations")]
pub fn squareplus(x: &Tensor) -> Result<Tensor> {
    nn::squareplus(x, 4.0)
}
