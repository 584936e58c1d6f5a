//! Looks up entries by whatever name a reader knows.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::lookup;
use super::{Entry, entries};
use crate::error::{Error, ErrorKind, Result, did_you_mean};

/// Looks up an entry by any of its names: its registered name (`MyLayers>KernelMult`), its name with Keras's
/// module (`keras.layers.Dense`), or a class name, alias or function name that only one object has (`Dense`).
///
/// ```
/// use keras_serial::registry::entry_named;
/// assert_eq!(entry_named("Dense")?.full_name(), "keras.layers.Dense");
/// assert_eq!(entry_named("glorot_uniform")?.full_name(), "keras.initializers.GlorotUniform");
/// # Ok::<(), keras_serial::Error>(())
/// ```
///
/// # Errors
/// [`ErrorKind::UnknownObject`] with near names, or with all objects that have the name.
pub fn entry_named(name: &str) -> Result<Arc<Entry>> {
    if let Some(entry) = lookup::custom(name, true)? {
        return Ok(entry);
    }
    let own = name.rsplit_once('.').and_then(|(module, name)| lookup::builtin_in(module, name));
    if let Some(entry) = own {
        return Ok(Arc::new(entry.clone()));
    }
    let all = entries();
    let is_named =
        |entry: &Entry| entry.name() == name || entry.class_name() == name || entry.aliases().contains(&name);
    // The same object can be an entry of several modules (`keras.losses.mse`, `keras.metrics.mse`).
    let found: BTreeMap<String, &Arc<Entry>> =
        all.iter().filter(|entry| is_named(entry)).map(|entry| (entry.full_name(), entry)).collect();
    let mut found = found.into_iter();
    match (found.next(), found.next()) {
        (Some((_, entry)), None) => Ok(entry.clone()),
        (Some((first, _)), Some((second, _))) => {
            let names: Vec<String> = [first, second].into_iter().chain(found.map(|(name, _)| name)).collect();
            Err(Error::new(ErrorKind::UnknownObject, format!("several objects are called `{name}`"))
                .expected(format!("one of {}", listed(&names)))
                .hint("give the name with its module or package"))
        }
        (None, _) => Err(unknown(name, &all)),
    }
}

fn unknown(name: &str, all: &[Arc<Entry>]) -> Error {
    let mut known: Vec<String> = all.iter().map(|entry| entry.full_name()).collect();
    // A name without module or package is compared with the others' short names.
    if !name.contains(['.', '>']) {
        known.extend(all.iter().map(|entry| entry.name().to_owned()));
    }
    known.sort();
    known.dedup();
    let error = Error::new(ErrorKind::UnknownObject, format!("no registered object is called `{name}`"));
    match did_you_mean(name, known.iter().map(String::as_str)) {
        Some(hint) => error.hint(hint),
        None => error.hint("`registry::search` finds objects by a part of their names and documentation"),
    }
}

fn listed(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// Finds the entries whose name, alias or documentation contains every word of the pattern, in any case; those whose
/// names contain them come first.
///
/// ```
/// let found = keras_serial::registry::search("conv transpose");
/// assert_eq!(found[0].full_name(), "keras.layers.Conv1DTranspose");
/// ```
pub fn search(pattern: &str) -> Vec<Arc<Entry>> {
    let words: Vec<String> = pattern.split_whitespace().map(str::to_lowercase).collect();
    let is_in = |text: &str| words.iter().all(|word| text.contains(word));
    let rank = |entry: &Entry| {
        let names = [&[entry.full_name().as_str(), entry.class_name()], entry.aliases()].concat().join(" ");
        let names = names.to_lowercase();
        if is_in(&names) { Some(0) } else { is_in(&format!("{names} {}", entry.doc().to_lowercase())).then_some(1) }
    };
    let mut found: Vec<(u8, Arc<Entry>)> =
        entries().into_iter().filter_map(|entry| Some((rank(&entry)?, entry))).collect();
    found.sort_by_key(|(rank, entry)| (*rank, entry.full_name()));
    found.dedup_by(|(_, a), (_, b)| a.full_name() == b.full_name());
    found.into_iter().map(|(_, entry)| entry).collect()
}
