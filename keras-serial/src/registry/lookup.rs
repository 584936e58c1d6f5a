//! Looks up the registry entry for a name.

use std::any::{Any, TypeId};
use std::sync::Arc;

use super::Entry;
use super::entry::Identity;
use super::master::{BUILTINS, with_customs};
use super::scope;
use crate::config::KerasSerializable;
use crate::error::{Error, ErrorKind, Result, did_you_mean};

/// Looks up a custom object by its registered name: first in scopes, then in the registry.
///
/// # Errors
/// [`ErrorKind::UnknownObject`] with similar names; [`ErrorKind::DuplicateObject`] with both places.
pub fn get_registered_object(name: &str) -> Result<Arc<Entry>> {
    custom(name, true)?.ok_or_else(|| unknown(name, name))
}

/// Returns all entries with this class or function name, whatever their registered names: those of
/// scopes (innermost first), of the registry, and Keras's own.
///
/// ```
/// let dense = keras_serial::registry::find_by_class_name("Dense");
/// assert_eq!(dense[0].module(), Some("keras.layers"));
/// ```
pub fn find_by_class_name(class_name: &str) -> Vec<Arc<Entry>> {
    // A function created at run time has no name in its type.
    let named = |entry: &Entry| entry.class_name() == class_name || (entry.is_function() && entry.name() == class_name);
    let mut found = Vec::new();
    for argument in [false, true] {
        scope::each(argument, |objects| {
            let mut here: Vec<_> = objects.iter().filter(|(_, entry)| named(entry)).collect();
            here.sort_by_key(|(name, _)| *name);
            found.extend(here.into_iter().map(|(_, entry)| entry.clone()));
        });
    }
    found.extend(super::get_custom_objects().into_iter().filter(|entry| named(entry)));
    let own = BUILTINS.iter().filter(|entry| named(entry));
    found.extend(own.map(|entry| Arc::new(entry.clone())));
    found
}

/// Returns the registered name of a type; its own name if it is not registered
/// (`keras.saving.get_registered_name`).
pub fn get_registered_name<T: KerasSerializable>() -> String {
    by_type(TypeId::of::<T>()).map_or_else(|| T::class_name().to_owned(), |entry| entry.registered_name())
}

/// Returns the registered name of an object's type; its own name if it is not registered.
pub fn registered_name_of(object: &dyn KerasSerializable) -> String {
    let entry = by_type((object as &dyn Any).type_id());
    entry.map_or_else(|| object.class().to_owned(), |entry| entry.registered_name())
}

/// Returns true if any of Keras's own objects is linked.
#[cfg(feature = "files")]
pub(super) fn has_builtins() -> bool {
    BUILTINS.iter().next().is_some()
}

/// Looks up one of Keras's own objects by its public module and name or alias.
pub(super) fn builtin(module: &str, name: &str) -> Option<&'static Entry> {
    BUILTINS.get(module, name)
}

/// Looks up an entry by an object's identity: Keras's own, or a custom one.
pub(crate) fn by_identity(id: Identity) -> Option<Arc<Entry>> {
    BUILTINS.by_identity(&id).cloned().or_else(|| with_customs(|customs| customs.by_identity(&id)))
}

/// Looks up the entry of a class: Keras's own, or a custom one.
pub(super) fn by_type(id: TypeId) -> Option<Arc<Entry>> {
    by_identity(Identity::Type(id))
}

/// Looks up a custom object by exact name, in Keras's order for the top level of a call or for nested
/// objects.
pub(super) fn custom(name: &str, top: bool) -> Result<Option<Arc<Entry>>> {
    let scoped = || scope::find(false, |objects| objects.get(name).cloned());
    let listed = || with_customs(|customs| customs.get(name));
    let given = || scope::find(true, |objects| objects.get(name).cloned());
    let first = if top {
        match scoped() {
            Some(entry) => Some(entry),
            None => listed()?,
        }
    } else {
        match listed()? {
            Some(entry) => Some(entry),
            None => scoped(),
        }
    };
    Ok(first.or_else(given))
}

/// Looks up a custom function for a bare string, as old files write functions: the registry always comes
/// before scopes.
pub(super) fn custom_string(name: &str) -> Result<Option<Arc<Entry>>> {
    Ok(custom(name, false)?.filter(|entry| entry.is_function()))
}

/// Looks up a custom object by its short names, in scopes and arguments only: users write
/// `custom_objects = {"MyDense": …}` for a file that contains `MyLayers>KernelMult`.
pub(super) fn custom_by_short_name(registered_name: &str, class_name: &str) -> Option<Arc<Entry>> {
    let short = registered_name.rsplit('>').next().unwrap_or(registered_name);
    let find = |objects: &super::CustomObjects| objects.get(short).or_else(|| objects.get(class_name)).cloned();
    scope::find(true, find).or_else(|| scope::find(false, find))
}

/// Looks up a custom function by its name without the package, as old files (Keras up to 3.6) write it.
///
/// # Errors
/// [`ErrorKind::DuplicateObject`] when several packages have a function with this name.
pub(super) fn custom_by_suffix(name: &str) -> Result<Option<Arc<Entry>>> {
    let listed = with_customs(|customs| {
        let matching = customs.iter().filter(|entry| entry.is_function() && entry.name() == name);
        matching.map(|entry| (entry.registered_name(), entry.clone())).collect::<Vec<_>>()
    });
    if let Some(entry) = only_one(name, listed)? {
        return Ok(Some(entry));
    }
    let scoped = |objects: &super::CustomObjects| {
        let matching = objects.iter().filter(|(known, entry)| {
            entry.is_function() && known.rsplit_once('>').is_some_and(|(_, short)| short == name)
        });
        let matching: Vec<_> = matching.map(|(known, entry)| (known.to_owned(), entry.clone())).collect();
        (!matching.is_empty()).then_some(matching)
    };
    let found = scope::find(false, scoped).or_else(|| scope::find(true, scoped));
    only_one(name, found.unwrap_or_default())
}

/// Returns the only entry for a short name; an error that lists all if there are several.
fn only_one(name: &str, mut matching: Vec<(String, Arc<Entry>)>) -> Result<Option<Arc<Entry>>> {
    matching.sort_by_cached_key(|(known, entry)| (known.clone(), entry.place()));
    if matching.len() < 2 {
        return Ok(matching.pop().map(|(_, entry)| entry));
    }
    let places: Vec<String> = matching.iter().map(|(known, entry)| format!("`{known}` at {}", entry.place())).collect();
    Err(Error::new(ErrorKind::DuplicateObject, format!("several functions have the short name `{name}`"))
        .expected("one of them, by its registered name")
        .received(places.join(", "))
        .hint("the file names no package: pass the function that is meant as `custom_objects` under the short name"))
}

/// Looks up one of Keras's own classes in the public module for the one that a file names.
///
/// Files also name private modules: `keras.src.layers.core.dense`, `keras.src.models.functional`.
pub(super) fn builtin_in(module: &str, name: &str) -> Option<&'static Entry> {
    if let Some(entry) = BUILTINS.get(module, name) {
        return Some(entry);
    }
    let module = module.strip_prefix("tf_").unwrap_or(module);
    let path = module.strip_prefix("tensorflow.").unwrap_or(module);
    let mut parts = path.strip_prefix("keras")?.trim_start_matches('.').split('.');
    let first = parts.next().unwrap_or_default();
    let room = if first == "src" { parts.next().unwrap_or_default() } else { first };
    let candidates: &[&str] = match room {
        "models" | "engine" | "" => &["keras", "keras.src.models.functional", "keras.layers"],
        "layers" => &["keras.layers", "keras.utils"],
        "initializers" => &["keras.initializers"],
        "regularizers" => &["keras.regularizers"],
        "constraints" => &["keras.constraints"],
        "losses" => &["keras.losses", "keras.src.losses.losses"],
        "metrics" => &["keras.metrics", METRIC_FUNCTIONS],
        "activations" => &["keras.activations"],
        "optimizers" => &["keras.optimizers", "keras.optimizers.schedules"],
        "dtype_policies" => &["keras", "keras.dtype_policies"],
        "quantizers" => &["keras.quantizers"],
        // Where Keras 2 has feature spaces and what belongs to them.
        "utils" => &["keras.utils", "keras.src.layers.preprocessing.feature_space"],
        _ => &[],
    };
    candidates.iter().find_map(|module| BUILTINS.get(module, name))
}

/// Looks up one of Keras's own objects by name alone.
pub(super) fn builtin_by_name(name: &str) -> Option<&'static Entry> {
    BUILTINS.iter().find(|entry| entry.class_name() == name || entry.aliases().contains(&name))
}

/// Looks up one of Keras's own functions by name alone, for files with module `builtins`.
pub(super) fn builtin_function(name: &str) -> Option<&'static Entry> {
    let modules = ["keras.activations", "keras.losses", METRIC_FUNCTIONS];
    modules.iter().find_map(|module| BUILTINS.get(module, name)).filter(|entry| entry.is_function())
}

/// The module of metrics that are functions: their names are also names of classes.
const METRIC_FUNCTIONS: &str = "keras.src.metrics";

/// Returns the error for one of Keras's own classes that this crate does not support.
pub(super) fn unsupported(module: &str, class_name: &str) -> Error {
    let error = Error::new(ErrorKind::Unsupported, format!("`{module}.{class_name}` is not supported"));
    match did_you_mean(class_name, BUILTINS.iter().map(Entry::builtin_name)) {
        Some(near) => error.hint(near),
        None => error.hint("a struct of this name, given as a custom object under it, can take its place"),
    }
}

/// The name of all Python lambdas.
pub(super) const LAMBDA: &str = "<lambda>";

/// Returns the error for a Python lambda without a replacement.
pub(super) fn lambda_refused() -> Error {
    let message = "Requested the deserialization of a Python lambda. This carries a potential risk of arbitrary code \
                   execution and thus it is disallowed";
    Error::new(ErrorKind::CodeRefused, message).hint(
        "a file's code is never run; write the computation as a function in Rust, and map it with \
         `custom_objects(CustomObjects::new().with_fn(\"<lambda>\", my_function))`, or each lambda of several with \
         `LoadOptions::replace_lambda(\"my_layer/activation\", \"my_package>my_function\")`",
    )
}

/// Returns the error for an unknown name.
pub(super) fn unknown(registered_name: &str, class_name: &str) -> Error {
    if registered_name == LAMBDA {
        return lambda_refused();
    }
    let mut known: Vec<String> = with_customs(|customs| customs.iter().map(|e| e.registered_name()).collect());
    known.extend(BUILTINS.iter().map(|entry| entry.name().to_owned()));
    for argument in [false, true] {
        scope::each(argument, |objects| {
            known.extend(objects.names().map(str::to_owned));
        });
    }
    // Sorted, so that the suggested name does not depend on the order of storage.
    known.sort();
    known.dedup();
    let short = registered_name.rsplit('>').next().unwrap_or(registered_name);
    let same_name = known.iter().find(|name| name.rsplit('>').next() == Some(short) && *name != registered_name);
    let near = match same_name {
        Some(name) => Some(format!("did you mean `{name}`?")),
        None => did_you_mean(registered_name, known.iter().map(String::as_str)),
    };
    let register = match registered_name.split_once('>') {
        Some((package, name)) => format!("#[register(package = \"{package}\", name = \"{name}\")]"),
        None => "#[register]".to_owned(),
    };
    let ways = format!(
        "register it with {register} in a crate that is linked, or pass it as `custom_objects`, or enter a CustomObjectScope that holds it"
    );
    let hint = near.map_or_else(|| ways.clone(), |near| format!("{near} Otherwise {ways}"));
    let also = if class_name == short || class_name == registered_name {
        String::new()
    } else {
        format!(" (class `{class_name}`)")
    };
    Error::new(ErrorKind::UnknownObject, format!("unknown object `{registered_name}`{also}")).hint(hint)
}

/// Checks that a registered name, if it exists, refers to one object only.
///
/// # Errors
/// [`ErrorKind::DuplicateObject`] with both places: what is saved with this name could not be loaded.
#[cfg(feature = "files")]
pub(crate) fn check_unique(name: &str) -> Result<()> {
    with_customs(|customs| customs.get(name)).map(drop)
}
