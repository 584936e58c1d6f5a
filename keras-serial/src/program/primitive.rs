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
/// ```text
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

#[cfg(test)]
mod tests {
    use super::super::primitives::{Broadcast, Concat, MatMul};
    use super::*;

    fn symbol<const N: usize>(shape: [Option<usize>; N]) -> Tensor {
        Tensor::symbol(shape, DType::Float32)
    }

    #[test]
    fn symbols_are_inferred_with_unknown_extents() {
        let (x, y) = (symbol([None, Some(3)]), symbol([Some(3), Some(4)]));
        let product = apply(MatMul, &[&x, &y]).unwrap();
        assert!(product.is_symbolic());
        assert_eq!((product.shape().to_string(), product.dtype()), ("(None, 4)".to_owned(), DType::Float32));
        assert!(apply(MatMul, &[&y, &y]).is_err());
        // The sum of an unknown extent is unknown; what one operand leaves open, another one tells.
        let joined = apply(Concat(1), &[&symbol([None, Some(2)]), &symbol([Some(5), Some(1)])]).unwrap();
        assert_eq!(joined.shape().to_string(), "(5, 3)");
        let joined = apply(Concat(0), &[&symbol([None, Some(2)]), &symbol([Some(5), Some(2)])]).unwrap();
        assert_eq!(joined.shape().to_string(), "(None, 2)");
    }

    #[test]
    fn values_meet_unknown_extents_as_symbols() {
        let one = Tensor::from_slice(&[1.0f32], [1]).unwrap();
        let wide = apply(Broadcast([None].into()), &[&one]).unwrap();
        assert!(wide.is_symbolic());
        let wide = apply(Broadcast([2].into()), &[&one]).unwrap();
        assert_eq!(wide.to_vec::<f32>().unwrap(), [1.0, 1.0]);
    }

    #[test]
    fn only_values_are_computed() {
        let x = symbol([None]);
        let values = |x: &Tensor| x.to_vec::<f32>();
        assert_eq!(infer_or_compute(&[&x], vec![7.0], || values(&x)).unwrap(), [7.0]);
        assert_eq!(unless_symbolic(&[&x], || values(&x)).unwrap(), None);
        let x = Tensor::from_slice(&[1.0f32], [1]).unwrap();
        assert_eq!(infer_or_compute(&[&x], vec![7.0], || values(&x)).unwrap(), [1.0]);
    }
}
