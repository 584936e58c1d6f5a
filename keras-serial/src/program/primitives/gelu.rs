//! GELU of `float32`.

use super::{Binary, Unary};
use crate::error::Result;
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

impl Gelu {
    /// Computes the function by others.
    fn composed(&self, x: &Tensor) -> Result<Tensor> {
        let number = |number: f32| Tensor::from_vec(vec![number], vec![1; x.rank()]);
        let share = if self.approximate {
            // tanh(√(2/π) · (x + 0.044715 · x³))
            let cube = Binary::Mul.eval(&[&Unary::Square.eval(&[x])?, x])?;
            let inner = Binary::Add.eval(&[x, &Binary::Mul.eval(&[&cube, &number(0.044_715)?])?])?;
            Unary::Tanh.eval(&[&Binary::Mul.eval(&[&inner, &number(0.797_884_6)?])?])?
        } else {
            Unary::Erf.eval(&[&Binary::Mul.eval(&[x, &number(std::f32::consts::FRAC_1_SQRT_2)?])?])?
        };
        let half = Binary::Mul.eval(&[x, &number(0.5)?])?;
        Binary::Mul.eval(&[&half, &Binary::Add.eval(&[&share, &number(1.0)?])?])
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
        match kernels::try_run(&x.raw()?, kernel) {
            Some(raw) => Ok(Tensor::from_raw(raw, x.dtype())),
            // For elements that do not lie in order.
            None => self.composed(x),
        }
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
    use crate::program::primitives::Transpose;
    use crate::variable::{GradientTape, Variable};

    #[test]
    fn values_and_gradients_in_any_order_of_elements() {
        let x = [-2.0f32, -0.5, 0.0, 0.3, 1.0, 3.0];
        for approximate in [false, true] {
            let gelu = Gelu { approximate };
            let outputs = |transposed: bool| {
                let variable = Variable::with_value("x", Tensor::from_slice(&x, [2, 3]).unwrap());
                let tape = GradientTape::new();
                let mut value = variable.value().unwrap();
                if transposed {
                    value = Transpose(vec![1, 0]).eval(&[&value]).unwrap();
                }
                let mut y = gelu.eval(&[&value]).unwrap();
                if transposed {
                    y = Transpose(vec![1, 0]).eval(&[&y]).unwrap();
                }
                let values = y.to_vec::<f32>().unwrap();
                let total = crate::ops::reduce::sum_impl(&y, &crate::ops::Axes::all(), false).unwrap();
                let (gradients, _) = tape.gradient(&total, &[variable], &[]).unwrap();
                let gradient = gradients.into_iter().next().flatten().unwrap();
                (values, gradient.to_vec::<f32>().unwrap())
            };
            let (values, gradients) = outputs(false);
            // GELU(1) = 0.8413, and its slope there is 1.0833; by tanh 0.8412 and 1.0830.
            assert!((values[4] - 0.8413).abs() < 2e-4 && (gradients[4] - 1.0833).abs() < 5e-4);
            let (turned, turned_gradients) = outputs(true);
            let close = |a: &[f32], b: &[f32]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-5);
            assert!(close(&values, &turned) && close(&gradients, &turned_gradients));
        }
    }
}
