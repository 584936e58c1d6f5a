//! Objects that occur several times in one model.
//!
//! Within a [`SharingScope`] an object that is serialized repeatedly gets a `shared_object_id` from its
//! second occurrence on, and serialized objects with the same id are deserialized to one object.

use std::any::Any;
use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::marker::PhantomData;
use std::sync::Arc;

use super::Object;
use crate::config::ConfigField;
use crate::error::Result;
use crate::json::{Dict, Value};

#[derive(Default)]
struct Shared {
    /// The ids of serialized objects, by address. An object is kept alive while its address is listed: a
    /// new object could get the address of a dropped one and be mistaken for it.
    ids: HashMap<usize, (i64, Arc<dyn Any + Send + Sync>)>,
    /// The ids of objects that occurred more than once.
    repeated: HashSet<i64>,
    /// Whether the first occurrence gets its id too. Ids of single objects are removed at the end.
    marks_first: bool,
    /// Deserialized objects by their ids in the file.
    objects: HashMap<i64, Object>,
}

thread_local! {
    static SCOPES: RefCell<Vec<Shared>> = const { RefCell::new(Vec::new()) };
}

/// A scope in which repeated objects are recognized as the same, on this thread, until it is dropped.
#[must_use = "sharing ends when the scope is dropped"]
pub struct SharingScope {
    depth: usize,
    /// Not `Send`: a scope belongs to the thread that entered it.
    _thread: PhantomData<*const ()>,
}

impl SharingScope {
    /// Enters a scope; an enclosing one is suspended.
    pub fn enter() -> Self {
        let depth = SCOPES.with_borrow_mut(|scopes| {
            scopes.push(Shared::default());
            scopes.len()
        });
        Self { depth, _thread: PhantomData }
    }

    /// Serializes within the scope, and gives the id of a repeated object to its first occurrence too.
    /// (Keras does so for top-level objects only: models are written without it.)
    ///
    /// ```
    /// use keras_serial::{json::value, object::SharingScope, regularizers::{L2, Regularizer}};
    /// let l2 = Regularizer::new(L2::new(0.5));
    /// let form = SharingScope::enter().serialize(&vec![l2.clone(), l2, "l1".into()])?;
    /// let ids = form.as_list().unwrap().iter().map(|form| form.get("shared_object_id").cloned());
    /// assert_eq!(ids.collect::<Vec<_>>(), [Some(value!(1)), Some(value!(1)), None]);
    /// # Ok::<(), keras_serial::Error>(())
    /// ```
    ///
    /// # Errors
    /// When an object can't be serialized.
    pub fn serialize<T: ConfigField>(&self, object: &T) -> Result<Value> {
        let mark = |marks: bool| {
            SCOPES.with_borrow_mut(|scopes| {
                scopes.last_mut().map(|shared| {
                    shared.marks_first = marks;
                    shared.repeated.clone()
                })
            })
        };
        mark(true);
        let value = object.to_value();
        let repeated = mark(false).unwrap_or_default();
        value.map(|mut value| {
            forget_single(&mut value, &repeated);
            value
        })
    }
}

/// Removes the ids of objects that occurred once.
fn forget_single(value: &mut Value, repeated: &HashSet<i64>) {
    match value {
        Value::List(items) => items.iter_mut().for_each(|item| forget_single(item, repeated)),
        Value::Dict(dict) => {
            let id = dict.get("shared_object_id").and_then(Value::as_i64);
            if id.is_some_and(|id| !repeated.contains(&id)) {
                dict.shift_remove("shared_object_id");
            }
            dict.values_mut().for_each(|item| forget_single(item, repeated));
        }
        _ => {}
    }
}

impl Drop for SharingScope {
    fn drop(&mut self) {
        let depth = self.depth.saturating_sub(1);
        // Dropped after the list is unlocked, because the objects' own `drop` may serialize.
        let ended = SCOPES.try_with(|scopes| {
            let mut scopes = scopes.borrow_mut();
            let depth = depth.min(scopes.len());
            scopes.split_off(depth)
        });
        drop(ended);
    }
}

/// Adds the id to an object that was serialized before.
pub(crate) fn note_serialized(object: Arc<dyn Any + Send + Sync>, form: &mut Dict) {
    SCOPES.with_borrow_mut(|scopes| {
        let Some(shared) = scopes.last_mut() else { return };
        let next = shared.ids.len() as i64 + 1;
        let address = Arc::as_ptr(&object).cast::<()>() as usize;
        match shared.ids.get(&address) {
            Some((id, _)) => {
                shared.repeated.insert(*id);
                form.insert("shared_object_id".into(), Value::Int(*id));
            }
            None => {
                shared.ids.insert(address, (next, object));
                if shared.marks_first {
                    form.insert("shared_object_id".into(), Value::Int(next));
                }
            }
        }
    });
}

/// Adds the id to the first occurrence of an object that was repeated; models do so with their layers.
pub(crate) fn mark_first(address: usize, form: &mut Dict) {
    SCOPES.with_borrow(|scopes| {
        let Some(shared) = scopes.last() else { return };
        if let Some((id, _)) = shared.ids.get(&address).filter(|(id, _)| shared.repeated.contains(id)) {
            form.entry("shared_object_id".to_owned()).or_insert(Value::Int(*id));
        }
    });
}

/// Records a deserialized object under its id in the file.
pub(crate) fn note_deserialized(id: i64, object: &Object) {
    let replaced = SCOPES.with_borrow_mut(|scopes| scopes.last_mut()?.objects.insert(id, object.clone()));
    drop(replaced);
}

/// Returns the object that was deserialized with this id.
pub(crate) fn shared_object(id: i64) -> Option<Object> {
    SCOPES.with_borrow(|scopes| scopes.last()?.objects.get(&id).cloned())
}
