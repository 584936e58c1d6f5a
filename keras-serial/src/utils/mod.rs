//! Names of objects (`keras.utils.naming`), and small helpers without a type of their own.

#[cfg(feature = "engine")]
mod dropping;
mod locked;
mod names;
#[cfg(feature = "engine")]
mod panics;
#[cfg(feature = "engine")]
pub(crate) mod pattern;
#[cfg(feature = "engine")]
mod protobuf;
#[cfg(any(feature = "engine", feature = "cli"))]
mod table;

#[cfg(feature = "engine")]
pub(crate) use dropping::drop_later;
pub(crate) use locked::{Locked, RwLocked};
#[cfg(any(feature = "engine", feature = "files"))]
pub(crate) use names::join;
pub(crate) use names::{NameScope, ReusedNames, scope_path, with_article};
pub use names::{auto_name, clear_session, to_snake_case};

/// Exported here too, as in Keras.
#[cfg(feature = "engine")]
pub use crate::layers::FeatureSpace;
#[cfg(feature = "engine")]
pub(crate) use panics::panic_text;
#[cfg(feature = "engine")]
pub(crate) use protobuf::Message;
#[cfg(any(feature = "engine", feature = "cli"))]
pub(crate) use table::{Table, readable, thousands};
