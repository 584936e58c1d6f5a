//! Structural differences of values, as patches that can be applied and reversed.

use std::collections::{HashMap, HashSet};
use std::fmt;

use super::path::name_of;
use super::rename::{self, has_name};
use super::{Dict, Path, Value, value};
use crate::error::{Error, ErrorKind, Result, ResultExt};

/// The difference of two values: changes by path, which can be applied to the first to get the second, and reversed.
///
/// Items of lists are compared by their names, if all have one and no two the same, as layers do: an inserted layer
/// does not change those after it, and a moved one is one change. So is a renamed one: a serialized object (`class_name`,
/// `config`) that only the first list has, and one that only the second has, are the same if nothing but the name differs
/// and no other pair is as alike; calls on the layer, inputs and outputs of the graph, and losses and metrics of an output
/// have the new name then. Other lists are compared by position. The order of
/// a dict's entries makes no difference.
///
/// ```
/// use keras_serial::json::{Patch, value};
///
/// let old = value!({ "layers": [{ "name": "a", "units": 3 }, { "name": "b" }] });
/// let new = value!({ "layers": [{ "name": "b" }, { "name": "a", "units": 4 }] });
/// let patch = Patch::between(&old, &new);
/// assert_eq!(patch.to_string(), "~ layers[a]/units: 3 → 4\n> layers: a, b → b, a\n");
/// assert_eq!(patch.apply(&old)?, new);
/// assert_eq!(patch.reversed().apply(&new)?, old);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Patch {
    changes: Vec<Change>,
}

/// A change of a value.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Change {
    /// An entry or item that only the second value has. An item's path has its position in the second list.
    Added {
        /// Where it is added.
        path: Path,
        /// What is added.
        value: Value,
    },
    /// An entry or item that only the first value has. An item's path has its position in the first list.
    Removed {
        /// Where it is removed.
        path: Path,
        /// What is removed.
        value: Value,
    },
    /// Another value.
    Changed {
        /// What is changed.
        path: Path,
        /// The first value.
        from: Value,
        /// The second value.
        to: Value,
    },
    /// A serialized object of a list that has another name, as have all places that refer to it.
    Renamed {
        /// The list.
        path: Path,
        /// The name in the first list.
        from: String,
        /// The name in the second list.
        to: String,
    },
    /// Items of a list that stand in another order; of those that both lists have, by their names.
    Moved {
        /// The list.
        path: Path,
        /// The names in the order of the first list.
        from: Vec<String>,
        /// The names in the order of the second list.
        to: Vec<String>,
    },
}

impl Change {
    /// Returns where the change is.
    pub fn path(&self) -> &Path {
        match self {
            Self::Added { path, .. }
            | Self::Removed { path, .. }
            | Self::Changed { path, .. }
            | Self::Renamed { path, .. }
            | Self::Moved { path, .. } => path,
        }
    }

    fn reversed(self) -> Self {
        match self {
            Self::Added { path, value } => Self::Removed { path, value },
            Self::Removed { path, value } => Self::Added { path, value },
            Self::Changed { path, from, to } => Self::Changed { path, from: to, to: from },
            Self::Renamed { path, from, to } => Self::Renamed { path, from: to, to: from },
            Self::Moved { path, from, to } => Self::Moved { path, from: to, to: from },
        }
    }

    fn to_value(&self) -> Value {
        let path = self.path().to_string();
        match self {
            Self::Added { value, .. } => value!({ "op": "add", "path": path, "value": value }),
            Self::Removed { value, .. } => value!({ "op": "remove", "path": path, "value": value }),
            Self::Changed { from, to, .. } => value!({ "op": "change", "path": path, "from": from, "to": to }),
            Self::Renamed { from, to, .. } => {
                value!({ "op": "rename", "path": path, "from": (from.as_str()), "to": (to.as_str()) })
            }
            Self::Moved { from, to, .. } => {
                value!({ "op": "move", "path": path, "from": (from.as_slice()), "to": (to.as_slice()) })
            }
        }
    }

    fn from_value(value: &Value) -> Result<Self> {
        let wrong = |what: &str| Error::new(ErrorKind::Config, what.to_owned()).received(value.short());
        let entry = |name: &str| value.get(name).cloned().ok_or_else(|| wrong(&format!("a change without `{name}`")));
        let text = |name: &str| {
            let text = entry(name)?;
            text.as_str().map(str::to_owned).ok_or_else(|| wrong(&format!("`{name}` is no string")))
        };
        let names = |name: &str| -> Result<Vec<String>> {
            let list = entry(name)?;
            let names =
                list.as_list().and_then(|items| items.iter().map(|item| item.as_str().map(str::to_owned)).collect());
            names.ok_or_else(|| wrong(&format!("`{name}` is no list of names")))
        };
        let path = Path::parse(&text("path")?)?;
        Ok(match text("op")?.as_str() {
            "add" => Self::Added { path, value: entry("value")? },
            "remove" => Self::Removed { path, value: entry("value")? },
            "change" => Self::Changed { path, from: entry("from")?, to: entry("to")? },
            "rename" => Self::Renamed { path, from: text("from")?, to: text("to")? },
            "move" => Self::Moved { path, from: names("from")?, to: names("to")? },
            _ => {
                return Err(wrong("an unknown change").expected("the op `add`, `remove`, `change`, `rename` or `move`"));
            }
        })
    }
}

impl Patch {
    /// Compares two values.
    pub fn between(first: &Value, second: &Value) -> Self {
        Self::between_without(first, second, &[])
    }

    /// Compares two values, without the entries of dicts that have one of these names.
    pub fn between_without(first: &Value, second: &Value, ignored: &[&str]) -> Self {
        let mut comparison = Comparison { ignored, changes: Vec::new() };
        let Some((found, renamed)) = rename::find(first, second, ignored) else {
            comparison.values(&Path::default(), first, second);
            return Self { changes: comparison.changes };
        };
        for renames in found {
            let of = |(from, to)| Change::Renamed { path: renames.list.clone(), from, to };
            comparison.changes.extend(renames.names.into_iter().map(of));
        }
        comparison.values(&Path::default(), &renamed, second);
        Self { changes: comparison.changes }
    }

    /// Returns the changes, in the order in which they are applied.
    pub fn changes(&self) -> &[Change] {
        &self.changes
    }

    /// Returns true if the values are equal.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// Returns the patch that takes the changes back.
    #[must_use]
    pub fn reversed(&self) -> Self {
        Self { changes: self.changes.iter().rev().cloned().map(Change::reversed).collect() }
    }

    /// Applies the changes to a value.
    ///
    /// # Errors
    /// When the value has something else at a path than the first value had, with the path; no change is made then.
    pub fn apply(&self, value: &Value) -> Result<Value> {
        let mut changed = value.clone();
        self.changes.iter().try_for_each(|change| apply(change, &mut changed))?;
        Ok(changed)
    }

    /// Returns the patch as a value, from which [`Patch::from_value`] reads it.
    pub fn to_value(&self) -> Value {
        Value::List(self.changes.iter().map(Change::to_value).collect())
    }

    /// Reads a patch.
    ///
    /// # Errors
    /// When the value is no list of changes.
    pub fn from_value(value: &Value) -> Result<Self> {
        let items = value.as_list().ok_or_else(|| super::wrong_type("a list of changes", value))?;
        let changes = items.iter().enumerate().map(|(i, item)| Change::from_value(item).at_with(|| format!("[{i}]")));
        Ok(Self { changes: changes.collect::<Result<_>>()? })
    }
}

/// Formats a line for each change: `+` added, `-` removed, `~` changed, `=` renamed, `>` moved.
impl fmt::Display for Patch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for change in &self.changes {
            match change {
                Change::Added { path, value } => writeln!(f, "+ {path}: {}", value.short())?,
                Change::Removed { path, value } => writeln!(f, "- {path}: {}", value.short())?,
                Change::Changed { path, from, to } => writeln!(f, "~ {path}: {} → {}", from.short(), to.short())?,
                Change::Renamed { path, from, to } => writeln!(f, "= {}: renamed to {to}", path.named(from))?,
                Change::Moved { path, from, to } => writeln!(f, "> {path}: {} → {}", from.join(", "), to.join(", "))?,
            }
        }
        Ok(())
    }
}

struct Comparison<'a> {
    ignored: &'a [&'a str],
    changes: Vec<Change>,
}

impl Comparison<'_> {
    fn values(&mut self, path: &Path, first: &Value, second: &Value) {
        match (first, second) {
            (Value::Dict(first), Value::Dict(second)) => self.dicts(path, first, second),
            (Value::List(a), Value::List(b)) => match (names(a), names(b)) {
                (Some(of_a), Some(of_b)) => self.named(path, (a, &of_a), (b, &of_b)),
                _ => self.lists(path, a, b),
            },
            (a, b) if a.is_same(b) => {}
            (a, b) => self.changes.push(Change::Changed { path: path.clone(), from: a.clone(), to: b.clone() }),
        }
    }

    fn dicts(&mut self, path: &Path, first: &Dict, second: &Dict) {
        for (key, value) in first.iter().filter(|(key, _)| !self.ignored.contains(&key.as_str())) {
            match second.get(key) {
                Some(other) => self.values(&path.key(key), value, other),
                None => self.changes.push(Change::Removed { path: path.key(key), value: value.clone() }),
            }
        }
        let ignored = self.ignored;
        let added = second.iter().filter(|(key, _)| !ignored.contains(&key.as_str()) && !first.contains_key(*key));
        self.changes.extend(added.map(|(key, value)| Change::Added { path: path.key(key), value: value.clone() }));
    }

    fn lists(&mut self, path: &Path, first: &[Value], second: &[Value]) {
        for (index, (a, b)) in first.iter().zip(second).enumerate() {
            self.values(&path.index(index), a, b);
        }
        let common = first.len().min(second.len());
        let removed = first.iter().enumerate().skip(common).rev();
        self.changes.extend(removed.map(|(i, value)| Change::Removed { path: path.index(i), value: value.clone() }));
        let added = second.iter().enumerate().skip(common);
        self.changes.extend(added.map(|(i, value)| Change::Added { path: path.index(i), value: value.clone() }));
    }

    /// Compares lists whose items have names: first what the items hold, then which items there are.
    fn named(&mut self, path: &Path, (first, of_first): (&[Value], &[&str]), (second, of_second): (&[Value], &[&str])) {
        let of_b: HashMap<&str, &Value> = of_second.iter().copied().zip(second).collect();
        let of_a: HashSet<&str> = of_first.iter().copied().collect();
        for (name, item) in of_first.iter().zip(first) {
            if let Some(other) = of_b.get(name) {
                self.values(&path.named(name), item, other);
            }
        }
        let removed = of_first.iter().zip(first).enumerate().filter(|(_, (name, _))| !of_b.contains_key(*name)).rev();
        self.changes.extend(removed.map(|(i, (_, item))| Change::Removed { path: path.index(i), value: item.clone() }));
        let kept = |names: &[&str], in_other: &dyn Fn(&str) -> bool| -> Vec<String> {
            names.iter().filter(|name| in_other(name)).map(|name| (*name).to_owned()).collect()
        };
        let from = kept(of_first, &|name| of_b.contains_key(name));
        let to = kept(of_second, &|name| of_a.contains(name));
        if from != to {
            self.changes.push(Change::Moved { path: path.clone(), from, to });
        }
        let added = of_second.iter().zip(second).enumerate().filter(|(_, (name, _))| !of_a.contains(*name));
        self.changes.extend(added.map(|(i, (_, item))| Change::Added { path: path.index(i), value: item.clone() }));
    }
}

/// Returns the names of a list's items, if it has some, and all have one, and no two the same.
pub(super) fn names(items: &[Value]) -> Option<Vec<&str>> {
    let names: Vec<&str> = items.iter().map(name_of).collect::<Option<_>>()?;
    let different: HashSet<&str> = names.iter().copied().collect();
    (!names.is_empty() && different.len() == names.len()).then_some(names)
}

fn apply(change: &Change, value: &mut Value) -> Result<()> {
    let unfit = |what: &str, expected: &Value, received: &Value| {
        Error::new(ErrorKind::InvalidArgument, format!("the patch does not fit: {what}"))
            .expected(expected.short())
            .received(received.short())
            .at(change.path().to_string())
    };
    match change {
        Change::Changed { path, from, to } => {
            let at = path.get_mut(value)?;
            if !at.is_same(from) {
                return Err(unfit("another value", from, at));
            }
            *at = to.clone();
        }
        Change::Removed { path, value: removed } => {
            let at = path.get(value)?;
            if !at.is_same(removed) {
                return Err(unfit("another value", removed, at));
            }
            path.remove(value)?;
        }
        Change::Added { path, value: added } => {
            let Some((parent, last)) = path.split_last() else { return Err(unfit("no path", added, value)) };
            match parent.get_mut(value)? {
                Value::List(items) => {
                    let index = last.position().filter(|index| *index <= items.len());
                    let index = index.ok_or_else(|| unfit("no such position", added, &Value::from(items.len())))?;
                    items.insert(index, added.clone());
                }
                dict @ Value::Dict(_) if last.get(dict).is_err() => _ = last.set(dict, added.clone())?,
                other => return Err(unfit("the entry is there already", added, other)),
            }
        }
        Change::Renamed { path, from, to } => {
            let at = path.get(value)?;
            let Value::List(items) = at else { return Err(unfit("no list", &Value::from(from.as_str()), at)) };
            let order = || Value::from(names(items).unwrap_or_default());
            if !has_name(items, from) {
                return Err(unfit("no item of the name", &Value::from(from.as_str()), &order()));
            }
            if has_name(items, to) {
                return Err(unfit("an item has the new name already", &Value::from(to.as_str()), &order()));
            }
            rename::rename(value, path, &[(from.as_str(), to.as_str())].into())?;
        }
        Change::Moved { path, from, to } => {
            let at = path.get_mut(value)?;
            let Value::List(items) = at else {
                return Err(unfit("no list", &Value::from(from.as_slice()), at));
            };
            let order = names(items).unwrap_or_default();
            if order != *from {
                return Err(unfit("another order", &Value::from(from.as_slice()), &Value::from(order.as_slice())));
            }
            let place: HashMap<&str, usize> = to.iter().enumerate().map(|(i, name)| (name.as_str(), i)).collect();
            if place.len() != items.len() || !order.iter().all(|name| place.contains_key(name)) {
                return Err(unfit("other items", &Value::from(to.as_slice()), &Value::from(order.as_slice())));
            }
            items.sort_by_cached_key(|item| name_of(item).and_then(|name| place.get(name).copied()));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(first: &Value, second: &Value) -> Patch {
        let patch = Patch::between(first, second);
        assert_eq!(patch.apply(first).unwrap(), *second, "{patch}");
        assert_eq!(patch.reversed().apply(second).unwrap(), *first, "{patch}");
        assert_eq!(Patch::from_value(&patch.to_value()).unwrap(), patch);
        patch
    }

    #[test]
    fn layers_are_compared_by_name() {
        let layer =
            |name: &str, units: i64| value!({ "class_name": "Dense", "config": { "name": name, "units": units } });
        let first = value!({ "layers": [(layer("a", 1)), (layer("b", 2)), (layer("c", 3)), (layer("d", 4))] });
        let second = value!({ "layers": [(layer("new", 9)), (layer("d", 4)), (layer("b", 5)), (layer("a", 1))] });
        let patch = check(&first, &second);
        let text = patch.to_string();
        assert!(text.contains("~ layers[b]/config/units: 2 → 5"), "{text}");
        assert!(text.contains("> layers: a, b, d → d, b, a"), "{text}");
        assert_eq!(patch.changes().len(), 4, "{text}");
    }

    #[test]
    fn lists_without_names_are_compared_by_position() {
        check(&value!([1, 2, 3]), &value!([1, 4]));
        check(&value!([1]), &value!([1, { "a": null }, [2]]));
        check(&value!({ "a/b": 1, "c": [] }), &value!({ "a/b": 2, "d": { "e": 1.5 } }));
        check(&value!(1), &value!({ "a": 1 }));
    }

    #[test]
    fn a_patch_that_does_not_fit_is_refused_whole() {
        let patch = Patch::between(&value!({ "a": 1, "b": [1] }), &value!({ "a": 2, "b": [1, 2] }));
        let other = value!({ "a": 1, "b": [] });
        let error = patch.apply(&other).unwrap_err().to_string();
        assert!(error.contains("no such position"), "{error}");
        let error = patch.apply(&value!({ "a": 7, "b": [1] })).unwrap_err().to_string();
        assert!(error.starts_with("a: the patch does not fit") && error.contains("Received: 7"), "{error}");
    }

    #[test]
    fn equal_values_have_no_difference() {
        let value = value!({ "a": [f64::NAN, 1.0] });
        assert!(Patch::between(&value, &value.clone()).is_empty());
        assert!(Patch::between(&value!({ "a": 1, "b": 2 }), &value!({ "b": 2, "a": 1 })).is_empty());
    }
}
