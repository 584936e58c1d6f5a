//! Functions that operations of a graph map over a tensor.

use keras_serial::prelude::*;

/// Doubles.
#[register(package = "ops4")]
pub fn twice(x: &Tensor) -> Result<Tensor> {
    ops::multiply(x, 2.0)
}
