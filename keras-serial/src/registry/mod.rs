//! The master list of objects, link-time and run-time registration, scopes, and look-up.
//!
//! `#[register]` puts an entry into the program at link time, from every crate that is linked. Three
//! things are not promised: the order of entries; that a crate is linked which nothing of the
//! program refers to (`use my_layers as _;` does); and, on wasm modules without a `main`, that
//! constructors ran (call `__wasm_call_ctors` first).
//!
//! # Which object a name stands for
//! Keras's own order (`keras.saving.get_registered_object`), tested against it: at the top of a
//! call a [`CustomObjectScope`] comes before the master list, and that before the call's
//! `custom_objects`; for objects inside other objects the master list comes before scopes. Keras's
//! own classes come last, and are only ever found by their module. Nested scopes add to the outer
//! ones, where Keras's hide them.

mod entry;
mod lookup;
mod master;
mod probe;
mod revive;
mod scope;

pub use entry::{Cast, Entry, Place, Registrable};
pub(crate) use lookup::builtin_in as builtin_entry;
pub(crate) use lookup::by_type as function_entry;
pub use lookup::{get_registered_name, get_registered_object, registered_name_of};
pub use master::{Isolated, clear_custom_objects, entries, isolate, register, unregister};
pub use probe::{NoCast, Probe};
pub use revive::{
    Revived, Special, TypedHandle, deserialize_keras_object, deserialize_object, revive, serialize_class,
};
pub(crate) use revive::{revive_by_name, serialize_function};
pub(crate) use scope::with_argument;
pub use scope::{Carried, CustomObjectGuard, CustomObjectScope, CustomObjects};
