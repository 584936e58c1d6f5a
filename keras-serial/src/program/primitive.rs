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

    /// Infers shape and dtype of the result. Extents of operands can be unknown, where a graph is recorded.
    ///
    /// # Errors
    /// If the operands do not fit.
    fn infer(&self, operands: &[Spec]) -> Result<Spec>;

    /// Returns true if an attribute is an unknown extent, so that the result can only be inferred, even of values.
    fn is_open(&self) -> bool {
        false
    }

    /// Computes the result.
    ///
    /// # Errors
    /// If the operands do not fit, or the engine can't compute it.
    fn eval(&self, operands: &[&Tensor]) -> Result<Tensor>;

    /// Adds the operators that compute the result to an ONNX graph, and returns it.
    ///
    /// # Errors
    /// If ONNX has no words for it, which is the default, or the graph's operator set has none.
    fn onnx(&self, call: &mut onnx::Call) -> Result<onnx::Value> {
        Err(call.unsupported("a primitive without ONNX form").received(self.name()))
    }
}

/// Applies a primitive: computes it on values, records it on traced tensors, infers the result's shape and dtype of
/// symbols.
pub(crate) fn apply(primitive: impl Primitive, operands: &[&Tensor]) -> Result<Tensor> {
    if operands.iter().any(|operand| operand.is_traced()) {
        return traced::record(Arc::new(primitive), operands);
    }
    if primitive.is_open() || operands.iter().any(|operand| operand.is_symbolic()) {
        let specs: Vec<Spec> = operands.iter().map(|operand| Spec::of(operand)).collect();
        let Spec { shape, dtype } = primitive.infer(&specs)?;
        return Ok(Tensor::symbol(shape, dtype));
    }
    primitive.eval(operands)
}

/// Computes a composition whose steps depend on known extents or on values; returns `inferred` instead if an operand is
/// a symbol.
///
/// `inferred` states the shape rule: a symbol for each result. A composition whose steps are the same for any extents
/// needs none, because symbols flow through its primitives.
///
/// ```ignore
/// // The number of frames decides which elements are taken.
/// program::infer_or_compute(&[x], Tensor::symbol(shape, x.dtype()), || take_axis(x, &places, -1))
/// ```
///
/// # Errors
/// Those of the composition.
pub(crate) fn infer_or_compute<T>(operands: &[&Tensor], inferred: T, compute: impl FnOnce() -> Result<T>) -> Result<T> {
    Ok(unless_symbolic(operands, compute)?.unwrap_or(inferred))
}

/// Computes what needs values or known extents; returns `None` if an operand is a symbol. The general form of
/// [`infer_or_compute`], for where symbols are refused or take long to infer.
///
/// # Errors
/// Those of the composition.
pub(crate) fn unless_symbolic<T>(operands: &[&Tensor], compute: impl FnOnce() -> Result<T>) -> Result<Option<T>> {
    if operands.iter().any(|operand| operand.is_symbolic()) { Ok(None) } else { compute().map(Some) }
}

/// Returns the operands of a primitive that takes `N`.
pub(super) fn exactly<T, const N: usize>(operands: &[T]) -> Result<&[T; N]> {
    operands.try_into().map_err(|_| {
        Error::new(ErrorKind::InvalidArgument, "wrong number of operands")
            .expected(N.to_string())
            .received(operands.len().to_string())
    })
}
