//! What a model computes, as data: primitives, tracing, and programs.
//!
//! A [`Primitive`] is one step of a computation: it has a rule for the shape and dtype of its result, and it
//! computes the result of values. The functions of [`ops`](crate::ops) are compositions of primitives. Called
//! on symbols, primitives infer shape and dtype of the result, whose extents can be unknown. Called on traced
//! tensors, they are recorded instead, and [`Program::trace`] collects what was recorded: the
//! computation of a whole model, of custom layers too, with the weights as named constants.

pub(crate) mod kernels;
pub mod onnx;
mod primitive;
pub(crate) mod primitives;
mod print;
#[expect(clippy::module_inception, reason = "the type of the module")]
mod program;
mod rewrites;
mod traced;

pub use primitive::{Primitive, Spec};
pub(crate) use primitive::{apply, infer_or_compute, unless_symbolic};
pub(crate) use program::primitive as primitive_of;
pub use program::{Constant, Node, Operand, Program};
pub(crate) use traced::Reads;
pub(crate) use traced::{keeps_loops, layers_changed, note_read, refuse_while_tracing, spoil, traced_weight};
