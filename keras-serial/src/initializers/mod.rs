//! Initializers, which create the initial values of weights (`keras.initializers`).

mod constant;
mod identity;
mod normal;
mod ones;
mod orthogonal;
mod stft;
mod uniform;
mod variance_scaling;
mod variants;
mod zeros;

pub use constant::Constant;
pub use identity::Identity;
pub use normal::{RandomNormal, TruncatedNormal};
pub use ones::Ones;
pub use orthogonal::Orthogonal;
pub use stft::{Stft, StftScaling, StftSide};
pub use uniform::RandomUniform;
pub use variance_scaling::{FanMode, ScalingDistribution, VarianceScaling};
pub use variants::{GlorotNormal, GlorotUniform, HeNormal, HeUniform, LecunNormal, LecunUniform};
pub use zeros::Zeros;

use crate::config::KerasSerializable;
use crate::error::Result;
use crate::functions::{Function, FunctionObject, KerasFunction};
use crate::registry::{StandIn, handle};
use crate::tensor::{DType, Shape, Tensor};

/// An initializer: creates the initial value of a weight.
pub trait Initialize: KerasSerializable {
    /// Returns a tensor with this shape and dtype.
    fn init(&self, shape: &Shape, dtype: DType) -> Result<Tensor>;

    /// Checks what `init` would refuse, and returns true if a weight may call it later, when its value is first
    /// read: random numbers that a file replaces are then never drawn. False by default.
    ///
    /// # Errors
    /// Those of `init`, if it is called later.
    fn is_lazy(&self, shape: &Shape, dtype: DType) -> Result<bool> {
        let _ = (shape, dtype);
        Ok(false)
    }
}

handle! {
    /// A shared handle to an initializer.
    pub struct Initializer(dyn Initialize);
    kind: Initializer, cast: INITIALIZER, expected: "an initializer", modules: ["keras.initializers"],
    function: FunctionObject
}

impl Initializer {
    /// Wraps a function, which returns a tensor with a shape and dtype. Register it, so that files can
    /// name it.
    pub fn function<M, F: KerasFunction<M>>(function: F) -> Self {
        Self::new(FunctionObject::bare(Function::new(function)))
    }
}

impl Initialize for FunctionObject {
    fn init(&self, shape: &Shape, dtype: DType) -> Result<Tensor> {
        self.function().call_init(shape, dtype)
    }
}

impl crate::config::PlainField for Initializer {}

impl Initialize for StandIn {
    fn init(&self, _: &Shape, _: DType) -> Result<Tensor> {
        Err(self.error())
    }
}
