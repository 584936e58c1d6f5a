//! Temporary custom objects: scopes, and the `custom_objects` argument of loading calls.

use std::cell::RefCell;
use std::collections::HashMap;
use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::master::{self, OwnLists};
use super::{Entry, Registrable};
use crate::error::Result;

/// Custom objects by name, for a scope or for one loading call.
///
/// A name is a class's or function's own (`MyDense`) or a registered one (`MyLayers>KernelMult`).
#[derive(Debug, Clone, Default)]
pub struct CustomObjects {
    by_name: HashMap<String, Arc<Entry>>,
}

impl CustomObjects {
    /// Creates an empty collection.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a class that derives [`KerasSerializable`](derive@crate::KerasSerializable), under its own name.
    #[must_use]
    pub fn with<T: Registrable>(self) -> Self {
        let entry = T::ENTRY;
        self.with_entry(entry.class_name(), entry)
    }

    /// Adds a class under another name, such as `package>name`.
    #[must_use]
    pub fn with_named<T: Registrable>(self, name: impl Into<String>) -> Self {
        self.with_entry(name, T::ENTRY)
    }

    /// Adds an entry under a name.
    #[must_use]
    pub fn with_entry(mut self, name: impl Into<String>, entry: Entry) -> Self {
        self.by_name.insert(name.into(), Arc::new(entry));
        self
    }

    /// Looks a name up as a loading call with these `custom_objects` does: first in scopes, then in the
    /// registry, then in these.
    ///
    /// # Errors
    /// As [`get_registered_object`](super::get_registered_object).
    pub fn get_registered_object(&self, name: &str) -> Result<Arc<Entry>> {
        let _argument = with_argument(self);
        super::get_registered_object(name)
    }

    /// Returns true if there are no objects.
    pub fn is_empty(&self) -> bool {
        self.by_name.is_empty()
    }

    pub(super) fn get(&self, name: &str) -> Option<&Arc<Entry>> {
        self.by_name.get(name)
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.by_name.keys().map(String::as_str)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &Arc<Entry>)> {
        self.by_name.iter().map(|(name, entry)| (name.as_str(), entry))
    }
}

/// Makes custom objects known to this thread temporarily (`keras.saving.custom_object_scope`).
///
/// ```
/// use keras_serial::registry::{CustomObjectScope, CustomObjects};
/// let guard = CustomObjectScope::new(CustomObjects::new()).enter();
/// // … load models …
/// drop(guard);
/// ```
#[derive(Debug, Clone, Default)]
pub struct CustomObjectScope {
    objects: CustomObjects,
}

impl CustomObjectScope {
    /// Creates a scope with these objects.
    pub fn new(objects: CustomObjects) -> Self {
        Self { objects }
    }

    /// Enters the scope on this thread; it ends when the guard is dropped. Guards may be dropped in any
    /// order.
    pub fn enter(self) -> CustomObjectGuard {
        push(Layered { objects: Arc::new(self.objects), argument: false })
    }
}

/// A guard that ends its scope when it is dropped.
#[must_use = "the scope ends when the guard is dropped"]
#[derive(Debug)]
pub struct CustomObjectGuard {
    id: u64,
    /// Not `Send`: a scope belongs to the thread that entered it.
    _thread: PhantomData<*const ()>,
}

impl Drop for CustomObjectGuard {
    fn drop(&mut self) {
        // While a thread ends, its list may be gone already, and the scope with it. The objects are
        // dropped after the list is unlocked, because their own `drop` may look something up.
        let ended = FRAMES.try_with(|frames| take(&mut frames.borrow_mut(), self.id));
        forget_suspended(self.id);
        drop(ended);
    }
}

#[derive(Clone)]
pub(super) struct Layered {
    pub(super) objects: Arc<CustomObjects>,
    /// Whether the objects are an argument of a call, not a scope.
    pub(super) argument: bool,
}

/// Scopes with the ids of their guards, the innermost last.
type Frames = Vec<(u64, Layered)>;

thread_local! {
    static FRAMES: RefCell<Frames> = const { RefCell::new(Vec::new()) };
    /// What is in force outside of each running [`Carried::run`].
    static SUSPENDED: RefCell<Vec<(Frames, OwnLists)>> = const { RefCell::new(Vec::new()) };
}

/// Returns an id that is unique in the program, because scopes are carried into other threads.
pub(super) fn next_guard() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// Removes a guard's item from a list.
pub(super) fn take<T>(list: &mut Vec<(u64, T)>, guard: u64) -> Option<T> {
    let position = list.iter().position(|(id, _)| *id == guard)?;
    Some(list.remove(position).1)
}

/// Ends a scope, or the thread's own registry, even if [`Carried::run`] suspends it.
pub(super) fn forget_suspended(guard: u64) {
    let ended = SUSPENDED.try_with(|suspended| {
        let mut suspended = suspended.borrow_mut();
        let all = suspended.iter_mut().map(|(frames, lists)| (take(frames, guard), take(lists, guard)));
        all.collect::<Vec<_>>()
    });
    drop(ended);
}

fn push(layered: Layered) -> CustomObjectGuard {
    let id = next_guard();
    FRAMES.with_borrow_mut(|frames| frames.push((id, layered)));
    CustomObjectGuard { id, _thread: PhantomData }
}

/// Makes the `custom_objects` argument of a call known while the guard lives.
pub(crate) fn with_argument(objects: &CustomObjects) -> CustomObjectGuard {
    push(Layered { objects: Arc::new(objects.clone()), argument: true })
}

/// Searches scopes (or arguments), the innermost first.
pub(super) fn find<T>(argument: bool, find: impl Fn(&CustomObjects) -> Option<T>) -> Option<T> {
    let look = |frames: &RefCell<Frames>| {
        let frames = frames.borrow();
        let mut frames = frames.iter().rev().filter(|(_, frame)| frame.argument == argument);
        frames.find_map(|(_, frame)| find(&frame.objects))
    };
    // While a thread ends its scopes may be gone, but objects that it drops may still look names up.
    FRAMES.try_with(look).ok().flatten()
}

/// Visits all scopes (or arguments), the innermost first.
pub(super) fn each(argument: bool, mut see: impl FnMut(&CustomObjects)) {
    let _ = FRAMES.try_with(|frames| {
        let frames = frames.borrow();
        frames.iter().rev().filter(|(_, frame)| frame.argument == argument).for_each(|(_, frame)| see(&frame.objects));
    });
}

/// The scopes and own registry of a thread, to be used in a worker thread.
#[derive(Clone)]
pub struct Carried {
    frames: Frames,
    lists: OwnLists,
}

impl Carried {
    /// Captures what is in force on this thread.
    pub fn capture() -> Self {
        Self { frames: FRAMES.with_borrow(Clone::clone), lists: master::own_lists() }
    }

    /// Runs `work` on the calling thread with the captured scopes and registry in force.
    pub fn run<T>(&self, work: impl FnOnce() -> T) -> T {
        struct Restore;
        impl Drop for Restore {
            fn drop(&mut self) {
                let outside = SUSPENDED.with_borrow_mut(Vec::pop);
                if let Some((frames, lists)) = outside {
                    let ended = (FRAMES.replace(frames), master::set_own_lists(lists));
                    drop(ended);
                }
            }
        }
        let outside = (FRAMES.replace(self.frames.clone()), master::set_own_lists(self.lists.clone()));
        SUSPENDED.with_borrow_mut(|suspended| suspended.push(outside));
        let _restore = Restore;
        work()
    }
}

#[cfg(test)]
mod tests {
    use std::any::TypeId;

    use super::*;
    use crate::registry::Place;

    fn entry(name: &'static str) -> Entry {
        fn handle() -> crate::object::Object {
            unreachable!("never made")
        }
        Entry::function(name, TypeId::of::<u8>, handle, Place { file: file!(), line: line!() })
    }

    fn known(name: &str) -> bool {
        find(false, |objects| objects.get(name).cloned()).is_some()
    }

    #[test]
    fn guards_may_be_dropped_in_any_order() {
        let outer = CustomObjectScope::new(CustomObjects::new().with_entry("outer", entry("outer"))).enter();
        let inner = CustomObjectScope::new(CustomObjects::new().with_entry("inner", entry("inner"))).enter();
        assert!(known("outer") && known("inner"));
        drop(outer);
        assert!(!known("outer") && known("inner"));
        drop(inner);
        assert!(!known("inner"));
    }

    #[test]
    fn a_panic_ends_the_scope() {
        let result = std::panic::catch_unwind(|| {
            let _guard = CustomObjectScope::new(CustomObjects::new().with_entry("x", entry("x"))).enter();
            panic!("on purpose");
        });
        assert!(result.is_err() && !known("x"));
    }

    #[test]
    fn worker_threads_get_the_scopes() {
        let _guard = CustomObjectScope::new(CustomObjects::new().with_entry("x", entry("x"))).enter();
        let carried = Carried::capture();
        let seen = std::thread::spawn(move || (known("x"), carried.run(|| known("x")), known("x")));
        assert_eq!(seen.join().unwrap(), (false, true, false));
    }
}
