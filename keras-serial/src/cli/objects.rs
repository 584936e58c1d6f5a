//! `objects`: the master list of classes and functions.

use std::borrow::Cow;

use clap::Args;
use serde::Serialize;

use super::terminal::Terminal;
use super::{Status, json};
use crate::error::{Error, ErrorKind, Result, did_you_mean};
use crate::files::table;
use crate::registry::{Entry, entries, search};

/// List the classes and functions that files may name: Keras's, and registered ones.
///
/// Those with the pattern in their names come first. The exit status is 1 if there are none.
#[derive(Debug, Args)]
pub(super) struct Objects {
    /// Words that are in the name, an alias or the documentation; or a pattern for the name, with `*` for any characters.
    #[arg(value_name = "PATTERN")]
    pattern: Option<String>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// An entry of the list.
#[derive(Serialize)]
struct Listed {
    /// The registered name of a custom object, or the module and name of one of Keras's.
    name: String,
    kinds: Vec<String>,
    aliases: &'static [&'static str],
    /// The place in the sources where a custom object is registered.
    place: Option<String>,
}

impl Listed {
    fn of(entry: &Entry) -> Self {
        Self {
            name: entry.full_name(),
            kinds: entry.kinds().iter().map(ToString::to_string).collect(),
            aliases: entry.aliases(),
            place: entry.module().is_none().then(|| entry.place().to_string()),
        }
    }

    fn fits(&self, pattern: &str) -> bool {
        matches(pattern, &self.name) || self.aliases.iter().any(|alias| matches(pattern, alias))
    }
}

/// Returns all objects in the order of their names.
fn sorted() -> Vec<Listed> {
    let mut listed: Vec<Listed> = entries().iter().map(|entry| Listed::of(entry)).collect();
    listed.sort_by(|a, b| a.name.cmp(&b.name));
    listed.dedup_by(|a, b| a.name == b.name && a.place == b.place);
    listed
}

/// Checks that this build has objects.
///
/// # Errors
/// In a build without the engine that no objects of its own are linked to.
pub(super) fn check_any() -> Result<()> {
    if entries().is_empty() {
        return Err(Error::new(ErrorKind::Unsupported, "this build has no objects")
            .hint("build `keras-serial` with the feature `engine` for those of Keras"));
    }
    Ok(())
}

/// Returns true if a name is of a pattern with `*` for any characters.
fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name) = (pattern.to_lowercase(), name.to_lowercase());
    let Some((start, rest)) = pattern.split_once('*') else { return name == pattern };
    let Some(mut left) = name.strip_prefix(start).or_else(|| name.rsplit(['.', '>']).next()?.strip_prefix(start))
    else {
        return false;
    };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let last = parts.pop().unwrap_or_default();
    for part in parts {
        match left.split_once(part) {
            Some((_, after)) => left = after,
            None => return false,
        }
    }
    left.ends_with(last)
}

impl Objects {
    pub(super) fn run(&self, terminal: &Terminal) -> Result<Status> {
        check_any()?;
        let mut listed: Vec<Listed> = match &self.pattern {
            Some(pattern) if !pattern.contains('*') => search(pattern).iter().map(|entry| Listed::of(entry)).collect(),
            _ => sorted(),
        };
        if let Some(pattern) = self.pattern.as_ref().filter(|pattern| pattern.contains('*')) {
            listed.retain(|object| object.fits(pattern));
        }
        if self.json {
            json::print(&listed, terminal)?;
        } else if !listed.is_empty() {
            let cell = |text: Cow<'_, str>| if text.is_empty() { "-".to_owned() } else { text.into_owned() };
            let rows = listed.iter().map(|object| {
                let place = object.place.clone().unwrap_or_default();
                [
                    object.name.clone(),
                    object.kinds.join(", "),
                    cell(object.aliases.join(", ").into()),
                    cell(place.into()),
                ]
            });
            terminal.print(&table(&["Name", "Kind", "Aliases", "Registered at"], &rows.collect::<Vec<_>>()))?;
        }
        if let Some(pattern) = self.pattern.as_ref().filter(|_| listed.is_empty()) {
            let all = entries();
            let near = did_you_mean(pattern, all.iter().map(|entry| entry.name()));
            let near = near.map(|near| format!(" ({near})")).unwrap_or_default();
            terminal.note(&format!("no object has `{pattern}` in its name or documentation{near}"));
            return Ok(Status::Findings);
        }
        Ok(Status::Fine)
    }
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn patterns_have_stars() {
        assert!(matches("conv*d", "keras.layers.Conv2D") && matches("keras.*.D*e", "keras.layers.Dense"));
        assert!(matches("My*", "Pack>MyDense") && matches("*", "anything"));
        assert!(!matches("conv*e", "keras.layers.Conv2D") && !matches("ense*x", "keras.layers.Dense"));
    }
}
