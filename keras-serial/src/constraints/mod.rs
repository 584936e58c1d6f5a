//! Projections of weights after each step of training (`keras.constraints`).

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
use crate::registry::{Broken, handle};
use crate::tensor::Tensor;

/// A projection of a weight.
pub trait Constrain: KerasSerializable {
    /// The nearest value that is allowed, of the same shape.
    fn project(&self, w: &Tensor) -> Result<Tensor>;
}

handle! {
    /// A shared constraint.
    pub struct Constraint(dyn Constrain);
    kind: Constraint, cast: CONSTRAINT, expected: "a constraint", modules: ["keras.constraints"],
    function: FunctionObject
}

impl Constraint {
    /// A function as a constraint: it gives the nearest value that is allowed. Register it, so that files can name it.
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

impl Constrain for Broken {
    fn project(&self, _: &Tensor) -> Result<Tensor> {
        Err(self.0.clone())
    }
}

/// What Keras adds so as not to divide by zero.
const EPSILON: f64 = 1e-7;

/// √Σw² along axes, which stay.
fn norm(w: &Tensor, axis: &Axes) -> Result<Tensor> {
    sqrt(&sum_impl(&square(w)?, axis, true)?)
}
