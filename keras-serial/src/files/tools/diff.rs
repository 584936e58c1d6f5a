//! Compares two model files: configuration, weights and assets.

use std::collections::HashSet;
use std::fmt;

use serde::Serialize;

use super::renamed_weights::renamed_paths;
use super::values::largest_difference;
use crate::array::TensorBytes;
use crate::error::{Result, ResultExt};
use crate::files::{ModelFile, StoredTensor, WeightTree};
use crate::json::{self, Patch, Value};

/// The differences between two files; prints as lines, serializes as JSON.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Difference {
    /// Entries of the configuration that differ.
    pub config: Vec<ConfigChange>,
    /// Weights that differ.
    pub weights: Vec<WeightChange>,
    /// The same differences of the configuration, as a patch of the first file's.
    #[serde(skip)]
    pub patch: Patch,
    /// Assets whose bytes differ, or that only one file has.
    pub assets: Vec<String>,
}

/// An entry of the configuration that differs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ConfigChange {
    /// The entry's path: `config/layers[dense]/config/units`; of a renamed layer that in the first file, of what else
    /// differs in it that in the second one.
    pub path: String,
    /// How it differs.
    pub change: EntryChange,
    /// The first file's value, shortened; `None` if it has none. Of a renamed layer, its name.
    pub before: Option<String>,
    /// The second file's value.
    pub after: Option<String>,
}

/// How an entry of the configuration differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum EntryChange {
    /// Only the second file has it.
    Added,
    /// Only the first file has it.
    Removed,
    /// It has another value.
    Changed,
    /// A layer has another name, as have the places that refer to it.
    Renamed,
    /// The items of a list stand in another order.
    Moved,
}

impl ConfigChange {
    fn of(change: &json::Change) -> Self {
        let path = change.path();
        let (kind, path, before, after) = match change {
            json::Change::Added { value, .. } => (EntryChange::Added, path.clone(), None, Some(value.short())),
            json::Change::Removed { value, .. } => (EntryChange::Removed, path.clone(), Some(value.short()), None),
            json::Change::Changed { from, to, .. } => {
                (EntryChange::Changed, path.clone(), Some(from.short()), Some(to.short()))
            }
            json::Change::Renamed { from, to, .. } => {
                (EntryChange::Renamed, path.named(from), Some(from.clone()), Some(to.clone()))
            }
            json::Change::Moved { from, to, .. } => {
                (EntryChange::Moved, path.clone(), Some(from.join(", ")), Some(to.join(", ")))
            }
        };
        Self { path: path.to_string(), change: kind, before, after }
    }
}

/// A weight that differs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WeightChange {
    /// The weight's path in the files; in the second one, if its layer or the optimizer is renamed there.
    pub path: String,
    /// How it differs.
    pub change: Change,
}

/// How a weight differs.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Change {
    /// Only the second file has it.
    Added,
    /// Only the first file has it.
    Removed,
    /// Shape or dtype differ.
    Type {
        /// The first file's type: `float32[2, 3]`.
        before: String,
        /// The second file's type.
        after: String,
    },
    /// Values differ by more than the tolerance.
    Values {
        /// The largest absolute difference of two elements; NaN if one of them is NaN.
        max_abs: f64,
    },
}

/// Compares two files that name weights in the same way. A layer that has another name in the second file, and is the
/// same but for that, is one change, and its weights are compared with those of the other name. Values may differ by
/// `atol + rtol · |second|`;
/// if both are 0, they are compared bit for bit.
///
/// # Errors
/// When a weight can't be read.
pub fn diff(first: &ModelFile, second: &ModelFile, atol: f64, rtol: f64) -> Result<Difference> {
    diff_named([first, second], ["the first file", "the second file"], [atol, rtol])
}

/// Compares two files like [`diff`]; errors have their names.
pub(crate) fn diff_named(files: [&ModelFile; 2], names: [&str; 2], tolerances: [f64; 2]) -> Result<Difference> {
    let [first, second] = files;
    let mut difference = Difference::default();
    let none = Value::Null;
    // The ids of shared objects differ between any two saves.
    let patch = Patch::between_without(
        first.config().unwrap_or(&none),
        second.config().unwrap_or(&none),
        &["shared_object_id"],
    );
    difference.config = patch.changes().iter().map(ConfigChange::of).collect();
    let empty = WeightTree::default();
    let (left, right) = (first.weights().unwrap_or(&empty), second.weights().unwrap_or(&empty));
    let mut renamed = renamed_paths(&patch, first.layout, left, right);
    let compared: HashSet<String> = renamed.values().cloned().collect();
    difference.patch = patch;
    for before in left.paths() {
        let path = renamed.remove(&before).unwrap_or_else(|| before.clone());
        let change = match (left.tensor(&before), right.tensor(&path)) {
            (Some(a), Some(b)) => {
                let read =
                    |tensor: &StoredTensor, path: &str, name: &str| tensor.read_at(path).at_with(|| name.to_owned());
                let [atol, rtol] = tolerances;
                let [name, other] = names;
                change(&read(a, &before, name)?, &read(b, &path, other)?, atol, rtol).at_with(|| path.clone())?
            }
            _ => Some(Change::Removed),
        };
        difference.weights.extend(change.map(|change| WeightChange { path, change }));
    }
    let is_added = |path: &String| left.tensor(path).is_none() && !compared.contains(path);
    let added = right.paths().into_iter().filter(is_added);
    difference.weights.extend(added.map(|path| WeightChange { path, change: Change::Added }));
    for (name, bytes) in first.assets() {
        if second.assets().find(|(other, _)| *other == name).is_none_or(|(_, other)| other != bytes) {
            difference.assets.push(name.to_owned());
        }
    }
    let only = second.assets().filter(|(name, _)| first.assets().all(|(other, _)| other != *name));
    difference.assets.extend(only.map(|(name, _)| name.to_owned()));
    Ok(difference)
}

fn change(a: &TensorBytes, b: &TensorBytes, atol: f64, rtol: f64) -> Result<Option<Change>> {
    if a == b {
        return Ok(None);
    }
    if (a.dtype, &a.shape) != (b.dtype, &b.shape) {
        let text = |tensor: &TensorBytes| format!("{}{:?}", tensor.dtype, tensor.shape);
        return Ok(Some(Change::Type { before: text(a), after: text(b) }));
    }
    let difference = largest_difference(a, b, atol, rtol)?;
    Ok(difference.map(|max_abs| Change::Values { max_abs }))
}

impl Difference {
    /// Returns true if the files don't differ.
    pub fn is_empty(&self) -> bool {
        self.config.is_empty() && self.weights.is_empty() && self.assets.is_empty()
    }

    /// Returns the differences as JSON.
    ///
    /// # Errors
    /// Never, for what [`diff`] returns.
    pub fn to_json(&self) -> Result<String> {
        Ok(crate::json::to_value(self)?.to_json())
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.config.iter().try_for_each(|change| writeln!(f, "{change}"))?;
        self.weights.iter().try_for_each(|change| writeln!(f, "{change}"))?;
        self.assets.iter().try_for_each(|name| writeln!(f, "asset {name}: differs"))
    }
}

impl fmt::Display for ConfigChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |side: &Option<String>| side.clone().unwrap_or_else(|| "nothing".into());
        if self.change == EntryChange::Renamed {
            return write!(f, "config {}: renamed to {}", self.path, text(&self.after));
        }
        write!(f, "config {}: {} -> {}", self.path, text(&self.before), text(&self.after))
    }
}

impl fmt::Display for WeightChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.change {
            Change::Added => write!(f, "weight {}: added", self.path),
            Change::Removed => write!(f, "weight {}: removed", self.path),
            Change::Type { before, after } => write!(f, "weight {}: {before} -> {after}", self.path),
            Change::Values { max_abs } => write!(f, "weight {}: values differ by up to {max_abs}", self.path),
        }
    }
}
