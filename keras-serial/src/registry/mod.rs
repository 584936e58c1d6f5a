//! The registry of objects: registration at link time and run time, scopes, and look-up.
//!
//! `#[register]` adds an entry at link time, in every linked crate; a generic instance or a foreign type
//! gets one by [`register_type!`](crate::register_type) (an attribute and a function-like macro can't
//! both be named `register`), and [`register`] adds one at run time.
//!
//! What is not guaranteed:
//! - **Order.** Entries come in the order of the linker. Nothing depends on it: a name that is
//!   registered twice is an error on look-up; the last one does not win.
//! - **Unused crates.** A dependency of which the program uses no item may not be linked, so that its
//!   entries are missing: `use my_layers as _;` refers to it.
//! - **Constructors on WebAssembly.** Entries are collected by constructors, which run before `main`. A
//!   module without a `main` (a reactor, a `cdylib`) must call `__wasm_call_ctors` itself, once, before
//!   the first look-up; until then even Keras's own objects are unknown.
//! - **File names of source places.** They are what `file!` gives, relative to each crate's workspace.
//!
//! # Order of look-up
//! The order is Keras's (`keras.saving.get_registered_object`) and tested against it: at the top level
//! of a call, a [`CustomObjectScope`] comes before the registry, and that before the call's
//! `custom_objects`; for nested objects the registry comes before scopes. Keras's own classes come last,
//! and are found only by their module. Where an argument takes a name (`activation="relu"`), Keras's own
//! object comes first, and a custom one of that name after it.
//!
//! There are two additions, for names that Keras does not find at all: nested scopes add to the outer
//! ones, where Keras's hide them; and in scopes and `custom_objects` an object registered as
//! `MyLayers>KernelMult` is also found by its class name or its short name.

mod construct;
mod describe;
mod deserialize;
mod edit;
mod entry;
mod find;
mod handle;
mod keep;
#[cfg(feature = "files")]
mod keras_names;
mod lookup;
mod master;
mod named;
mod nesting;
mod operations;
mod plain;
mod probe;
mod schema;
mod scope;
mod serialize;
mod skeleton;
mod stand_in;
mod unknown;

pub use construct::{Constructed, construct};
pub use describe::{Description, describe};
#[cfg(feature = "files")]
pub(crate) use deserialize::is_code;
pub use deserialize::{
    Deserialized, SpecialForm, TypedHandle, deserialize, deserialize_keras_object, deserialize_object,
    serialize_keras_object,
};
pub(crate) use deserialize::{deserialize_by_name, deserialize_form};
pub use edit::{replace, set};
pub(crate) use entry::Identity;
pub use entry::{Cast, Entry, Place, Registrable};
pub(crate) use find::find;
pub(crate) use handle::{WrapsFunction, handle};
pub use keep::{KeepUnknown, Unknown};
pub(crate) use keep::{keep, keeps_unknown};
#[cfg(feature = "files")]
pub(crate) use keras_names::{Operations, has_builtins, has_class, is_computed_operation, is_of_keras, is_operation};
pub(crate) use lookup::by_identity as function_entry;
#[cfg(feature = "files")]
pub(crate) use lookup::check_unique;
pub use lookup::{find_by_class_name, get_registered_name, get_registered_object, registered_name_of};
pub use master::{Isolated, check, clear_custom_objects, entries, get_custom_objects, isolate, register, unregister};
pub use named::{entry_named, search};
#[cfg(feature = "files")]
pub(crate) use nesting::MAX_NESTING;
#[cfg(feature = "archive")]
pub(crate) use nesting::NestingLimit;
pub(crate) use operations::{is_keras_operation, legacy_module};
pub use plain::PlainObject;
pub use probe::{NoCast, Probe};
pub use schema::{model_schema, schema, schema_of_kind};
pub(crate) use scope::with_argument;
pub use scope::{Carried, CustomObjectGuard, CustomObjectScope, CustomObjects};
pub(crate) use serialize::serialize_function;
pub use serialize::{serialize_class, serialize_shared};
pub use skeleton::skeleton;
use skeleton::skeleton_of;
pub(crate) use stand_in::StandIn;
