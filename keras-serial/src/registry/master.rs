//! The registry's contents: Keras's own objects, which are fixed, and custom ones, which can be cleared.

use std::cell::RefCell;
use std::collections::HashMap;
use std::marker::PhantomData;
use std::sync::{Arc, LazyLock, RwLock};

use super::Entry;
use super::entry::Identity;
use super::scope::{self, next_guard, take};
use crate::error::{Error, ErrorKind, Result};
use crate::utils::RwLocked;

/// Keras's own objects.
#[derive(Default)]
pub(super) struct Builtins {
    /// The entries by module, then by class name or alias.
    by_module: HashMap<&'static str, HashMap<&'static str, &'static Entry>>,
    by_identity: HashMap<Identity, Arc<Entry>>,
}

impl Builtins {
    pub(super) fn get(&self, module: &str, name: &str) -> Option<&'static Entry> {
        self.by_module.get(module)?.get(name).copied()
    }

    pub(super) fn by_identity(&self, id: &Identity) -> Option<&Arc<Entry>> {
        self.by_identity.get(id)
    }

    /// Returns every entry once, without its aliases.
    pub(super) fn iter(&self) -> impl Iterator<Item = &'static Entry> {
        let all = self.by_module.values().flatten();
        all.filter(|(name, entry)| **name == entry.name()).map(|(_, entry)| *entry)
    }
}

pub(super) static BUILTINS: LazyLock<Builtins> = LazyLock::new(|| {
    let mut builtins = Builtins::default();
    for entry in inventory::iter::<Entry> {
        let Some(module) = entry.module() else { continue };
        let shared = Arc::new(entry.clone());
        builtins.by_identity.extend(entry.identities().into_iter().map(|id| (id, shared.clone())));
        let names = builtins.by_module.entry(module).or_default();
        names.insert(entry.builtin_name(), entry);
        for alias in entry.aliases() {
            names.insert(alias, entry);
        }
    }
    builtins
});

/// Custom objects: several entries with the same name are kept, and are an error on look-up.
#[derive(Clone, Default)]
pub(super) struct Customs {
    by_name: HashMap<String, Vec<Arc<Entry>>>,
    /// The entries by identity. A class may have several names; the last registered one is written.
    by_identity: HashMap<Identity, Vec<Arc<Entry>>>,
}

impl Customs {
    fn linked() -> Self {
        let mut customs = Self::default();
        let mut entries: Vec<&Entry> = inventory::iter::<Entry>.into_iter().collect();
        entries.retain(|entry| entry.module().is_none());
        // The linker's order must have no effect.
        entries.sort_by_cached_key(|entry| (entry.registered_name(), entry.place()));
        for entry in entries {
            customs.add(Arc::new(entry.clone()));
        }
        customs
    }

    fn add(&mut self, entry: Arc<Entry>) {
        for id in entry.identities() {
            self.by_identity.entry(id).or_default().push(entry.clone());
        }
        for alias in entry.aliases() {
            self.by_name.entry((*alias).to_owned()).or_default().push(entry.clone());
        }
        self.by_name.entry(entry.registered_name()).or_default().push(entry);
    }

    pub(super) fn get(&self, registered_name: &str) -> Result<Option<Arc<Entry>>> {
        match self.by_name.get(registered_name).map(Vec::as_slice) {
            None | Some([]) => Ok(None),
            Some([entry]) => Ok(Some(entry.clone())),
            Some(entries) => {
                let others = self.duplicates(Some(registered_name));
                let others = if others.is_empty() { others } else { format!("; {others}") };
                Err(duplicate(format!("{}{others}", times(registered_name, entries))))
            }
        }
    }

    /// Lists the names that are registered more than once, except one.
    fn duplicates(&self, except: Option<&str>) -> String {
        let several = self.by_name.iter().filter(|(name, entries)| entries.len() > 1 && except != Some(name));
        let mut several: Vec<String> = several.map(|(name, entries)| times(name, entries)).collect();
        several.sort();
        several.join("; ")
    }

    pub(super) fn by_identity(&self, id: &Identity) -> Option<Arc<Entry>> {
        self.by_identity.get(id)?.last().cloned()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Arc<Entry>> {
        // Not by their aliases too.
        self.by_name
            .iter()
            .flat_map(|(name, entries)| entries.iter().filter(move |entry| !entry.aliases().contains(&name.as_str())))
    }
}

/// Formats how often, and where, a name is registered.
fn times(name: &str, entries: &[Arc<Entry>]) -> String {
    let mut places: Vec<String> = entries.iter().map(|entry| entry.place().to_string()).collect();
    places.sort();
    format!("`{name}` is registered {} times: {}", entries.len(), places.join(", "))
}

fn duplicate(message: String) -> Error {
    Error::new(ErrorKind::DuplicateObject, message)
        .hint("give one of them another `name` or `package` in #[register(…)]")
}

static CUSTOMS: LazyLock<RwLock<Customs>> = LazyLock::new(|| RwLock::new(Customs::linked()));

/// The registries of a thread's [`Isolated`] guards, the innermost last, with the guards' ids.
pub(super) type OwnLists = Vec<(u64, Arc<RwLock<Customs>>)>;

thread_local! {
    static OWN: RefCell<OwnLists> = const { RefCell::new(Vec::new()) };
}

pub(super) fn own_lists() -> OwnLists {
    OWN.with_borrow(Clone::clone)
}

pub(super) fn set_own_lists(lists: OwnLists) -> OwnLists {
    OWN.replace(lists)
}

/// Returns this thread's own registry, if it has one.
fn own_list() -> Option<Arc<RwLock<Customs>>> {
    // While a thread ends its registries may be gone, but objects that it drops may still look names up.
    OWN.try_with(|own| own.borrow().last().map(|(_, list)| list.clone())).ok().flatten()
}

pub(super) fn with_customs<T>(read: impl FnOnce(&Customs) -> T) -> T {
    // A panic while the lock is held leaves the registry consistent: every change is one insertion.
    match own_list() {
        Some(own) => read(&own.read_locked()),
        None => read(&CUSTOMS.read_locked()),
    }
}

/// Changes the custom objects. Removed entries must be returned from `change` and dropped afterwards: an
/// object's own `drop` may read the registry, which is locked meanwhile.
fn change_customs<T>(change: impl FnOnce(&mut Customs) -> T) -> T {
    match own_list() {
        Some(own) => change(&mut own.write_locked()),
        None => change(&mut CUSTOMS.write_locked()),
    }
}

/// Checks the registry, including all linked crates, for duplicate names: a good first line of a test.
///
/// ```
/// keras_serial::registry::check()?;
/// # Ok::<(), keras_serial::Error>(())
/// ```
///
/// # Errors
/// [`ErrorKind::DuplicateObject`] with all names that are registered more than once, and their places.
pub fn check() -> Result<()> {
    let duplicates = with_customs(|customs| customs.duplicates(None));
    if duplicates.is_empty() { Ok(()) } else { Err(duplicate(duplicates)) }
}

/// Registers an entry at run time.
///
/// # Errors
/// [`ErrorKind::DuplicateObject`] when the name is taken; the registry is unchanged then.
pub fn register(entry: Entry) -> Result<()> {
    let entry = Arc::new(entry);
    change_customs(|customs| {
        let names = entry.aliases().iter().map(|alias| (*alias).to_owned()).chain([entry.registered_name()]);
        let taken = names.map(|name| (customs.by_name.get(&name).and_then(|entries| entries.first()), name));
        if let Some((Some(taken), name)) = taken.into_iter().find(|(taken, _)| taken.is_some()) {
            return Err(Error::new(
                ErrorKind::DuplicateObject,
                format!("`{name}` is registered at {} already; second place: {}", taken.place(), entry.place()),
            )
            .hint("unregister it first, or use another name"));
        }
        customs.add(entry.clone());
        Ok(())
    })
}

/// Removes a custom object from the registry; returns whether it existed.
pub fn unregister(registered_name: &str) -> bool {
    let removed = change_customs(|customs| {
        let removed = customs.by_name.remove(registered_name).unwrap_or_default();
        for alias in removed.iter().flat_map(|entry| entry.aliases()) {
            if let Some(entries) = customs.by_name.get_mut(*alias) {
                entries.retain(|known| !removed.iter().any(|gone| Arc::ptr_eq(known, gone)));
            }
        }
        customs.by_name.retain(|_, entries| !entries.is_empty());
        for (entry, id) in removed.iter().flat_map(|entry| entry.identities().into_iter().map(move |id| (entry, id))) {
            if let Some(same) = customs.by_identity.get_mut(&id) {
                same.retain(|known| !Arc::ptr_eq(known, entry));
                if same.is_empty() {
                    customs.by_identity.remove(&id);
                }
            }
        }
        removed
    });
    !removed.is_empty()
}

/// Removes all custom objects from the registry (`keras.saving.get_custom_objects().clear()`); Keras's
/// own objects stay.
pub fn clear_custom_objects() {
    let cleared = change_customs(std::mem::take);
    drop(cleared);
}

/// Returns every registered object, including Keras's own, sorted by module and registered name.
///
/// An [`Entry`] has the object's kinds and its place in the sources.
pub fn entries() -> Vec<Arc<Entry>> {
    let mut all = get_custom_objects();
    all.extend(BUILTINS.iter().map(|entry| Arc::new(entry.clone())));
    // Custom objects have no module and come first.
    all.sort_by_key(|entry| (entry.module(), entry.registered_name()));
    all
}

/// Returns the custom objects in the registry, sorted by registered name
/// (`keras.saving.get_custom_objects`); not those of scopes.
pub fn get_custom_objects() -> Vec<Arc<Entry>> {
    let mut all: Vec<Arc<Entry>> = with_customs(|customs| customs.iter().cloned().collect());
    all.sort_by_key(|entry| (entry.registered_name(), entry.place()));
    all
}

/// A guard with which this thread has its own registry, until it is dropped; see [`isolate`].
#[must_use = "isolation ends when the guard is dropped"]
#[derive(Debug)]
pub struct Isolated {
    id: u64,
    /// Not `Send`: the registry belongs to the thread that created it.
    _thread: PhantomData<*const ()>,
}

/// Gives this thread its own copy of the registry until the guard is dropped, so that tests which
/// register or clear objects can run in parallel. Guards may be dropped in any order; the innermost
/// remaining one is used. Threads that the library starts use the same copy.
///
/// ```
/// use keras_serial::registry;
/// {
///     let _own = registry::isolate();
///     registry::clear_custom_objects(); // other threads see nothing of it
/// }
/// ```
pub fn isolate() -> Isolated {
    let copy = with_customs(Clone::clone);
    let id = next_guard();
    OWN.with_borrow_mut(|own| own.push((id, Arc::new(RwLock::new(copy)))));
    Isolated { id, _thread: PhantomData }
}

impl Drop for Isolated {
    fn drop(&mut self) {
        // While a thread ends, its registries may be gone already.
        let ended = OWN.try_with(|own| take(&mut own.borrow_mut(), self.id));
        scope::forget_suspended(self.id);
        drop(ended);
    }
}
