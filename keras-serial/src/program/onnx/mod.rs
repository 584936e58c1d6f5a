//! The ONNX form of programs: graphs of standard operators.
//!
//! [`build`] takes one model's programs, traced with several values of each unknown extent, and asks each
//! primitive for its form ([`Primitive::onnx`](super::Primitive::onnx)). What differs between the programs
//! depends on an unknown extent, and is computed in the graph from the shapes that are known when it runs.
//! The graph is plain data; how it is written to a file is not decided here.

mod build;
mod call;
mod constants;
mod extents;
mod graph;
mod layout;

pub use build::{Dimension, Port, build};
pub use call::Call;
pub use extents::Extent;
pub use graph::{Attribute, Body, Graph, Initializer, Operator, Value};
