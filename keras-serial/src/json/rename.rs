//! Renamed layers: found by what they hold but for their names, and renamed with all that refers to them.

use std::collections::{HashMap, HashSet};

use super::patch::names;
use super::path::name_of;
use super::{Dict, Path, Value};
use crate::error::Result;

/// Names of layers before and after.
pub(crate) type Names<'a> = HashMap<&'a str, &'a str>;

/// Renames layers of a list that is an entry of a graph's configuration, and what refers to them there: calls, and the
/// graph's inputs and outputs.
pub(crate) fn rename_layers(config: &mut Dict, list: &str, names: &Names<'_>) {
    if let Some(Value::List(layers)) = config.get_mut(list) {
        rename_items(layers, names);
    }
    for ends in ["input_layers", "output_layers"] {
        if let Some(ends) = config.get_mut(ends) {
            each_reference(ends, &mut |name| rename_text(name, names));
        }
    }
}

fn rename_items(items: &mut [Value], names: &Names<'_>) {
    for item in items {
        rename_item(item, names);
        if let Value::Dict(item) = item
            && let Some(nodes) = item.get_mut("inbound_nodes")
        {
            each_reference(nodes, &mut |name| rename_text(name, names));
        }
    }
}

/// Renames a serialized object, in its own entry and in its configuration.
pub(crate) fn rename_item(item: &mut Value, names: &Names<'_>) {
    let Value::Dict(item) = item else { return };
    if let Some(Value::Str(name)) = item.get_mut("name") {
        rename_text(name, names);
    }
    if let Some(Value::Dict(config)) = item.get_mut("config")
        && let Some(Value::Str(name)) = config.get_mut("name")
    {
        rename_text(name, names);
    }
}

fn rename_text(name: &mut String, names: &Names<'_>) {
    if let Some(new) = names.get(name.as_str()) {
        (*new).clone_into(name);
    }
}

/// Visits the names in references to outputs of layers: a name, the number of a call, and that of an output.
fn each_reference(value: &mut Value, visit: &mut dyn FnMut(&mut String)) {
    match value {
        Value::List(items) => {
            if let [Value::Str(name), Value::Int(_), Value::Int(_), ..] = items.as_mut_slice() {
                visit(name);
            }
            items.iter_mut().for_each(|item| each_reference(item, visit));
        }
        Value::Dict(dict) => dict.values_mut().for_each(|item| each_reference(item, visit)),
        _ => {}
    }
}

/// Renames outputs of a model where its compile configuration has something for one of them alone, unless the outputs
/// have names of their own.
pub(crate) fn rename_outputs(model: &mut Dict, names: &Names<'_>) {
    let outputs = model.get("config").and_then(|config| config.get("output_layers"));
    if outputs.is_none_or(|outputs| outputs.as_dict().is_none())
        && let Some(Value::Dict(compile)) = model.get_mut("compile_config")
    {
        rename_in_compile(compile, names);
    }
}

/// Renames outputs where a compile configuration has something for one of them alone.
pub(crate) fn rename_in_compile(compile: &mut Dict, names: &Names<'_>) {
    for entry in ["loss", "loss_weights", "metrics", "weighted_metrics"] {
        // An object is serialized as a dict too.
        let is_object = |dict: &Dict| dict.contains_key("config") && dict.get("class_name").is_some_and(is_text);
        let Some(Value::Dict(by_output)) = compile.get_mut(entry) else { continue };
        if !is_object(by_output) {
            let renamed = |(name, value): (String, Value)| match names.get(name.as_str()) {
                Some(new) => ((*new).to_owned(), value),
                None => (name, value),
            };
            *by_output = std::mem::take(by_output).into_iter().map(renamed).collect();
        }
    }
}

fn is_text(value: &Value) -> bool {
    value.as_str().is_some()
}

/// Renames items of the list at a path, with all that refers to them.
pub(super) fn rename(value: &mut Value, list: &Path, names: &Names<'_>) -> Result<()> {
    let whole = (Path::default(), Path::default());
    let (around, last) = list.split_last().unwrap_or(whole.clone());
    match (last.first_key(), around.get_mut(value)?) {
        (Some(key), Value::Dict(config)) => rename_layers(config, key, names),
        _ => {
            if let Value::List(items) = list.get_mut(value)? {
                rename_items(items, names);
            }
        }
    }
    let (model, last) = around.split_last().unwrap_or(whole);
    if last.first_key() == Some("config")
        && let Value::Dict(model) = model.get_mut(value)?
    {
        rename_outputs(model, names);
    }
    Ok(())
}

/// The renamed items of a list: the names before and after.
pub(super) struct Renames {
    pub list: Path,
    pub names: Vec<(String, String)>,
}

impl Renames {
    fn apply(&self, value: &mut Value) -> Result<()> {
        rename(value, &self.list, &self.names.iter().map(|(from, to)| (from.as_str(), to.as_str())).collect())
    }

    fn take_back(&self, value: &mut Value) -> Result<()> {
        rename(value, &self.list, &self.names.iter().map(|(from, to)| (to.as_str(), from.as_str())).collect())
    }
}

/// Finds objects of lists that are the same in two values but for their names. Returns them, and the first value with
/// the second one's names; `None` if there are none, or if renaming them could not be reversed.
pub(super) fn find(first: &Value, second: &Value, ignored: &[&str]) -> Option<(Vec<Renames>, Value)> {
    let mut finder = Finder { ignored, found: Vec::new() };
    finder.values(&Path::default(), first, second);
    let found = finder.found;
    let mut renamed = first.clone();
    if found.is_empty() || found.iter().any(|renames| renames.apply(&mut renamed).is_err()) {
        return None;
    }
    // A new name may be in use already where it is no layer's.
    let mut back = renamed.clone();
    let is_reversed = found.iter().rev().all(|renames| renames.take_back(&mut back).is_ok());
    (is_reversed && back.is_same(first)).then_some((found, renamed))
}

struct Finder<'a> {
    ignored: &'a [&'a str],
    found: Vec<Renames>,
}

impl Finder<'_> {
    fn values(&mut self, path: &Path, first: &Value, second: &Value) {
        match (first, second) {
            (Value::Dict(first), Value::Dict(second)) => {
                for (key, value) in first.iter().filter(|(key, _)| !self.ignored.contains(&key.as_str())) {
                    if let Some(other) = second.get(key) {
                        self.values(&path.key(key), value, other);
                    }
                }
            }
            (Value::List(a), Value::List(b)) => match (names(a), names(b)) {
                (Some(of_a), Some(of_b)) => {
                    let names = Matches::of((a, &of_a), (b, &of_b), self.ignored);
                    if !names.is_empty() {
                        self.found.push(Renames { list: path.clone(), names });
                    }
                    let of_b: HashMap<&str, &Value> = of_b.into_iter().zip(b).collect();
                    for (name, item) in of_a.into_iter().zip(a) {
                        if let Some(other) = of_b.get(name) {
                            self.values(&path.named(name), item, other);
                        }
                    }
                }
                _ => a.iter().zip(b).enumerate().for_each(|(i, (a, b))| self.values(&path.index(i), a, b)),
            },
            _ => {}
        }
    }
}

/// An object that only one of two lists has under its name.
struct Candidate<'a> {
    name: &'a str,
    /// All that it holds but for its name and its calls.
    contents: String,
    /// What it is called on; in a list without calls, the name of the item before it.
    calls: Value,
}

/// The objects that only one of two lists has, and which of the first list's are which of the second's.
struct Matches<'a> {
    first: Vec<Candidate<'a>>,
    second: Vec<Candidate<'a>>,
    /// For each candidate of the first list the second's.
    pairs: HashMap<usize, usize>,
    /// The second list's candidates that are taken.
    taken: HashSet<usize>,
}

impl<'a> Matches<'a> {
    /// Returns the names before and after of the objects that are the same but for their names, where it is clear
    /// which is which: by contents and what they are called on, or by contents alone.
    fn of(
        (a, of_a): (&'a [Value], &[&'a str]),
        (b, of_b): (&'a [Value], &[&'a str]),
        ignored: &[&str],
    ) -> Vec<(String, String)> {
        let first = candidates(a, of_a, of_b, ignored);
        let second = candidates(b, of_b, of_a, ignored);
        if first.is_empty() || second.is_empty() {
            return Vec::new();
        }
        let mut matches = Self { first, second, pairs: HashMap::new(), taken: HashSet::new() };
        matches.find();
        let Self { first, second, pairs, .. } = matches;
        let pair = |(i, a): (usize, &Candidate<'_>)| {
            let b = second.get(*pairs.get(&i)?)?;
            Some((a.name.to_owned(), b.name.to_owned()))
        };
        first.iter().enumerate().filter_map(pair).collect()
    }

    fn find(&mut self) {
        let position: HashMap<&str, usize> = self.first.iter().enumerate().map(|(i, one)| (one.name, i)).collect();
        // For each candidate, those that are called on it, and the number of those that it is called on and that have
        // no pair yet.
        let mut users: Vec<Vec<usize>> = vec![Vec::new(); self.first.len()];
        let mut waits = vec![0_usize; self.first.len()];
        for (i, (candidate, waits)) in self.first.iter_mut().zip(&mut waits).enumerate() {
            let mut needs: HashSet<usize> = HashSet::new();
            each_reference(&mut candidate.calls, &mut |name| needs.extend(position.get(name.as_str())));
            *waits = needs.len();
            for needed in needs {
                users.get_mut(needed).into_iter().for_each(|users| users.push(i));
            }
        }
        // The second list's candidates by contents and calls, and both by contents alone.
        let mut by_calls: HashMap<(String, String), Vec<usize>> = HashMap::new();
        let mut by_contents: HashMap<String, (HashSet<usize>, HashSet<usize>)> = HashMap::new();
        for (i, one) in self.second.iter().enumerate() {
            by_calls.entry((one.contents.clone(), one.calls.to_json())).or_default().push(i);
            by_contents.entry(one.contents.clone()).or_default().1.insert(i);
        }
        let mut alike: HashMap<(String, String), usize> = HashMap::new();
        for (i, one) in self.first.iter().enumerate() {
            *alike.entry((one.contents.clone(), one.calls.to_json())).or_default() += 1;
            by_contents.entry(one.contents.clone()).or_default().0.insert(i);
        }
        let mut ready: Vec<usize> = (0..self.first.len()).rev().filter(|i| waits.get(*i) == Some(&0)).collect();
        let mut alone: Vec<String> = self.first.iter().rev().map(|one| one.contents.clone()).collect();
        loop {
            let pair = if let Some(i) = ready.pop() {
                self.by_calls(i, &position, &by_calls, &alike)
            } else if let Some(contents) = alone.pop() {
                by_contents.get(&contents).and_then(|(first, second)| match (first.len(), second.len()) {
                    (1, 1) => Some((*first.iter().next()?, *second.iter().next()?)),
                    _ => None,
                })
            } else {
                return;
            };
            let Some((i, j)) = pair else { continue };
            self.pairs.insert(i, j);
            self.taken.insert(j);
            if let Some(contents) = self.first.get(i).map(|one| &one.contents)
                && let Some((first, second)) = by_contents.get_mut(contents)
            {
                first.remove(&i);
                second.remove(&j);
                alone.push(contents.clone());
            }
            for user in users.get(i).into_iter().flatten() {
                let Some(waits) = waits.get_mut(*user) else { continue };
                *waits -= 1;
                if *waits == 0 {
                    ready.push(*user);
                }
            }
        }
    }

    /// Returns the only pair of a candidate with equal contents that is called on the same layers.
    fn by_calls(
        &self,
        i: usize,
        position: &HashMap<&str, usize>,
        by_calls: &HashMap<(String, String), Vec<usize>>,
        alike: &HashMap<(String, String), usize>,
    ) -> Option<(usize, usize)> {
        let one = self.first.get(i).filter(|_| !self.pairs.contains_key(&i))?;
        if alike.get(&(one.contents.clone(), one.calls.to_json())) != Some(&1) {
            return None;
        }
        let renamed = |name: &str| Some(self.second.get(*self.pairs.get(position.get(name)?)?)?.name);
        let mut calls = one.calls.clone();
        each_reference(&mut calls, &mut |name| {
            if let Some(new) = renamed(name) {
                new.clone_into(name);
            }
        });
        match by_calls.get(&(one.contents.clone(), calls.to_json()))?.as_slice() {
            [j] if !self.taken.contains(j) => Some((i, *j)),
            _ => None,
        }
    }
}

/// Returns the serialized objects of a list whose names another list does not have.
fn candidates<'a>(items: &'a [Value], own: &[&'a str], other: &[&str], ignored: &[&str]) -> Vec<Candidate<'a>> {
    let other: HashSet<&str> = other.iter().copied().collect();
    let before = std::iter::once(None).chain(own.iter().copied().map(Some));
    let candidate = |((item, name), before): ((&'a Value, &'a str), Option<&'a str>)| {
        let form = item.as_dict().filter(|_| !other.contains(name))?;
        let config = form.get("config")?;
        let own = config.get("name").and_then(Value::as_str);
        if !form.get("class_name").is_some_and(is_text) || own.is_some_and(|own| own != name) {
            return None;
        }
        let mut contents = String::new();
        write(item, &["name", "inbound_nodes", "config"], ignored, &mut contents);
        write(config, &["name"], ignored, &mut contents);
        let calls = form.get("inbound_nodes").cloned().unwrap_or_else(|| {
            before.map_or(Value::Null, |before| vec![Value::from(before), Value::Int(0), Value::Int(0)].into())
        });
        Some(Candidate { name, contents, calls })
    };
    items.iter().zip(own.iter().copied()).zip(before).filter_map(candidate).collect()
}

/// Writes a value without the entries of some names, with those of dicts in the order of their keys.
fn write(value: &Value, without: &[&str], ignored: &[&str], out: &mut String) {
    match value {
        Value::Dict(dict) => {
            let mut entries: Vec<_> = dict.iter().collect();
            entries.retain(|(key, _)| !without.contains(&key.as_str()) && !ignored.contains(&key.as_str()));
            entries.sort_by_key(|(key, _)| key.as_str());
            out.push('{');
            for (key, value) in entries {
                out.push_str(&Value::from(key.as_str()).to_json());
                out.push(':');
                write(value, &[], ignored, out);
                out.push(',');
            }
            out.push('}');
        }
        Value::List(items) => {
            out.push('[');
            for item in items {
                write(item, &[], ignored, out);
                out.push(',');
            }
            out.push(']');
        }
        plain => out.push_str(&plain.to_json()),
    }
}

/// Returns true if an item of a list has this name.
pub(super) fn has_name(items: &[Value], name: &str) -> bool {
    items.iter().any(|item| name_of(item) == Some(name))
}
