//! Objects that stand in several places of one model.
//!
//! Within a [`SharingScope`] an object that is serialized twice gets a `shared_object_id` from its
//! second place on, and forms with the same id revive to one object.

use std::cell::RefCell;
use std::collections::HashMap;
use std::marker::PhantomData;

use super::Object;
use crate::json::{Dict, Value};

#[derive(Default)]
struct Shared {
    /// Serialized objects: address to id, with the number of sights.
    ids: HashMap<usize, i64>,
    /// Revived objects by the file's ids.
    objects: HashMap<i64, Object>,
    /// Objects whose address must stay theirs while the scope lives.
    kept: Vec<Object>,
}

thread_local! {
    static SCOPES: RefCell<Vec<Shared>> = const { RefCell::new(Vec::new()) };
}

/// While it lives, objects met twice on this thread are recognized as one.
#[must_use = "sharing ends when the scope is dropped"]
pub struct SharingScope {
    depth: usize,
    /// Scopes belong to the thread that entered them.
    _thread: PhantomData<*const ()>,
}

impl SharingScope {
    /// Begins a scope; an enclosing one is suspended.
    pub fn enter() -> Self {
        let depth = SCOPES.with_borrow_mut(|scopes| {
            scopes.push(Shared::default());
            scopes.len()
        });
        Self { depth, _thread: PhantomData }
    }
}

impl Drop for SharingScope {
    fn drop(&mut self) {
        SCOPES.with_borrow_mut(|scopes| scopes.truncate(self.depth.saturating_sub(1)));
    }
}

/// Adds the id to the form of an object that was serialized before.
pub(crate) fn note_serialized(address: usize, form: &mut Dict) {
    SCOPES.with_borrow_mut(|scopes| {
        let Some(shared) = scopes.last_mut() else { return };
        let next = shared.ids.len() as i64 + 1;
        match shared.ids.get(&address) {
            Some(id) => {
                form.insert("shared_object_id".into(), Value::Int(*id));
            }
            None => {
                shared.ids.insert(address, next);
            }
        }
    });
}

/// Remembers a revived object under its file's id.
pub(crate) fn note_revived(id: i64, object: &Object) {
    SCOPES.with_borrow_mut(|scopes| {
        if let Some(shared) = scopes.last_mut() {
            shared.objects.insert(id, object.clone());
            shared.kept.push(object.clone());
        }
    });
}

/// The object that was revived under this id.
pub(crate) fn shared_object(id: i64) -> Option<Object> {
    SCOPES.with_borrow(|scopes| scopes.last()?.objects.get(&id).cloned())
}
