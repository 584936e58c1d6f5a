//! Layers that turn raw data into numbers for a model.

mod array;
mod encode;
mod hash;
mod index_lookup;
mod integer_lookup;
mod normalization;
mod rescaling;
mod string_lookup;

pub use array::Array;
pub use encode::OutputMode;
pub use hash::Salt;
pub use index_lookup::{OovMethod, Token, Vocabulary};
pub use integer_lookup::IntegerLookup;
pub use normalization::{AxisTuple, Normalization};
pub use rescaling::Rescaling;
pub use string_lookup::StringLookup;
