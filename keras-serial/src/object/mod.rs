//! The serialized form of objects, the handles that hold revived ones, and sharing.

mod form;
mod handle;
mod kind;
mod sharing;

pub use form::Form;
pub use handle::{Handle, Object};
pub use kind::Kind;
pub use sharing::SharingScope;
pub(crate) use sharing::{mark_first, note_revived, note_serialized, shared_object};
