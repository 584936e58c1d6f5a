//! JSON as Python reads and writes it: NaN and infinities, keys in order, floats as `repr` prints them.

mod convert;
mod de;
mod parse;
mod ser;
mod value;
mod write;

pub use de::from_value;
pub use parse::JsonLimits;
pub use ser::to_value;
pub use value::{Dict, Value};
