//! The trait of primitives, and how one is applied to tensors.

use std::any::Any;
use std::fmt::Debug;
use std::sync::Arc;

use super::{onnx, traced};
use crate::error::{Error, ErrorKind, Result};
use crate::tensor::{DType, Shape, Tensor};

/// The shape and dtype of a value in a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spec {
    /// The shape.
    pub shape: Shape,
    /// The dtype.
    pub dtype: DType,
}

impl Spec {
    /// Returns the spec of a tensor.
    pub fn of(tensor: &Tensor) -> Self {
        Self { shape: tensor.shape().clone(), dtype: tensor.dtype() }
    }

    /// Returns the number of elements; 0 if an extent is not known.
    pub fn elements(&self) -> u64 {
        self.shape.num_elements().unwrap_or_default() as u64
    }

    /// Returns the number of bytes; 0 if an extent is not known.
    pub fn bytes(&self) -> u64 {
        self.elements() * self.dtype.size() as u64
    }
}

/// One step of a computation: the only place where a shape rule, the engine's call and the ONNX form meet.
///
/// A type in `program/primitives`, one file each, is a primitive; its fields are the attributes.
pub trait Primitive: Any + Debug + Send + Sync {
    /// Returns the name, in snake case.
    fn name(&self) -> &'static str;

    /// Returns the attributes as they are printed, by name.
    fn attributes(&self) -> Vec<(&'static str, String)> {
        Vec::new()
    }

    /// Infers shape and dtype of the result.
    ///
    /// # Errors
    /// If the operands do not fit.
    fn infer(&self, operands: &[Spec]) -> Result<Spec>;

    /// Computes the result.
    ///
    /// # Errors
    /// If the operands do not fit, or the engine can't compute it.
    fn eval(&self, operands: &[&Tensor]) -> Result<Tensor>;

    /// Returns the number of operations on numbers, a multiplication and an addition counted as two; one for each
    /// element of the result, if not told otherwise.
    fn operations(&self, operands: &[Spec], result: &Spec) -> u64 {
        let _ = operands;
        result.elements()
    }

    /// Adds the operators that compute the result to an ONNX graph, and returns it.
    ///
    /// # Errors
    /// If ONNX has no words for it, which is the default, or the graph's operator set has none.
    fn onnx(&self, call: &mut onnx::Call) -> Result<onnx::Value> {
        Err(call.unsupported("a primitive without ONNX form").received(self.name()))
    }
}

/// Applies a primitive: computes it on values, records it on traced tensors.
pub(crate) fn apply(primitive: impl Primitive, operands: &[&Tensor]) -> Result<Tensor> {
    if operands.iter().any(|operand| operand.is_traced()) {
        return traced::record(Arc::new(primitive), operands);
    }
    primitive.eval(operands)
}

/// Returns the operands of a primitive that takes `N`.
pub(super) fn exactly<T, const N: usize>(operands: &[T]) -> Result<&[T; N]> {
    operands.try_into().map_err(|_| {
        Error::new(ErrorKind::InvalidArgument, "wrong number of operands")
            .expected(N.to_string())
            .received(operands.len().to_string())
    })
}
