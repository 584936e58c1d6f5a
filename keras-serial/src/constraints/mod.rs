//! Constraints: projections of weights after each training step (`keras.constraints`).

mod max_norm;
mod min_max_norm;
mod non_neg;
mod unit_norm;

pub use max_norm::MaxNorm;
pub use min_max_norm::MinMaxNorm;
pub use non_neg::NonNeg;
pub use unit_norm::UnitNorm;

use crate::config::KerasSerializable;
use crate::error::Result;
use crate::functions::{Function, FunctionObject, KerasFunction};
use crate::ops::{Axes, reduce::sum_impl, sqrt, square};
use crate::registry::{StandIn, handle};
use crate::tensor::Tensor;

/// A constraint: a projection of a weight.
pub trait Constrain: KerasSerializable {
    /// Returns the nearest value that is allowed, with the same shape.
    fn project(&self, w: &Tensor) -> Result<Tensor>;
}

handle! {
    /// A shared handle to a constraint.
    pub struct Constraint(dyn Constrain);
    kind: Constraint, cast: CONSTRAINT, expected: "a constraint", modules: ["keras.constraints"],
    function: FunctionObject
}

impl Constraint {
    /// Wraps a function, which returns the nearest allowed value. Register it, so that files can name
    /// it.
    pub fn function<M, F: KerasFunction<M>>(function: F) -> Self {
        Self::new(FunctionObject::bare(Function::new(function)))
    }
}

impl Constrain for FunctionObject {
    fn project(&self, w: &Tensor) -> Result<Tensor> {
        self.function().call(w)
    }
}

impl crate::config::PlainField for Constraint {}

impl Constrain for StandIn {
    fn project(&self, _: &Tensor) -> Result<Tensor> {
        Err(self.error())
    }
}

/// Keras's summand against division by zero.
const EPSILON: f64 = 1e-7;

/// Returns √Σw² along axes, which are kept.
fn norm(w: &Tensor, axis: &Axes) -> Result<Tensor> {
    sqrt(&sum_impl(&square(w)?, axis, true)?)
}
