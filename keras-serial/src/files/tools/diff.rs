//! Compares two model files: configuration, weights and assets.

use std::fmt;

use serde::Serialize;

use super::values::largest_difference;
use crate::array::TensorBytes;
use crate::error::{Error, Result, ResultExt};
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
    /// The entry's path: `config/layers[dense]/config/units`.
    pub path: String,
    /// The first file's value, shortened; `None` if it has none.
    pub before: Option<String>,
    /// The second file's value.
    pub after: Option<String>,
}

impl ConfigChange {
    fn of(change: &json::Change) -> Self {
        let (before, after) = match change {
            json::Change::Added { value, .. } => (None, Some(value.short())),
            json::Change::Removed { value, .. } => (Some(value.short()), None),
            json::Change::Changed { from, to, .. } => (Some(from.short()), Some(to.short())),
            json::Change::Moved { from, to, .. } => (Some(from.join(", ")), Some(to.join(", "))),
        };
        Self { path: change.path().to_string(), before, after }
    }
}

/// A weight that differs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WeightChange {
    /// The weight's path in the files.
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

/// Compares two files that name weights in the same way. Values may differ by `atol + rtol · |second|`;
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
    difference.patch = patch;
    let empty = WeightTree::default();
    let (left, right) = (first.weights().unwrap_or(&empty), second.weights().unwrap_or(&empty));
    for path in left.paths() {
        let change = match (left.tensor(&path), right.tensor(&path)) {
            (Some(a), Some(b)) => {
                let read =
                    |tensor: &StoredTensor, name: &str| tensor.read().map_err(|error| placed(error, &path, name));
                let [atol, rtol] = tolerances;
                let [name, other] = names;
                change(&read(a, name)?, &read(b, other)?, atol, rtol).at_with(|| path.clone())?
            }
            _ => Some(Change::Removed),
        };
        difference.weights.extend(change.map(|change| WeightChange { path, change }));
    }
    let added = right.paths().into_iter().filter(|path| left.tensor(path).is_none());
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

/// Adds the place of a tensor to an error about it: its path, unless the reader has added that, and the file.
fn placed(error: Error, path: &str, file: &str) -> Error {
    let error = if error.path().is_empty() { error.at(path.to_owned()) } else { error };
    error.at(file.to_owned())
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
