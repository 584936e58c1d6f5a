//! Functions that graph operations map over a tensor.

use keras_serial::prelude::*;

/// Doubles its input.
#[register(package = "ops4")]
pub fn twice(x: &Tensor) -> Result<Tensor> {
    ops::multiply(x, 2.0)
}
