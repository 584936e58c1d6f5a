//! Serialized objects, type-erased handles to deserialized ones, and sharing.

mod calls;
mod form;
mod handle;
mod sharing;

pub use crate::config::Kind;
pub(crate) use calls::{CallTensor, History};
pub use form::Form;
pub(crate) use form::VERSION;
pub use handle::{Handle, Object};
pub use sharing::SharingScope;
pub(crate) use sharing::{
    is_torn, mark_first, note_deserialized, note_kept, note_serialized, renumber, scope_number, shared_object,
};
