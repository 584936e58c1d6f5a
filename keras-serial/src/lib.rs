//! Keras's object model and saving, in Rust.

extern crate self as keras_serial;

mod error;

pub use error::{Error, ErrorKind, Result, ResultExt, did_you_mean};

#[cfg(feature = "engine")]
pub mod tensor;
