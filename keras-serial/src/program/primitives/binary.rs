//! Arithmetic of two tensors of one dtype, with broadcasting.

use burn_backend::ops::{FloatTensorOps, IntTensorOps};

use super::{Broadcast, Compare, Logic, Select};
use crate::error::Result;
use crate::program::onnx::{Call, Value};
use crate::program::primitive::{Primitive, Spec, exactly};
use crate::tensor::Tensor;
use crate::tensor::engine::Engine;

/// A function of two numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Binary {
    Add,
    Sub,
    Mul,
    /// Of floating-point numbers only.
    Div,
    /// The remainder, with the sign of the divisor.
    Rem,
    Pow,
    /// The angle of the point (y, x), of floating-point numbers only.
    Atan2,
    /// NaN if one of the two is.
    Max,
    /// NaN if one of the two is.
    Min,
}

impl Binary {
    /// Returns the comparison that picks the second operand.
    fn comparison(self) -> Option<Compare> {
        match self {
            Self::Max => Some(Compare::Less),
            Self::Min => Some(Compare::Greater),
            _ => None,
        }
    }
}

/// Returns the second operand where the comparison holds or it is NaN, else the first.
fn extreme(x: &Tensor, y: &Tensor, comparison: Compare) -> Result<Tensor> {
    let shape = x.shape().broadcast(y.shape())?;
    let (x, y) = (Broadcast(shape.clone()).eval(&[x])?, Broadcast(shape).eval(&[y])?);
    let mut is_second = comparison.eval(&[&x, &y])?;
    if y.dtype().is_float() {
        is_second = Logic::Or.eval(&[&is_second, &Compare::NotEqual.eval(&[&y, &y])?])?;
    }
    Select.eval(&[&is_second, &y, &x])
}

impl Primitive for Binary {
    fn name(&self) -> &'static str {
        match self {
            Self::Add => "add",
            Self::Sub => "sub",
            Self::Mul => "mul",
            Self::Div => "div",
            Self::Rem => "rem",
            Self::Pow => "pow",
            Self::Atan2 => "atan2",
            Self::Max => "max",
            Self::Min => "min",
        }
    }

    fn infer(&self, operands: &[Spec]) -> Result<Spec> {
        let [x, y] = exactly(operands)?;
        Ok(Spec { shape: x.shape.broadcast(&y.shape)?, dtype: x.dtype })
    }

    fn eval(&self, operands: &[&Tensor]) -> Result<Tensor> {
        let [x, y] = exactly(operands)?;
        if let Some(comparison) = self.comparison() {
            return extreme(x, y, comparison);
        }
        let (a, b) = (x.raw()?, y.raw()?);
        let raw = match (self, x.dtype().is_float()) {
            (Self::Add, true) => Engine::float_add(a, b),
            (Self::Add, false) => Engine::int_add(a, b),
            (Self::Sub, true) => Engine::float_sub(a, b),
            (Self::Sub, false) => Engine::int_sub(a, b),
            (Self::Mul, true) => Engine::float_mul(a, b),
            (Self::Mul, false) => Engine::int_mul(a, b),
            (Self::Div, _) => Engine::float_div(a, b),
            (Self::Rem, true) => Engine::float_remainder(a, b),
            (Self::Rem, false) => Engine::int_remainder(a, b),
            (Self::Pow, true) => Engine::float_powf(a, b),
            (Self::Pow, false) => Engine::int_powi(a, b),
            (Self::Atan2 | Self::Max | Self::Min, _) => Engine::float_atan2(a, b),
        };
        Ok(Tensor::from_raw(raw, x.dtype()))
    }

    fn onnx(&self, call: &mut Call) -> Result<Value> {
        let [x, y] = call.numbers()?;
        let value = match self {
            Self::Add => call.elementwise("Add", &[x, y])?,
            Self::Sub => call.elementwise("Sub", &[x, y])?,
            Self::Mul => call.elementwise("Mul", &[x, y])?,
            Self::Div => call.elementwise("Div", &[x, y])?,
            Self::Pow => call.elementwise("Pow", &[x, y])?,
            Self::Max => call.elementwise("Max", &[x, y])?,
            Self::Min => call.elementwise("Min", &[x, y])?,
            Self::Rem if call.operand_dtype().is_float() => {
                let quotient = call.elementwise("Div", &[x, y])?;
                let quotient = call.elementwise("Floor", &[quotient])?;
                let multiple = call.elementwise("Mul", &[quotient, y])?;
                call.elementwise("Sub", &[x, multiple])?
            }
            Self::Rem => call.elementwise("Mod", &[x, y])?,
            Self::Atan2 => angle(call, x, y)?,
        };
        call.rounded(value)
    }
}

/// Adds the angle of the point (x, y), which ONNX has only as the arctangent of a quotient.
fn angle(call: &mut Call, y: Value, x: Value) -> Result<Value> {
    let quotient = call.elementwise("Div", &[y, x])?;
    let angle = call.elementwise("Atan", &[quotient])?;
    let (zero, pi) = (call.scalar(0.0, x)?, call.scalar(std::f64::consts::PI, x)?);
    // On the left, half a turn is added towards the sign of y.
    let is_below = call.test("Less", &[y, zero])?;
    let down = call.elementwise("Neg", &[pi])?;
    let half_turn = call.graph.elementwise("Where", &[is_below, down, pi], vec![], call.graph.dtype(x))?;
    let turned = call.elementwise("Add", &[angle, half_turn])?;
    let is_left = call.test("Less", &[x, zero])?;
    let value = call.graph.elementwise("Where", &[is_left, turned, angle], vec![], call.graph.dtype(x))?;
    // The quotient of two zeros is NaN, where the angle is zero.
    let (x_is_zero, y_is_zero) = (call.test("Equal", &[x, zero])?, call.test("Equal", &[y, zero])?);
    let is_origin = call.test("And", &[x_is_zero, y_is_zero])?;
    call.graph.elementwise("Where", &[is_origin, zero, value], vec![], call.graph.dtype(x))
}
