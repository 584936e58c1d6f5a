//! Looks up objects without deserializing them.

use std::borrow::Cow;

use super::deserialize::{find_class, find_function};
use super::{Entry, lookup};
use crate::error::Result;
use crate::object::Form;

/// Looks up the entry of a serialized object of any kind, without deserializing it.
///
/// # Errors
/// As [`deserialize_object`](super::deserialize_object), but for its configuration.
pub(crate) fn find(form: &Form<'_>) -> Result<Cow<'static, Entry>> {
    if form.class_name == "function" {
        return find_function(form, false);
    }
    // Keras 2 wrote no modules; the place, which is not known here, tells in which to look.
    let by_name = || lookup::builtin_by_name(form.class_name).filter(|_| form.module().is_none());
    find_class(form, false).or_else(|error| by_name().map(Cow::Borrowed).ok_or(error))
}
