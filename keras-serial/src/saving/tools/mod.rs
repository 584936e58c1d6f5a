//! Tools for files that need the model.

mod compare;
mod convert;
mod lint;

pub use convert::convert;
#[cfg(feature = "cli")]
pub(crate) use convert::convert_open;
pub use lint::lint;
