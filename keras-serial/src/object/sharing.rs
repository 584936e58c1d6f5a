//! Objects that occur several times in one model.
//!
//! Within a [`SharingScope`] an object that is serialized repeatedly gets a `shared_object_id` from its
//! second occurrence on, and serialized objects with the same id are deserialized to one object.

use std::any::Any;
use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::Object;
use crate::config::{ConfigField, Kind};
use crate::error::Result;
use crate::json::{Dict, Value};

#[derive(Default)]
struct Shared {
    /// A number that no other scope has.
    number: u64,
    /// The ids of serialized objects, by address. An object is kept alive while its address is listed: a
    /// new object could get the address of a dropped one and be mistaken for it.
    ids: HashMap<usize, (i64, Arc<dyn Any + Send + Sync>)>,
    /// The ids of objects that occurred more than once.
    repeated: HashSet<i64>,
    /// Whether the first occurrence gets its id too. Ids of single objects are removed at the end.
    marks_first: bool,
    /// Deserialized objects by their ids in the file.
    objects: HashMap<i64, Object>,
    /// The ids inside of placeholders that were deserialized.
    kept: HashSet<i64>,
    /// The new ids of objects inside of placeholders, by the number of the scope that deserialized them and their ids
    /// in the file.
    renumbered: HashMap<(u64, i64), i64>,
    /// The new ids.
    taken: HashSet<i64>,
    /// How many of them are not those of the file.
    moved: usize,
}

thread_local! {
    static SCOPES: RefCell<Vec<Shared>> = const { RefCell::new(Vec::new()) };
}

impl Shared {
    /// Returns the next number that is no id yet.
    fn next_id(&self) -> i64 {
        let first = (self.ids.len() + self.moved) as i64 + 1;
        (first..).find(|id| !self.taken.contains(id)).unwrap_or(first)
    }

    /// Returns the id of an object inside of a placeholder: that of the file, unless another object has it.
    fn id_of_kept(&mut self, origin: u64, id: i64) -> i64 {
        if let Some(known) = self.renumbered.get(&(origin, id)) {
            return *known;
        }
        let next = self.next_id();
        let is_taken = id < next || self.taken.contains(&id);
        let new = if is_taken { next } else { id };
        self.moved += usize::from(is_taken);
        self.renumbered.insert((origin, id), new);
        self.taken.insert(new);
        self.repeated.insert(new);
        new
    }
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
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let depth = SCOPES.with_borrow_mut(|scopes| {
            scopes.push(Shared { number, ..Shared::default() });
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
        let next = shared.next_id();
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

/// Returns the number of the current scope; 0 outside of one.
pub(crate) fn scope_number() -> u64 {
    SCOPES.with_borrow(|scopes| scopes.last().map_or(0, |shared| shared.number))
}

/// Records the ids inside of a serialized object that is kept and not deserialized.
pub(crate) fn note_kept(form: &mut Value) {
    SCOPES.with_borrow_mut(|scopes| {
        let Some(shared) = scopes.last_mut() else { return };
        each_id(form, &mut |id| _ = shared.kept.insert(*id));
    });
}

/// Returns true if an object of the file is shared between what was deserialized and what is only kept.
pub(crate) fn is_torn() -> bool {
    SCOPES.with_borrow(|scopes| {
        // Policies are shared by all layers in Keras's files, and have nothing to share.
        let is_known = |shared: &Shared, id| shared.objects.get(id).is_some_and(|o| o.kind() != Kind::DTypePolicy);
        scopes.last().is_some_and(|shared| shared.kept.iter().any(|id| is_known(shared, id)))
    })
}

/// Gives the objects inside of a kept one ids that no other object has; `origin` is the number of the scope in which
/// it was deserialized.
pub(crate) fn renumber(origin: u64, form: &mut Value) {
    SCOPES.with_borrow_mut(|scopes| {
        let Some(shared) = scopes.last_mut() else { return };
        each_id(form, &mut |id| *id = shared.id_of_kept(origin, *id));
    });
}

fn each_id(value: &mut Value, visit: &mut dyn FnMut(&mut i64)) {
    match value {
        Value::List(items) => items.iter_mut().for_each(|item| each_id(item, visit)),
        Value::Dict(dict) => {
            if let Some(Value::Int(id)) = dict.get_mut("shared_object_id") {
                visit(id);
            }
            dict.values_mut().for_each(|item| each_id(item, visit));
        }
        _ => {}
    }
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
