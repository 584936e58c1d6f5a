//! Checks while saving that the file could be loaded again: nesting, text lengths, ambiguous names.

use super::{Limits, WeightTree};
use crate::error::{Error, Result, ResultExt};
use crate::json::Value;
use crate::registry;
use crate::utils::join;

/// Checks that the configuration with this text could be loaded within the limits.
///
/// # Errors
/// [`ErrorKind::Limit`](crate::ErrorKind::Limit) with the limit that it exceeds;
/// [`ErrorKind::DuplicateObject`](crate::ErrorKind::DuplicateObject) with the place in the configuration.
pub(crate) fn check_config(config: &Value, text: &str, limits: &Limits) -> Result<()> {
    Limits::check("bytes of a JSON text", text.len() as u64, limits.max_config_bytes).map_err(unloadable)?;
    let mut walk = Walk { limits, items: 0, objects: 0, deepest: 0 };
    walk.value(config, 1, &mut Vec::new())?;
    let counts = [
        ("values in a JSON text", walk.items, limits.max_config_items),
        ("lists and dicts inside each other", walk.deepest, limits.max_json_depth),
    ];
    counts
        .into_iter()
        .try_for_each(|(what, count, most)| Limits::check(what, count as u64, most as u64).map_err(unloadable))
}

/// Checks that weights at these paths could be loaded within the limits.
///
/// # Errors
/// [`ErrorKind::Limit`](crate::ErrorKind::Limit) with the path.
pub(crate) fn check_tree(tree: &WeightTree, limits: &Limits) -> Result<()> {
    fn walk(tree: &WeightTree, path: &str, depth: usize, limits: &Limits) -> Result<()> {
        Limits::check("HDF5 groups inside each other", depth as u64, limits.max_depth as u64)
            .and_then(|()| Limits::check("bytes of a path", path.len() as u64, limits.max_path_bytes as u64))
            .map_err(unloadable)
            .at_with(|| path.to_owned())?;
        tree.groups.iter().try_for_each(|(name, group)| walk(group, &join(path, name), depth + 1, limits))
    }
    walk(tree, "", 0, limits)
}

fn unloadable(error: Error) -> Error {
    error.hint(
        "what is saved so could not be loaded: raise the limit in `SaveOptions::limits`, and in `LoadOptions::limits` \
         where it is to be loaded",
    )
}

struct Walk<'a> {
    limits: &'a Limits,
    items: usize,
    /// The number of objects around the current value.
    objects: usize,
    deepest: usize,
}

impl<'a> Walk<'a> {
    fn value(&mut self, value: &'a Value, depth: usize, path: &mut Vec<&'a str>) -> Result<()> {
        self.items += 1;
        match value {
            Value::List(items) => {
                self.deepest = self.deepest.max(depth);
                items.iter().try_for_each(|item| self.value(item, depth + 1, path))
            }
            Value::Dict(dict) => {
                self.deepest = self.deepest.max(depth);
                let class = dict.get("class_name").and_then(Value::as_str).filter(|_| dict.contains_key("config"));
                let place = |path: &[&str]| path.join("/");
                if let Some(name) = class.and_then(|class| registered_name(value, class)) {
                    registry::check_unique(name).at_with(|| place(path))?;
                }
                let is_object = class.is_some_and(|class| class != "function" && !class.starts_with("__"));
                self.objects += usize::from(is_object);
                Limits::check("objects inside each other", self.objects as u64, self.limits.max_nesting as u64)
                    .map_err(unloadable)
                    .at_with(|| place(path))?;
                for (key, item) in dict {
                    path.push(key);
                    self.value(item, depth + 1, path)?;
                    path.pop();
                }
                self.objects -= usize::from(is_object);
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

/// Returns the name by which a serialized object is looked up in the registry.
fn registered_name<'a>(form: &'a Value, class: &str) -> Option<&'a str> {
    let text = |key: &str| form.get(key).and_then(Value::as_str);
    if class == "function" { text("config") } else { text("registered_name") }
}
