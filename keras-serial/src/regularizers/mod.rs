//! Regularizers: penalties on weights and activities (`keras.regularizers`).

mod l1;
mod l1_l2;
mod l2;
mod orthogonal;

pub use l1::L1;
pub use l1_l2::L1L2;
pub use l2::L2;
pub use orthogonal::{OrthogonalMode, OrthogonalRegularizer};

use crate::config::KerasSerializable;
use crate::error::Result;
use crate::functions::{Function, FunctionObject, KerasFunction};
use crate::registry::{StandIn, handle};
use crate::tensor::Tensor;

/// A regularizer: a penalty on a weight or an activity.
pub trait Regularize: KerasSerializable {
    /// Returns the penalty of `x`, a scalar.
    fn penalty(&self, x: &Tensor) -> Result<Tensor>;
}

handle! {
    /// A shared handle to a regularizer.
    pub struct Regularizer(dyn Regularize);
    kind: Regularizer, cast: REGULARIZER, expected: "a regularizer", modules: ["keras.regularizers"],
    function: FunctionObject
}

impl Regularizer {
    /// Wraps a function, which returns the penalty of a tensor. Register it, so that files can name it.
    pub fn function<M, F: KerasFunction<M>>(function: F) -> Self {
        Self::new(FunctionObject::bare(Function::new(function)))
    }
}

impl Regularize for FunctionObject {
    fn penalty(&self, x: &Tensor) -> Result<Tensor> {
        self.function().call(x)
    }
}

impl crate::config::PlainField for Regularizer {}

impl Regularize for StandIn {
    fn penalty(&self, _: &Tensor) -> Result<Tensor> {
        Err(self.error())
    }
}
