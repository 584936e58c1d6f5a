//! GELU of `float32`.

use crate::error::{Error, ErrorKind, Result};
use crate::program::kernels::elementwise::{self as kernels, Kernel};
use crate::program::primitive::{Primitive, Spec, exactly};
use crate::tensor::{DType, Tensor};

/// x times the normal distribution function of x, exact or approximated by tanh.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Gelu {
    pub approximate: bool,
}

impl Gelu {
    /// Returns true if there is a kernel for the tensor.
    pub(crate) fn applies(x: &Tensor) -> bool {
        x.dtype() == DType::Float32 && (x.is_traced() || x.raw().is_ok_and(|raw| kernels::takes(&raw)))
    }
}

impl Primitive for Gelu {
    fn name(&self) -> &'static str {
        if self.approximate { "gelu_tanh" } else { "gelu" }
    }

    fn infer(&self, operands: &[Spec]) -> Result<Spec> {
        let [x] = exactly(operands)?;
        Ok(x.clone())
    }

    fn eval(&self, operands: &[&Tensor]) -> Result<Tensor> {
        let [x] = exactly(operands)?;
        let kernel = if self.approximate { Kernel::ApproximateGelu } else { Kernel::Gelu };
        let raw = kernels::try_run(&x.contiguous()?.raw()?, kernel).ok_or_else(|| {
            Error::new(ErrorKind::Unsupported, "GELU runs on the CPU, in float32").received(x.dtype().name())
        })?;
        Ok(Tensor::from_raw(raw, x.dtype()))
    }
}
