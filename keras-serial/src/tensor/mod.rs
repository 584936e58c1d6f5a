//! Tensors, symbols, shapes and dtypes.

mod arrays;
pub mod call;
pub(crate) mod cast;
mod deferred;
mod display;
mod element;
pub(crate) mod engine;
pub(crate) mod grad;
mod nested;
mod number_format;
mod rows;
mod shape;
pub mod symbolic;
#[expect(clippy::module_inception, reason = "the type of the room")]
mod tensor;
pub(crate) mod value;

pub use crate::array::{DType, TensorBytes};
pub use call::{CallArgs, CallContext, IntoCallArgs, Item};
pub(crate) use deferred::Deferred;
pub use element::Element;
pub use grad::Gradients;
pub use nested::{IntoStructure, Nested};
pub(crate) use rows::Rows;
pub use shape::Shape;
pub use tensor::Tensor;
pub use value::TensorValue;
pub(crate) use value::from_nested as nested_tensor;
