//! The primitives: one file each, with its shape rule and the engine's call.

mod arg_extreme;
mod binary;
mod bits;
mod broadcast;
mod cast;
mod compare;
mod concat;
mod conv;
mod conv_transpose;
mod cumulate;
mod flip;
mod gelu;
mod logic;
mod lstm;
mod matmul;
mod pool;
mod reduce;
mod reshape;
mod scan;
mod scatter_add;
mod select;
mod slice;
mod softmax;
mod sort;
mod take;
mod take_along;
mod transpose;
mod unary;
mod window;

pub(crate) use arg_extreme::ArgExtreme;
pub(crate) use binary::Binary;
pub(crate) use bits::Bits;
pub(crate) use broadcast::Broadcast;
pub(crate) use cast::Cast;
pub(crate) use compare::Compare;
pub(crate) use concat::Concat;
pub(crate) use conv::Conv;
pub(crate) use conv_transpose::{ConvTranspose, Spread};
pub(crate) use cumulate::Cumulate;
pub(crate) use flip::Flip;
pub(crate) use gelu::Gelu;
pub(crate) use logic::{Logic, Not};
pub(crate) use lstm::Lstm;
pub(crate) use matmul::MatMul;
pub(crate) use pool::{Pool, Pooling};
pub(crate) use reduce::{Reduce, Reduction};
pub(crate) use reshape::Reshape;
pub(crate) use scan::Scan;
pub(crate) use scatter_add::ScatterAdd;
pub(crate) use select::Select;
pub(crate) use slice::{Range, Slice};
pub(crate) use softmax::Softmax;
pub(crate) use sort::{Argsort, Sort};
pub(crate) use take::Take;
pub(crate) use take_along::TakeAlong;
pub(crate) use transpose::{Transpose, inverse};
pub(crate) use unary::Unary;
pub(crate) use window::Steps;

use super::primitive::Spec;
use crate::error::{Error, ErrorKind, Result};
use crate::tensor::engine::Raw;
use crate::tensor::{DType, Shape, Tensor};

/// Runs the function for the tensor's kind of dtype: float, integer or boolean.
fn family(
    x: &Tensor,
    float: impl FnOnce(Raw) -> Raw,
    int: impl FnOnce(Raw) -> Raw,
    bool: impl FnOnce(Raw) -> Raw,
) -> Result<Tensor> {
    let raw = x.raw()?;
    let raw = match x.dtype() {
        DType::Bool => bool(raw),
        dtype if dtype.is_float() => float(raw),
        _ => int(raw),
    };
    Ok(Tensor::from_raw(raw, x.dtype()))
}

/// Returns the spec with another shape.
fn shaped(spec: &Spec, shape: impl Into<Shape>) -> Spec {
    Spec { shape: shape.into(), dtype: spec.dtype }
}

/// Returns the extents of a shape; they are known in a program, but not always where a symbol is inferred.
fn extents(spec: &Spec) -> Vec<Option<usize>> {
    spec.shape.dims().to_vec()
}

/// Prints extents like a list of numbers.
fn extents_text(shape: &Shape) -> String {
    let extents = shape.dims().iter().map(|extent| extent.map_or("?".to_owned(), |extent| extent.to_string()));
    format!("[{}]", extents.collect::<Vec<_>>().join(", "))
}

/// Returns the extent of one axis.
fn extent_mut<T>(extents: &mut [T], axis: usize) -> Result<&mut T> {
    let rank = extents.len();
    extents.get_mut(axis).ok_or_else(|| {
        Error::new(ErrorKind::Shape, "axis out of range")
            .expected(format!("an axis below {rank}"))
            .received(axis.to_string())
    })
}
