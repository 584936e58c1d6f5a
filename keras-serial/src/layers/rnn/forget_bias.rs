//! The initial bias of an LSTM: ones for the forget gate.

use crate::KerasSerializable;
use crate::error::Result;
use crate::initializers::{Initialize, Initializer, Ones};
use crate::ops::shape::concat;
use crate::tensor::{DType, Shape, Tensor};

/// Returns the initializer of an LSTM's bias.
pub(super) fn forget_bias(
    initializer: &Option<Initializer>,
    unit_forget_bias: bool,
    units: usize,
) -> Option<Initializer> {
    match initializer {
        Some(initializer) if unit_forget_bias => {
            Some(ForgetBias { bias_initializer: initializer.clone(), units }.into())
        }
        other => other.clone(),
    }
}

/// Not registered, as no configuration contains it.
#[derive(KerasSerializable, Debug)]
struct ForgetBias {
    bias_initializer: Initializer,
    units: usize,
}

impl Initialize for ForgetBias {
    fn init(&self, _: &Shape, dtype: DType) -> Result<Tensor> {
        let part = |units: usize| self.bias_initializer.init(&Shape::from([units]), dtype);
        let ones = Ones.init(&Shape::from([self.units]), dtype)?;
        concat(&[part(self.units)?, ones, part(self.units.saturating_mul(2))?], 0)
    }
}
