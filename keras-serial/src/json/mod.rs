//! JSON as Python reads and writes it: NaN and infinities, keys in order, floats as `repr` prints them.

mod convert;
mod parse;
mod value;
mod write;

pub use parse::JsonLimits;
pub use value::{Dict, Value};
