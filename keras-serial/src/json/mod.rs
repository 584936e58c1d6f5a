//! JSON as Python reads and writes it: NaN and infinities, keys in order, floats as `repr` prints them.
//!
//! ```
//! use keras_serial::json::{self, Value};
//! let value = json::value!({ "rate": 1e-07, "axis": [-1, f64::NAN], "seed": null });
//! assert_eq!(value.to_json(), r#"{"rate": 1e-07, "axis": [-1, NaN], "seed": null}"#);
//! assert_eq!(Value::parse(&value.to_json())?, value);
//! # Ok::<(), keras_serial::Error>(())
//! ```

mod convert;
mod de;

mod limits;
mod macros;
mod parse;
mod patch;
mod path;
mod rename;
mod ser;
#[cfg(test)]
mod tests;
mod value;
mod write;

#[doc(inline)]
pub use crate::__json_value as value;
pub use de::from_value;
pub use limits::JsonLimits;
pub use patch::{Change, Patch};
#[cfg(feature = "files")]
pub(crate) use path::name_of;
pub use path::{Access, Path};
#[cfg(feature = "files")]
pub(crate) use rename::{Names, rename_in_compile, rename_item, rename_layers, rename_outputs};
pub use ser::to_value;
pub use value::{Dict, Value, wrong_type};
