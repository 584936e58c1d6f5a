//! The objects and weights of an edited file: listed, and compared to those of a model.

use std::collections::{BTreeMap, HashSet};

use indexmap::IndexMap;
use serde::Serialize;

use crate::files::{H5Attr, ModelFile, WeightTree};
use crate::utils::join;

/// The result of comparing a file's weights to those of a model.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Comparison {
    /// `success` or `error`.
    pub status: &'static str,
    /// The number of objects or weights that differ.
    pub error_count: usize,
    /// The number of weights that are in both, with the same shape.
    pub match_count: usize,
    /// The differences, one line each.
    pub errors: Vec<String>,
}

/// Calls `visit` with the path and the name of every object.
pub(super) fn objects<'a>(path: &str, tree: &'a WeightTree, visit: &mut dyn FnMut(String, &'a str)) {
    for (name, group) in &tree.groups {
        if name != "vars" {
            visit(join(path, name), name);
        }
        objects(&join(path, name), group, visit);
    }
}

fn lists_of<'a>(attrs: &'a mut BTreeMap<String, H5Attr>, name: &'a str) -> impl Iterator<Item = &'a mut Vec<String>> {
    let is_part =
        move |key: &str| key.strip_prefix(name).is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_digit()));
    attrs.iter_mut().filter(move |(key, _)| is_part(key)).filter_map(|(_, value)| match value {
        H5Attr::StrList(list) => Some(list),
        _ => None,
    })
}

/// Renames an entry of a list of names, which may be split over several attributes.
pub(super) fn rename_in_list(attrs: &mut BTreeMap<String, H5Attr>, list: &str, old: &str, new: &str) {
    for name in lists_of(attrs, list).flatten().filter(|name| *name == old) {
        new.clone_into(name);
    }
}

/// Removes entries of such a list.
pub(super) fn retain_in_lists(attrs: &mut BTreeMap<String, H5Attr>, list: &str, keep: impl Fn(&str) -> bool) {
    lists_of(attrs, list).for_each(|list| list.retain(|name| keep(name)));
}

/// An object or the shape of a weight; weights of a group `vars` belong to the object itself.
enum Node {
    Object(IndexMap<String, Node>),
    Weight(Vec<usize>, String),
}

fn spec(tree: &WeightTree) -> IndexMap<String, Node> {
    let mut nodes = IndexMap::new();
    for (name, tensor) in &tree.tensors {
        let dtype = tensor.dtype().map_or("unknown", |dtype| dtype.name());
        nodes.insert(name.clone(), Node::Weight(tensor.shape().to_vec(), dtype.to_owned()));
    }
    for (name, group) in &tree.groups {
        let inner = spec(group);
        match name.as_str() {
            "vars" => nodes.extend(inner),
            _ if inner.is_empty() => {}
            name => {
                nodes.insert(name.to_owned(), Node::Object(inner));
            }
        }
    }
    nodes
}

/// Adds a line for each object and weight, indented by nesting.
pub(super) fn structure(tree: &WeightTree, text: &mut String) {
    indented(&spec(tree), 1, text);
}

fn indented(nodes: &IndexMap<String, Node>, depth: usize, text: &mut String) {
    let indent = "  ".repeat(depth);
    for (name, node) in nodes {
        match node {
            Node::Object(inner) => {
                text.push_str(&format!("{indent}{name}\n"));
                indented(inner, depth + 1, text);
            }
            Node::Weight(shape, dtype) => text.push_str(&format!("{indent}{name}: shape={shape:?}, dtype={dtype}\n")),
        }
    }
}

impl Comparison {
    /// Compares the objects, weights and shapes of a file to those of a model.
    pub(super) fn of(file: &WeightTree, model: &WeightTree) -> Self {
        let mut comparison = Self { status: "success", error_count: 0, match_count: 0, errors: Vec::new() };
        comparison.walk(&spec(file), &spec(model), "");
        comparison.error_count = comparison.errors.len();
        if comparison.error_count > 0 {
            comparison.status = "error";
        }
        comparison
    }

    fn walk(&mut self, file: &IndexMap<String, Node>, model: &IndexMap<String, Node>, path: &str) {
        let missing = |node: &Node, path: &str, here: &str, there: &str| {
            let what = if matches!(node, Node::Object(_)) { "Object" } else { "Weight" };
            format!("{what} {path} present in {here}, missing from {there}")
        };
        for (name, expected) in model {
            let path = join(path, name);
            match (file.get(name), expected) {
                (None, node) => self.errors.push(missing(node, &path, "reference model", "saved file")),
                (Some(Node::Object(file)), Node::Object(model)) => self.walk(file, model, &path),
                (Some(Node::Weight(found, _)), Node::Weight(shape, _)) if found == shape => self.match_count += 1,
                (Some(Node::Weight(found, _)), Node::Weight(shape, _)) => self.errors.push(format!(
                    "Weight shape mismatch for {path}: in reference model: shape={shape:?}, in saved file: shape={found:?}"
                )),
                (Some(_), _) => self.errors.push(format!("{path} is an object in one, a weight in the other")),
            }
        }
        for (name, node) in file.iter().filter(|(name, _)| !model.contains_key(*name)) {
            self.errors.push(missing(node, &join(path, name), "saved file", "reference model"));
        }
    }
}

impl std::fmt::Display for Comparison {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for error in &self.errors {
            writeln!(f, "...{error}")?;
        }
        match self.error_count {
            0 => writeln!(f, "Comparison successful: {} matching weights", self.match_count),
            count => writeln!(f, "Found {count} errors: the file is not compatible with the reference model"),
        }
    }
}

/// An object that got another name: its path before, and the name.
#[derive(Debug, Clone)]
pub(super) struct Renamed {
    pub(super) path: String,
    pub(super) name: String,
}

impl Renamed {
    /// The path of the object since then.
    pub(super) fn after(&self) -> String {
        join(split(&self.path).0, &self.name)
    }
}

/// Splits a path into that of the parent and the last name.
pub(super) fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}

/// Renames a group inside another one; it keeps its place in the order.
pub(super) fn rename_group(parent: &mut WeightTree, old: &str, new: &str) {
    let groups = std::mem::take(&mut parent.groups);
    let renamed = |key: String| if key == old { new.to_owned() } else { key };
    parent.groups = groups.into_iter().map(|(key, group)| (renamed(key), group)).collect();
}

/// Returns the paths of all groups of a file.
pub(super) fn group_paths(file: &ModelFile) -> HashSet<String> {
    fn walk(path: &str, tree: &WeightTree, out: &mut HashSet<String>) {
        for (name, group) in &tree.groups {
            let path = join(path, name);
            walk(&path, group, out);
            out.insert(path);
        }
    }
    let mut out = HashSet::new();
    if let Some(tree) = &file.weights {
        walk("", tree, &mut out);
    }
    out
}
