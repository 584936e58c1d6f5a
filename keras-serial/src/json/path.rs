//! Paths into values: `layers[1]/config/units`.

use std::fmt;

use super::{Dict, Value};
use crate::error::{Error, ErrorKind, Result, did_you_mean};

/// A path into a value: keys of dicts and positions in lists, as errors and differences print it.
///
/// Keys are separated by `/` (when parsed also by `.`), positions stand in brackets: `layers[1]/config/units`. A name
/// in brackets is an item whose entry `name` has it: `layers[dense_1]`. A key that contains such signs stands in
/// quotes and brackets: `weights["a/b"]`. In patterns `*` is any key, and `[*]` any item.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Path(Vec<Step>);

/// A step of a path.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Step {
    Key(String),
    Index(usize),
    /// An item of a list by its name, or a quoted key of a dict.
    Named(String),
    AnyKey,
    AnyItem,
}

impl Path {
    /// Parses a path.
    ///
    /// # Errors
    /// When a bracket or quote is not closed, or a key is empty.
    pub fn parse(text: &str) -> Result<Self> {
        let wrong = |what: &str| {
            Error::new(ErrorKind::InvalidArgument, format!("{what} in the path `{text}`"))
                .expected("keys and positions, such as `layers[1]/config/units`")
        };
        let mut steps = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            if let Some(quoted) = rest.strip_prefix("[\"") {
                let (name, after) = unquoted(quoted).ok_or_else(|| wrong("a quote that is not closed"))?;
                steps.push(Step::Named(name));
                rest = after;
            } else if let Some(inner) = rest.strip_prefix('[') {
                let (inner, after) = inner.split_once(']').ok_or_else(|| wrong("a bracket that is not closed"))?;
                steps.push(match (inner, inner.parse()) {
                    ("*", _) => Step::AnyItem,
                    ("", _) => return Err(wrong("empty brackets")),
                    (_, Ok(index)) => Step::Index(index),
                    (name, Err(_)) => Step::Named(name.to_owned()),
                });
                rest = after;
            } else {
                let end = rest.find(['/', '.', '[']).unwrap_or(rest.len());
                let (key, after) = rest.split_at(end);
                steps.push(match key {
                    "" => return Err(wrong("an empty key")),
                    "*" => Step::AnyKey,
                    key => Step::Key(key.to_owned()),
                });
                rest = after;
            }
            if let Some(after) = rest.strip_prefix(['/', '.']) {
                if after.is_empty() {
                    return Err(wrong("an empty key"));
                }
                rest = after;
            }
        }
        Ok(Self(steps))
    }

    /// Returns the path of a dict's entry.
    #[must_use]
    pub fn key(&self, key: &str) -> Self {
        self.with(if needs_quotes(key) { Step::Named(key.to_owned()) } else { Step::Key(key.to_owned()) })
    }

    /// Returns the path of a list's item.
    #[must_use]
    pub fn index(&self, index: usize) -> Self {
        self.with(Step::Index(index))
    }

    /// Returns the path of a list's item that has this name.
    #[must_use]
    pub fn named(&self, name: &str) -> Self {
        self.with(Step::Named(name.to_owned()))
    }

    fn with(&self, step: Step) -> Self {
        let mut steps = self.0.clone();
        steps.push(step);
        Self(steps)
    }

    /// Returns true if the path is that of the value itself.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the path without its last step, and that step as a path of its own; `None` for the empty path.
    pub fn split_last(&self) -> Option<(Self, Self)> {
        let (last, rest) = self.0.split_last()?;
        Some((Self(rest.to_vec()), Self(vec![last.clone()])))
    }

    /// Returns the position that the path's only step is.
    pub(super) fn position(&self) -> Option<usize> {
        match self.0.as_slice() {
            [Step::Index(index)] => Some(*index),
            _ => None,
        }
    }

    /// Returns the key that the path's first step is.
    pub(crate) fn first_key(&self) -> Option<&str> {
        self.0.first()?.text()
    }

    /// Returns the first `count` steps.
    pub(crate) fn first(&self, count: usize) -> Self {
        Self(self.0.iter().take(count).cloned().collect())
    }

    /// Returns the steps after the first `count`.
    pub(crate) fn rest(&self, count: usize) -> Self {
        Self(self.0.iter().skip(count).cloned().collect())
    }

    /// Returns the names of the items of lists that the path leads through.
    #[cfg(feature = "files")]
    pub(crate) fn item_names(&self) -> Vec<String> {
        let name = |step: &Step| if let Step::Named(name) = step { Some(name.clone()) } else { None };
        self.0.iter().filter_map(name).collect()
    }

    /// Returns the number of steps.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns the value at the path.
    ///
    /// # Errors
    /// Where the path stops being there, with near names.
    pub fn get<'a>(&self, value: &'a Value) -> Result<&'a Value> {
        let mut at = value;
        for (count, step) in self.0.iter().enumerate() {
            at = self.checked(step, at, count)?;
        }
        Ok(at)
    }

    /// Returns the value at the path, to be changed.
    ///
    /// # Errors
    /// As [`Path::get`].
    pub fn get_mut<'a>(&self, value: &'a mut Value) -> Result<&'a mut Value> {
        let mut at = value;
        for (count, step) in self.0.iter().enumerate() {
            self.checked(step, at, count)?;
            at = step.of_mut(at).ok_or_else(|| self.missing(count))?;
        }
        Ok(at)
    }

    fn checked<'a>(&self, step: &Step, at: &'a Value, count: usize) -> Result<&'a Value> {
        step.of(at).ok_or_else(|| {
            let error = self.missing(count);
            match (step, at) {
                (Step::AnyKey | Step::AnyItem, _) => error.hint("a pattern is for `select`"),
                (_, Value::List(items)) => {
                    let names: Vec<&str> = items.iter().filter_map(name_of).collect();
                    let error = error.received(format!("a list of {}", items.len()));
                    match step.text().and_then(|text| did_you_mean(text, names)) {
                        Some(hint) => error.hint(hint),
                        None => error,
                    }
                }
                (_, Value::Dict(dict)) => {
                    let keys: Vec<String> = dict.keys().take(50).map(|key| format!("`{key}`")).collect();
                    let error = error.received(format!("a dict with {}", keys.join(", ")));
                    match step.text().and_then(|text| did_you_mean(text, dict.keys().map(String::as_str))) {
                        Some(hint) => error.hint(hint),
                        None => error,
                    }
                }
                (_, other) => error.received(other.short()),
            }
        })
    }

    fn missing(&self, count: usize) -> Error {
        let step = Self(self.0.get(count).into_iter().cloned().collect());
        Error::new(ErrorKind::InvalidArgument, format!("no entry `{step}`")).at(self.first(count).to_string())
    }

    /// Sets the value at the path, and returns the old one; the last step may be a new key of a dict.
    ///
    /// # Errors
    /// As [`Path::get`]; the value is unchanged then.
    pub fn set(&self, value: &mut Value, new: Value) -> Result<Option<Value>> {
        let Some((parent, _)) = self.split_last() else { return Ok(Some(std::mem::replace(value, new))) };
        let parent = parent.get_mut(value)?;
        if let (Some(Step::Key(key) | Step::Named(key)), Value::Dict(dict)) = (self.0.last(), &mut *parent) {
            return Ok(dict.insert(key.clone(), new));
        }
        let last = self.get_last(parent)?;
        Ok(Some(std::mem::replace(last, new)))
    }

    fn get_last<'a>(&self, parent: &'a mut Value) -> Result<&'a mut Value> {
        let count = self.0.len().saturating_sub(1);
        let step = self.0.last().ok_or_else(|| self.missing(count))?;
        self.checked(step, parent, count)?;
        step.of_mut(parent).ok_or_else(|| self.missing(count))
    }

    /// Removes the value at the path, and returns it.
    ///
    /// # Errors
    /// As [`Path::get`], and for the empty path; the value is unchanged then.
    pub fn remove(&self, value: &mut Value) -> Result<Value> {
        self.get(value)?;
        let Some((parent, _)) = self.split_last() else {
            return Err(Error::new(ErrorKind::InvalidArgument, "a whole value can't be removed from itself"));
        };
        let parent = parent.get_mut(value)?;
        let removed = match (self.0.last(), parent) {
            (Some(Step::Key(key) | Step::Named(key)), Value::Dict(dict)) => dict.shift_remove(key),
            (Some(step), Value::List(items)) => step.position(items).map(|index| items.remove(index)),
            _ => None,
        };
        removed.ok_or_else(|| self.missing(self.0.len().saturating_sub(1)))
    }

    /// Returns the values that the path matches as a pattern, with their own paths, in order.
    pub fn select<'a>(&self, value: &'a Value) -> Vec<(Path, &'a Value)> {
        let mut found = vec![(Path::default(), value)];
        for step in &self.0 {
            found = found.into_iter().flat_map(|(path, at)| step.all(&path, at)).collect();
        }
        found
    }
}

impl Step {
    fn text(&self) -> Option<&str> {
        match self {
            Self::Key(text) | Self::Named(text) => Some(text),
            _ => None,
        }
    }

    /// Returns the position of the item in a list.
    fn position(&self, items: &[Value]) -> Option<usize> {
        match self {
            Self::Index(index) => (*index < items.len()).then_some(*index),
            Self::Named(name) => items.iter().position(|item| name_of(item) == Some(name)),
            _ => None,
        }
    }

    fn of<'a>(&self, value: &'a Value) -> Option<&'a Value> {
        match (self, value) {
            (Self::Key(key) | Self::Named(key), Value::Dict(dict)) => dict.get(key),
            (step, Value::List(items)) => items.get(step.position(items)?),
            _ => None,
        }
    }

    fn of_mut<'a>(&self, value: &'a mut Value) -> Option<&'a mut Value> {
        match (self, value) {
            (Self::Key(key) | Self::Named(key), Value::Dict(dict)) => dict.get_mut(key),
            (step, Value::List(items)) => {
                let index = step.position(items)?;
                items.get_mut(index)
            }
            _ => None,
        }
    }

    fn all<'a>(&self, path: &Path, value: &'a Value) -> Vec<(Path, &'a Value)> {
        match (self, value) {
            (Self::AnyKey, Value::Dict(dict)) => dict.iter().map(|(key, item)| (path.key(key), item)).collect(),
            (Self::AnyItem, Value::List(items)) => {
                items.iter().enumerate().map(|(index, item)| (path.index(index), item)).collect()
            }
            (step, value) => step.of(value).map(|found| (path.with(step.clone()), found)).into_iter().collect(),
        }
    }
}

/// Returns the name of a serialized object in a list: its own, or its configuration's.
pub(crate) fn name_of(item: &Value) -> Option<&str> {
    let name = item.get("name").or_else(|| item.get("config")?.get("name"));
    name.and_then(Value::as_str)
}

fn needs_quotes(key: &str) -> bool {
    key.is_empty() || key == "*" || key.contains(['/', '.', '[', ']', '"'])
}

/// Reads up to the closing quote and bracket; `\"` and `\\` stand for the signs themselves.
fn unquoted(text: &str) -> Option<(String, &str)> {
    let mut name = String::new();
    let mut signs = text.char_indices();
    while let Some((at, sign)) = signs.next() {
        match sign {
            '\\' => name.push(signs.next()?.1),
            '"' => return text.get(at + 1..)?.strip_prefix(']').map(|rest| (name, rest)),
            sign => name.push(sign),
        }
    }
    None
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, step) in self.0.iter().enumerate() {
            let slash = if i == 0 { "" } else { "/" };
            match step {
                Step::Key(key) => write!(f, "{slash}{key}")?,
                Step::AnyKey => write!(f, "{slash}*")?,
                Step::AnyItem => f.write_str("[*]")?,
                Step::Index(index) => write!(f, "[{index}]")?,
                Step::Named(name) if needs_quotes(name) || name.parse::<usize>().is_ok() => {
                    write!(f, "[\"{}\"]", name.replace('\\', "\\\\").replace('"', "\\\""))?;
                }
                Step::Named(name) => write!(f, "[{name}]")?,
            }
        }
        Ok(())
    }
}

impl std::str::FromStr for Path {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::parse(text)
    }
}

/// Access to the parts of a value or configuration by their paths; see [`Path`].
///
/// ```
/// use keras_serial::json::{Access, value};
///
/// let mut config = value!({ "layers": [{ "name": "in" }, { "name": "dense", "config": { "units": 3 } }] });
/// assert_eq!(config.at("layers[1].config.units")?, &3.into());
/// config.set_at("layers[dense]/config/units", 4)?;
/// let all: Vec<String> = config.select("layers[*].name")?.into_iter().map(|(path, _)| path.to_string()).collect();
/// assert_eq!(all, ["layers[0]/name", "layers[1]/name"]);
/// let error = config.at("layers[1].config.unit").unwrap_err().to_string();
/// assert!(error.starts_with("layers[1]/config: no entry `unit`") && error.contains("did you mean `units`?"), "{error}");
/// # Ok::<(), keras_serial::Error>(())
/// ```
pub trait Access {
    /// Returns the value at a path.
    ///
    /// # Errors
    /// Where the path stops being there, with near names.
    fn at(&self, path: &str) -> Result<&Value>;

    /// Sets the value at a path, and returns the old one; the last step may be a new key of a dict.
    ///
    /// # Errors
    /// As [`Access::at`]; nothing is changed then.
    fn set_at(&mut self, path: &str, value: impl Into<Value>) -> Result<Option<Value>>;

    /// Removes the value at a path, and returns it.
    ///
    /// # Errors
    /// As [`Access::at`]; nothing is changed then.
    fn remove_at(&mut self, path: &str) -> Result<Value>;

    /// Returns the values that match a pattern, with their paths.
    ///
    /// # Errors
    /// When the pattern can't be parsed.
    fn select(&self, pattern: &str) -> Result<Vec<(Path, &Value)>>;

    /// Calls the function for every value and its path, containers before their contents.
    fn walk<'a>(&'a self, visit: &mut dyn FnMut(&Path, &'a Value));
}

impl Access for Value {
    fn at(&self, path: &str) -> Result<&Value> {
        Path::parse(path)?.get(self)
    }

    fn set_at(&mut self, path: &str, value: impl Into<Value>) -> Result<Option<Value>> {
        Path::parse(path)?.set(self, value.into())
    }

    fn remove_at(&mut self, path: &str) -> Result<Value> {
        Path::parse(path)?.remove(self)
    }

    fn select(&self, pattern: &str) -> Result<Vec<(Path, &Value)>> {
        Ok(Path::parse(pattern)?.select(self))
    }

    fn walk<'a>(&'a self, visit: &mut dyn FnMut(&Path, &'a Value)) {
        walk(&Path::default(), self, visit);
    }
}

fn walk<'a>(path: &Path, value: &'a Value, visit: &mut dyn FnMut(&Path, &'a Value)) {
    visit(path, value);
    match value {
        Value::List(items) => items.iter().enumerate().for_each(|(i, item)| walk(&path.index(i), item, visit)),
        Value::Dict(items) => items.iter().for_each(|(key, item)| walk(&path.key(key), item, visit)),
        _ => {}
    }
}

impl Access for Dict {
    fn at(&self, path: &str) -> Result<&Value> {
        let path = Path::parse(path)?;
        let found = path.first_key().and_then(|key| self.get(key));
        match found {
            Some(value) => path.rest(1).get(value).map_err(|error| error.at(path.first(1).to_string())),
            None => {
                let error = path.missing(0);
                Err(match path.first_key().and_then(|text| did_you_mean(text, self.keys().map(String::as_str))) {
                    Some(hint) => error.hint(hint),
                    None => error,
                })
            }
        }
    }

    fn set_at(&mut self, path: &str, value: impl Into<Value>) -> Result<Option<Value>> {
        if path.is_empty() {
            return Err(Error::new(ErrorKind::InvalidArgument, "an empty path").expected("the path of an entry"));
        }
        in_value(self, |whole| whole.set_at(path, value))
    }

    fn remove_at(&mut self, path: &str) -> Result<Value> {
        in_value(self, |whole| whole.remove_at(path))
    }

    fn select(&self, pattern: &str) -> Result<Vec<(Path, &Value)>> {
        let pattern = Path::parse(pattern)?;
        let Some(first) = pattern.0.first() else { return Ok(Vec::new()) };
        let of_first = self.iter().filter(|(key, _)| matches!(first, Step::AnyKey) || first.text() == Some(key));
        let rest = pattern.rest(1);
        let found = of_first.flat_map(|(key, value)| {
            let prefix = Path::default().key(key);
            let under = rest.select(value).into_iter();
            under.map(move |(path, value)| (Path(prefix.0.iter().chain(&path.0).cloned().collect()), value))
        });
        Ok(found.collect())
    }

    fn walk<'a>(&'a self, visit: &mut dyn FnMut(&Path, &'a Value)) {
        self.iter().for_each(|(key, item)| walk(&Path::default().key(key), item, visit));
    }
}

/// Changes a dict as a value.
fn in_value<T>(dict: &mut Dict, change: impl FnOnce(&mut Value) -> Result<T>) -> Result<T> {
    let mut whole = Value::Dict(std::mem::take(dict));
    let result = change(&mut whole);
    if let Value::Dict(changed) = whole {
        *dict = changed;
    }
    result
}
