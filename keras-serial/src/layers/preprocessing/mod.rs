//! Layers that turn raw data into numbers for a model.

mod array;
mod category_encoding;
mod discretization;
mod encode;
mod hash;
mod hashed_crossing;
mod hashing;
pub mod image;
mod index_lookup;
mod integer_lookup;
mod normalization;
mod rescaling;
mod string_lookup;
mod text_vectorization;

pub use array::Array;
pub use category_encoding::CategoryEncoding;
pub use discretization::Discretization;
pub use encode::OutputMode;
pub use hash::Salt;
pub use hashed_crossing::HashedCrossing;
pub use hashing::Hashing;
pub use image::*;
pub use index_lookup::{OovMethod, Token, Vocabulary};
pub use integer_lookup::IntegerLookup;
pub use normalization::{AxisTuple, Normalization};
pub use rescaling::Rescaling;
pub use string_lookup::StringLookup;
pub use text_vectorization::{Ngrams, Split, Standardize, TextVectorization};
