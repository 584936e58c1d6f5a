//! The report of a load: what happened to every weight.

use std::fmt;

use serde::Serialize;

use crate::error::{Error, ErrorKind, Result, did_you_mean};

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
        self.notes.iter().for_each(|note| row("note", "", note.clone()));
        super::text_table::render(&["State", "Path in the file", "Weight"], &rows)
    }

    pub(super) fn suggest(&mut self) {
        for missing in &mut self.missing {
            let near = did_you_mean(&missing.path, self.unexpected.iter().map(String::as_str));
            missing.near = near.and_then(|near| near.split('`').nth(1).map(str::to_owned));
        }
    }

    /// Returns an error that lists everything that is wrong; `Ok` for a complete load.
    pub(super) fn check(&self) -> Result<()> {
        if self.is_complete() {
            return Ok(());
        }
        let first = self.mismatched.first().map(|m| m.path.clone());
        let first = first.or_else(|| self.missing.first().map(|m| m.path.clone()));
        let first = first.or_else(|| self.unexpected.first().cloned()).unwrap_or_default();
        Err(Error::new(ErrorKind::Weights, format!("the weights do not fit the model\n{self}"))
            .hint("load with `strict(false)` to apply those that fit")
            .at(first))
    }
}

impl fmt::Display for LoadReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} applied, {} missing, {} unexpected, {} mismatched, {} skipped",
            self.applied.len(),
            self.missing.len(),
            self.unexpected.len(),
            self.mismatched.len(),
            self.skipped.len()
        )?;
        const SHOWN: usize = 20;
        for note in self.notes.iter().take(SHOWN) {
            write!(f, "\n  note        {note}")?;
        }
        for missing in self.missing.iter().take(SHOWN) {
            write!(f, "\n  missing     {} for `{}`", missing.path, missing.weight)?;
            if let Some(near) = &missing.near {
                write!(f, " (did you mean `{near}`?)")?;
            }
        }
        for path in self.skipped.iter().take(SHOWN) {
            write!(f, "\n  skipped     {path}")?;
        }
        for path in self.unexpected.iter().take(SHOWN) {
            write!(f, "\n  unexpected  {path}")?;
        }
        for mismatch in self.mismatched.iter().take(SHOWN) {
            write!(
                f,
                "\n  mismatched  {} for `{}`: expected shape {}, received {}",
                mismatch.path, mismatch.weight, mismatch.expected, mismatch.received
            )?;
        }
        Ok(())
    }
}
