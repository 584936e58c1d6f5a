//! Edits the weights in a file without building the model (`keras.saving.KerasFileEditor`).

use std::collections::HashSet;
use std::path::Path;

use indexmap::IndexMap;
use serde::Serialize;

use super::contents::Layout;
use super::editor_names::{Renamed, group_paths, rename_group};
use super::parts::Parts;
use super::stored::{WeightTree, join, names};
use super::written::write_hdf5;
use super::{H5Attr, Limits, ModelFile, legacy, shards, weights};
use crate::error::{Error, ErrorKind, Result, ResultExt, did_you_mean};
use crate::models::Model;
use crate::tensor::TensorBytes;

/// An editor for a weights file: inspects, renames, deletes and adds objects and weights.
///
/// An object is named by its path (`layers/dense_1`), or by its name alone if that is unique: the last name of its
/// path, or the layer's own. Follows <https://keras.io/api/saving/keras_file_editor>, for every file format.
///
/// ```no_run
/// use keras_serial::saving::FileEditor;
/// let mut editor = FileEditor::open("model.weights.h5")?;
/// println!("{}", editor.summary());
/// editor.rename_object("dense", "classifier")?;
/// editor.delete_object("layers/dropout")?;
/// editor.save("edited.weights.h5")?;
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct FileEditor {
    pub(super) file: ModelFile,
    pub(super) tree: WeightTree,
    /// The groups of the opened file.
    pub(super) known: HashSet<String>,
    pub(super) renamed: Vec<Renamed>,
}

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

impl FileEditor {
    /// Opens a file of any format.
    ///
    /// # Errors
    /// As [`ModelFile::open`]; also when the file holds no weights.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        Self::of(ModelFile::open(path, &Limits::default())?).at_with(|| path.display().to_string())
    }

    /// Edits a file that is already open.
    ///
    /// # Errors
    /// When the file holds no weights.
    pub fn of(mut file: ModelFile) -> Result<Self> {
        let known = group_paths(&file);
        let tree = file.weights.take().ok_or_else(|| Error::new(ErrorKind::Weights, "the file holds no weights"))?;
        Ok(Self { file, tree, known, renamed: Vec::new() })
    }

    /// Returns the weights in their present state.
    pub fn weights(&self) -> &WeightTree {
        &self.tree
    }

    /// Returns a text of the objects and their weights, indented by nesting.
    pub fn summary(&self) -> String {
        let mut text = "Weights structure\n".to_owned();
        structure(&spec(&self.tree), 1, &mut text);
        text
    }

    /// Compares the file to a model: objects, weights and shapes, not values.
    ///
    /// # Errors
    /// When the model's weights can't be laid out as in the file.
    pub fn compare(&self, model: &Model) -> Result<Comparison> {
        let reference = match self.file.layout {
            Layout::Paths => weights::build(model.as_layer(), &[])?.0,
            Layout::Legacy => {
                let root = legacy::build(model.as_layer())?;
                let is_whole = self.tree.groups.contains_key(legacy::WEIGHTS);
                let mut tree = WeightTree::default();
                if is_whole {
                    tree.groups.insert(legacy::WEIGHTS.into(), root);
                    tree
                } else {
                    root
                }
            }
            #[cfg(feature = "safetensors")]
            Layout::Own => {
                let mut tree = WeightTree::default();
                for (key, tensor) in super::safetensors::build(model.as_layer())? {
                    tree.insert(&key, tensor)?;
                }
                tree
            }
        };
        let mut comparison = Comparison { status: "success", error_count: 0, match_count: 0, errors: Vec::new() };
        comparison.walk(&spec(&self.tree), &spec(&reference), "");
        comparison.error_count = comparison.errors.len();
        if comparison.error_count > 0 {
            comparison.status = "error";
        }
        Ok(comparison)
    }

    /// Renames an object; its place in the order stays.
    ///
    /// A configuration of the file follows when it is saved: the name of the layer, all that refers to it
    /// (calls, inputs and outputs of the graph), and the losses and metrics of an output. In a whole model
    /// (`.keras`), weights stand under names of classes, whatever the layers are called; there the new name is
    /// that of the layer, and the path stays.
    ///
    /// # Errors
    /// When there is no such object, its name is ambiguous, or the new name is a path or taken.
    pub fn rename_object(&mut self, object: &str, new_name: &str) -> Result<()> {
        if new_name.contains('/') || matches!(new_name, "" | "." | ".." | "vars") || new_name.contains('\0') {
            return Err(Error::new(
                ErrorKind::InvalidArgument,
                "the new name should be a leaf name, not a full path name",
            )
            .received(format!("new_name={new_name:?}"))
            .at(object.to_owned()));
        }
        let path = self.find(object)?;
        let (parent, name) = split(&path);
        if self.file.layout == Layout::Legacy && self.depth(&path) != 1 {
            return Err(not_found(&path, &self.tree).hint("only whole layers of a file of this form have names"));
        }
        let parent = self.group(parent)?;
        if parent.groups.contains_key(new_name) || parent.tensors.contains_key(new_name) {
            return Err(Error::new(ErrorKind::InvalidArgument, "an object of this name is there already")
                .at(new_name.to_owned()));
        }
        rename_group(parent, name, new_name);
        let vars = parent.groups.get_mut(new_name).and_then(|group| group.groups.get_mut("vars"));
        if let Some(H5Attr::Str(own)) = vars.and_then(|vars| vars.attrs.get_mut("name")) {
            new_name.clone_into(own);
        }
        rename_in_list(&mut parent.attrs, "layer_names", name, new_name);
        self.renamed.push(Renamed { path, name: new_name.to_owned() });
        Ok(())
    }

    /// Deletes an object and everything in it.
    ///
    /// # Errors
    /// When there is no such object, or the name is ambiguous.
    pub fn delete_object(&mut self, object: &str) -> Result<()> {
        let path = self.find(object)?;
        let (parent, name) = split(&path);
        let parent = self.group(parent)?;
        parent.groups.shift_remove(name);
        retain_in_lists(&mut parent.attrs, "layer_names", |known| known != name);
        Ok(())
    }

    /// Adds an object with named weights (usually `0`, `1`, …) at a path whose parent exists.
    ///
    /// # Errors
    /// When the parent does not exist, or the path is taken.
    pub fn add_object(
        &mut self,
        path: &str,
        weights: impl IntoIterator<Item = (impl Into<String>, TensorBytes)>,
    ) -> Result<()> {
        let path = names(path).collect::<Vec<_>>().join("/");
        let (parent_path, name) = split(&path);
        let taken = |tree: &WeightTree| tree.groups.contains_key(name) || tree.tensors.contains_key(name);
        let parent = self.tree.group(parent_path).ok_or_else(|| not_found(parent_path, &self.tree))?;
        if name.is_empty() || taken(parent) {
            return Err(Error::new(ErrorKind::InvalidArgument, "an object is there already, or the path is empty")
                .at(path.clone()));
        }
        let mut group = WeightTree::default();
        let inner = if self.file.layout == Layout::Paths { "vars" } else { "" };
        for (key, tensor) in weights {
            group.insert(&join(inner, &key.into()), tensor)?;
        }
        if self.file.layout == Layout::Legacy {
            group.attrs.insert("weight_names".into(), H5Attr::StrList(group.paths()));
        }
        let parent = self.group(parent_path)?;
        parent.groups.insert(name.to_owned(), group);
        if let Some(H5Attr::StrList(list)) = parent.attrs.get_mut("layer_names") {
            list.push(name.to_owned());
        }
        Ok(())
    }

    /// Adds weights to an object; replaces those with the same names.
    ///
    /// # Errors
    /// When there is no such object, or its name is ambiguous.
    pub fn add_weights(
        &mut self,
        object: &str,
        weights: impl IntoIterator<Item = (impl Into<String>, TensorBytes)>,
    ) -> Result<()> {
        let path = self.find(object)?;
        let is_legacy = self.file.layout == Layout::Legacy;
        let place = self.vars(&path);
        let group = self.group(&place)?;
        for (name, tensor) in weights {
            let name = name.into();
            let is_new = group.tensor(&name).is_none();
            group.insert(&name, tensor).at_with(|| place.clone())?;
            if is_legacy
                && is_new
                && let Some(H5Attr::StrList(list)) = group.attrs.get_mut("weight_names")
            {
                list.push(name);
            }
        }
        Ok(())
    }

    /// Deletes a weight of an object.
    ///
    /// # Errors
    /// When there is no such object or weight, or the name is ambiguous.
    pub fn delete_weight(&mut self, object: &str, weight: &str) -> Result<()> {
        let path = self.find(object)?;
        let place = self.vars(&path);
        let group = self.group(&place)?;
        let (inner, name) = split(weight);
        let found: Vec<String> = group.paths();
        let removed = group.group_mut(inner).and_then(|group| group.tensors.shift_remove(name));
        if removed.is_none() {
            return Err(Error::new(ErrorKind::Weights, format!("Weight {weight} not found in object {object}"))
                .expected(format!("one of {}", found.join(", ")))
                .at(place));
        }
        retain_in_lists(&mut group.attrs, "weight_names", |known| known != weight);
        Ok(())
    }

    /// Saves the edited file, in a format that names weights as the opened file does.
    ///
    /// # Errors
    /// When the path's suffix is that of another format, or the system refuses.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        let name = path.to_string_lossy();
        let is = |suffix: &str| name.ends_with(suffix);
        match self.file.layout {
            Layout::Paths if is(".weights.h5") => write_hdf5(&self.tree, path, &Limits::default(), true),
            Layout::Paths if is(".weights.json") => {
                let order = self.tree.groups_with_contents();
                shards::write(&self.tree, &order, path, 5.0 * f64::from(1 << 30), &Limits::default(), true)
            }
            Layout::Paths if is(".keras") => self.parts(&name)?.write_file(path, true),
            Layout::Paths if path.extension().is_none() => {
                self.parts(&name)?.write_directory(path, true).at_with(|| name.into_owned())
            }
            Layout::Legacy if !is(".weights.h5") && (is(".h5") || is(".hdf5")) => {
                write_hdf5(&self.legacy_tree()?, path, &Limits::default(), true)
            }
            #[cfg(feature = "safetensors")]
            Layout::Own | Layout::Paths if is(".safetensors") => {
                let config = self.named_config()?.as_ref().map(crate::json::Value::to_json);
                super::safetensors::write_tree(
                    &self.tree,
                    config.filter(|_| self.file.layout == Layout::Own),
                    path,
                    true,
                )
            }
            layout => {
                let expected = match layout {
                    Layout::Paths => "`.weights.h5`, `.weights.json`, `.safetensors`, `.keras` or a directory",
                    Layout::Legacy => "`.h5` or `.hdf5`",
                    #[cfg(feature = "safetensors")]
                    Layout::Own => "`.safetensors`",
                };
                Err(Error::new(ErrorKind::InvalidArgument, "Invalid `filepath` argument")
                    .expected(expected)
                    .received(format!("filepath={name}"))
                    .hint("`saving::convert` changes how weights are named")
                    .at(name.into_owned()))
            }
        }
    }

    fn parts(&self, name: &str) -> Result<Parts> {
        let config = self.named_config()?.ok_or_else(|| {
            Error::new(
                ErrorKind::InvalidArgument,
                "the opened file has no configuration, so it can't become a whole model",
            )
            .received(format!("filepath={name}"))
            .at(name.to_owned())
        })?;
        let assets = self.file.assets.iter().map(|(name, bytes)| (name.clone(), bytes.to_vec())).collect();
        let state = self.file.training_state.as_ref().map(crate::json::Value::to_json);
        let parts = Parts::new(config.to_json(), self.tree_of_model()?, assets, false)?;
        Ok(parts.with(state, Limits::default()))
    }

    /// Finds the path of an object, by its path or its name.
    fn find(&self, object: &str) -> Result<String> {
        if object.contains('/') {
            let path = names(object).collect::<Vec<_>>().join("/");
            return match self.tree.group(&path) {
                Some(_) if !path.is_empty() => Ok(path),
                _ => Err(not_found(&path, &self.tree)),
            };
        }
        let mut found = Vec::new();
        let mut known = Vec::new();
        objects("", &self.tree, &mut |path, name| {
            // Groups inside a legacy layer's group are parts of the weights' names.
            if self.file.layout == Layout::Legacy && self.depth(&path) > 1 {
                return;
            }
            if name == object {
                found.push(path.clone());
            }
            known.push(name.to_owned());
        });
        if found.is_empty() {
            found = self.paths_of_name(object);
        }
        match found.as_slice() {
            [path] => Ok(path.clone()),
            [] => {
                let error =
                    Error::new(ErrorKind::Weights, format!("Source name '{object}' does not appear in the model"));
                Err(match did_you_mean(object, known.iter().map(String::as_str)) {
                    Some(near) => error.hint(near),
                    None => error.hint("`summary` lists all objects"),
                }
                .at(object.to_owned()))
            }
            several => Err(Error::new(
                ErrorKind::InvalidArgument,
                format!("Name '{object}' occurs more than once in the model; try passing a complete path"),
            )
            .received(several.join(", "))
            .at(object.to_owned())),
        }
    }

    /// Returns the number of objects in a path of a legacy file.
    fn depth(&self, path: &str) -> usize {
        names(path).count() - usize::from(names(path).next() == Some(legacy::WEIGHTS))
    }

    /// Returns the path of the group that holds an object's own weights.
    fn vars(&self, path: &str) -> String {
        let vars = join(path, "vars");
        if self.tree.group(&vars).is_some() { vars } else { path.to_owned() }
    }

    fn group(&mut self, path: &str) -> Result<&mut WeightTree> {
        if self.tree.group(path).is_none() {
            return Err(not_found(path, &self.tree));
        }
        self.tree.make_group(path)
    }
}

pub(super) fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}

fn not_found(path: &str, tree: &WeightTree) -> Error {
    let mut known = Vec::new();
    objects("", tree, &mut |path, _| known.push(path));
    let error = Error::new(ErrorKind::Weights, format!("Path '{path}' not found in model")).at(path.to_owned());
    match did_you_mean(path, known.iter().map(String::as_str)) {
        Some(near) => error.hint(near),
        None => error,
    }
}

fn objects<'a>(path: &str, tree: &'a WeightTree, visit: &mut dyn FnMut(String, &'a str)) {
    for (name, group) in &tree.groups {
        if name != "vars" {
            visit(join(path, name), name);
        }
        objects(&join(path, name), group, visit);
    }
}

fn lists_of<'a>(
    attrs: &'a mut std::collections::BTreeMap<String, H5Attr>,
    name: &'a str,
) -> impl Iterator<Item = &'a mut Vec<String>> {
    let is_part =
        move |key: &str| key.strip_prefix(name).is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_digit()));
    attrs.iter_mut().filter(move |(key, _)| is_part(key)).filter_map(|(_, value)| match value {
        H5Attr::StrList(list) => Some(list),
        _ => None,
    })
}

fn rename_in_list(attrs: &mut std::collections::BTreeMap<String, H5Attr>, list: &str, old: &str, new: &str) {
    for name in lists_of(attrs, list).flatten().filter(|name| *name == old) {
        new.clone_into(name);
    }
}

fn retain_in_lists(attrs: &mut std::collections::BTreeMap<String, H5Attr>, list: &str, keep: impl Fn(&str) -> bool) {
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

fn structure(nodes: &IndexMap<String, Node>, depth: usize, text: &mut String) {
    let indent = "  ".repeat(depth);
    for (name, node) in nodes {
        match node {
            Node::Object(inner) => {
                text.push_str(&format!("{indent}{name}\n"));
                structure(inner, depth + 1, text);
            }
            Node::Weight(shape, dtype) => text.push_str(&format!("{indent}{name}: shape={shape:?}, dtype={dtype}\n")),
        }
    }
}

impl Comparison {
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
