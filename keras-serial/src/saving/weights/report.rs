//! The report of a load: what happened to every weight.

use std::fmt;

use serde::Serialize;

use crate::error::{Error, ErrorKind, Result, did_you_mean};
use crate::files::table;

/// The report of a load: every variable of the model and of the file is in one of its lists.
///
/// Paths are those of the file: `layers/dense/vars/0`.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct LoadReport {
    /// Weights that were loaded from the file.
    pub applied: Vec<String>,
    /// Weights of the model that the file lacks.
    pub missing: Vec<Missing>,
    /// Weights of the file that the model lacks.
    pub unexpected: Vec<String>,
    /// Weights whose shape in the file differs.
    pub mismatched: Vec<Mismatch>,
    /// Weights that were skipped on purpose: by rules, or because their layers have other names.
    pub skipped: Vec<String>,
    /// Objects whose classes are not registered, and which are kept as placeholders: `layer kernel_mult
    /// (MyLayers>KernelMult)`.
    pub placeholders: Vec<String>,
    /// Other differences from the file, in words, such as an optimizer that starts anew.
    pub notes: Vec<String>,
}

/// A weight of the model that the file lacks.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Missing {
    /// The path at which the file should have it.
    pub path: String,
    /// The weight's own path: `dense/kernel`.
    pub weight: String,
    /// A similar path in the file, if there is one.
    pub near: Option<String>,
}

/// A weight whose shape in the file differs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Mismatch {
    /// The weight's path in the file.
    pub path: String,
    /// The weight's own path.
    pub weight: String,
    /// The model's shape.
    pub expected: String,
    /// The file's shape.
    pub received: String,
}

impl LoadReport {
    /// Returns true if all weights of the model and of the file were matched.
    pub fn is_complete(&self) -> bool {
        self.missing.is_empty() && self.unexpected.is_empty() && self.mismatched.is_empty()
    }

    /// Returns the report as JSON: a dict of the lists.
    ///
    /// # Errors
    /// Never, for the lists of a load.
    pub fn to_json(&self) -> Result<String> {
        Ok(crate::json::to_value(self)?.to_json())
    }

    /// Returns the report as a table, one row per weight.
    pub fn table(&self) -> String {
        let mut rows: Vec<[String; 3]> = Vec::new();
        let mut row = |what: &str, path: &str, note: String| rows.push([what.to_owned(), path.to_owned(), note]);
        for one in &self.mismatched {
            row(
                "mismatched",
                &one.path,
                format!("{}: expected {}, received {}", one.weight, one.expected, one.received),
            );
        }
        for one in &self.missing {
            let near = one.near.as_ref().map_or_else(String::new, |near| format!(" (did you mean `{near}`?)"));
            row("missing", &one.path, format!("{}{near}", one.weight));
        }
        self.unexpected.iter().for_each(|path| row("unexpected", path, String::new()));
        self.skipped.iter().for_each(|path| row("skipped", path, String::new()));
        self.applied.iter().for_each(|path| row("applied", path, String::new()));
        self.placeholders.iter().for_each(|object| row("placeholder", "", object.clone()));
        self.notes.iter().for_each(|note| row("note", "", note.clone()));
        table(&["State", "Path in the file", "Weight"], &rows)
    }

    pub(in crate::saving) fn suggest(&mut self) {
        for missing in &mut self.missing {
            let near = did_you_mean(&missing.path, self.unexpected.iter().map(String::as_str));
            missing.near = near.and_then(|near| near.split('`').nth(1).map(str::to_owned));
        }
    }

    /// Warns of everything that was left out without being asked for.
    pub(in crate::saving) fn warn(&self) {
        if !self.is_complete() {
            tracing::warn!(
                "some weights were not loaded: {} missing, {} unexpected, {} of another shape (the report lists them)",
                self.missing.len(),
                self.unexpected.len(),
                self.mismatched.len()
            );
        }
        if !self.placeholders.is_empty() {
            let what = self.placeholders.join(", ");
            tracing::warn!("classes are not registered, so that these objects are placeholders: {what}");
        }
        self.notes.iter().for_each(|note| tracing::warn!("{note}"));
    }

    /// Returns an error that lists everything that is wrong; `Ok` for a complete load.
    pub(in crate::saving) fn check(&self) -> Result<()> {
        if self.is_complete() {
            return Ok(());
        }
        let first = self.mismatched.first().map(|m| m.path.clone());
        let first = first.or_else(|| self.missing.first().map(|m| m.path.clone()));
        let first = first.or_else(|| self.unexpected.first().cloned()).unwrap_or_default();
        Err(Error::new(
            ErrorKind::Weights,
            format!("the weights do not fit the model, which is unchanged\n{}", self.text("would fit")),
        )
        .hint("load with `strict(false)` to apply those that fit")
        .at(first))
    }
}

impl LoadReport {
    /// Returns the report as text, with `applied` as the word for weights that have (or would have) the file's value.
    fn text(&self, applied: &str) -> String {
        const SHOWN: usize = 20;
        let mut lines = vec![format!(
            "{} {applied}, {} missing, {} unexpected, {} mismatched, {} skipped",
            self.applied.len(),
            self.missing.len(),
            self.unexpected.len(),
            self.mismatched.len(),
            self.skipped.len()
        )];
        lines.extend(self.notes.iter().take(SHOWN).map(|note| format!("note        {note}")));
        lines.extend(self.missing.iter().take(SHOWN).map(|missing| {
            let near = missing.near.as_ref().map_or_else(String::new, |near| format!(" (did you mean `{near}`?)"));
            format!("missing     {} for `{}`{near}", missing.path, missing.weight)
        }));
        lines.extend(self.skipped.iter().take(SHOWN).map(|path| format!("skipped     {path}")));
        lines.extend(self.unexpected.iter().take(SHOWN).map(|path| format!("unexpected  {path}")));
        lines.extend(self.mismatched.iter().take(SHOWN).map(|mismatch| {
            format!(
                "mismatched  {} for `{}`: expected shape {}, received {}",
                mismatch.path, mismatch.weight, mismatch.expected, mismatch.received
            )
        }));
        lines.join("\n  ")
    }
}

impl fmt::Display for LoadReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text("applied"))
    }
}
