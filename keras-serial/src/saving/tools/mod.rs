//! Tools for files that need the model.

mod compare;
mod convert;
mod lint;

pub use convert::convert;
pub use lint::lint;
