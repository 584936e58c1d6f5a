//! GELU of `float32`.

use crate::error::{Error, ErrorKind, Result};
use crate::program::kernels::elementwise::{self as kernels, Kernel};
use crate::program::onnx::{Attribute, Call, Value};
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

    fn onnx(&self, call: &mut Call) -> Result<Value> {
        let [x] = call.numbers()?;
        if call.graph.opset() >= 20 {
            let kind = if self.approximate { "tanh" } else { "none" };
            let attributes = vec![("approximate", Attribute::Text(kind))];
            let value = call.graph.elementwise("Gelu", &[x], attributes, call.graph.dtype(x))?;
            return call.rounded(value);
        }
        let (half, one) = (call.scalar(0.5, x)?, call.scalar(1.0, x)?);
        let bent = if self.approximate {
            let (scale, cubic) = (call.scalar(std::f64::consts::FRAC_2_PI.sqrt(), x)?, call.scalar(0.044715, x)?);
            let square = call.elementwise("Mul", &[x, x])?;
            let cube = call.elementwise("Mul", &[square, x])?;
            let cube = call.elementwise("Mul", &[cube, cubic])?;
            let sum = call.elementwise("Add", &[x, cube])?;
            let scaled = call.elementwise("Mul", &[sum, scale])?;
            call.elementwise("Tanh", &[scaled])?
        } else {
            let root = call.scalar(std::f64::consts::SQRT_2, x)?;
            let scaled = call.elementwise("Div", &[x, root])?;
            call.elementwise("Erf", &[scaled])?
        };
        let sum = call.elementwise("Add", &[bent, one])?;
        let product = call.elementwise("Mul", &[x, sum])?;
        let value = call.elementwise("Mul", &[product, half])?;
        call.rounded(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops;

    // keras.ops.gelu(1.0) has the gradient Φ(1) + φ(1).
    #[test]
    fn gradients_flow() {
        let x = Tensor::from_slice(&[1.0f32], [1]).unwrap().watched().unwrap();
        let loss = ops::sum(&ops::gelu(&x, false).unwrap(), None, false).unwrap();
        let gradient = loss.backward().unwrap().get(&x).unwrap().to_vec::<f32>().unwrap();
        assert!((gradient[0] - 1.083_315_5).abs() < 1e-5, "{gradient:?}");
    }
}
