//! Edits the weights in a file without building the model (`keras.saving.KerasFileEditor`).

use std::collections::HashSet;
use std::io::Write;
use std::path::Path;

use super::editor_objects::{
    Comparison, Renamed, group_paths, objects, rename_group, rename_in_list, retain_in_lists, split, structure,
};
use crate::array::TensorBytes;
use crate::error::{Error, ErrorKind, Result, ResultExt, did_you_mean};
use crate::files::{
    H5Attr, Layout, Limits, ModelFile, Parts, WeightTree, legacy, names, safetensors, write_atomically, write_hdf5,
    write_shards,
};
use crate::utils::join;

/// An editor for a weights file: inspects, renames, deletes and adds objects and weights.
///
/// An object is named by its path (`layers/dense_1`), or by its name alone if that is unique: the last name of its
/// path, or the layer's own. Follows <https://keras.io/api/saving/keras_file_editor>, for every file format.
///
/// ```no_run
/// use keras_serial::files::FileEditor;
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

impl FileEditor {
    /// Opens a file of any format.
    ///
    /// # Errors
    /// As [`ModelFile::open`]; also when the file holds nothing.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        Self::of(ModelFile::open(path, &Limits::default())?).at_with(|| path.display().to_string())
    }

    /// Edits a file that is already open.
    ///
    /// # Errors
    /// When the file holds neither weights nor a configuration.
    pub fn of(mut file: ModelFile) -> Result<Self> {
        let known = group_paths(&file);
        let tree = match file.weights.take() {
            None if file.config.is_none() => return Err(Error::new(ErrorKind::Weights, "the file holds no weights")),
            tree => tree.unwrap_or_default(),
        };
        Ok(Self { file, tree, known, renamed: Vec::new() })
    }

    /// Returns the weights in their present state.
    pub fn weights(&self) -> &WeightTree {
        &self.tree
    }

    /// Returns how the file names weights.
    pub(crate) fn layout(&self) -> Layout {
        self.file.layout
    }

    /// Returns a text of the objects and their weights, indented by nesting.
    pub fn summary(&self) -> String {
        let mut text = "Weights structure\n".to_owned();
        structure(&self.tree, &mut text);
        text
    }

    /// Compares the file to other weights, named in the same way: objects, weights and shapes, not values.
    pub fn compare_weights(&self, reference: &WeightTree) -> Comparison {
        Comparison::of(&self.tree, reference)
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
            Layout::Paths if is(".json") && !is(".weights.json") && self.tree.is_empty() => {
                let config = self.named_config()?.unwrap_or_default();
                write_atomically(path, |file| Ok(file.write_all(config.to_json().as_bytes())?))
            }
            Layout::Paths if is(".weights.json") => {
                let order = self.tree.groups_with_contents();
                write_shards(&self.tree, &order, path, 5.0 * f64::from(1 << 30), &Limits::default(), true)
            }
            Layout::Paths if is(".keras") => self.parts(&name)?.write_file(path, true),
            Layout::Paths if path.extension().is_none() => {
                self.parts(&name)?.write_directory(path, true).at_with(|| name.into_owned())
            }
            Layout::Legacy if !is(".weights.h5") && (is(".h5") || is(".hdf5")) => {
                write_hdf5(&self.legacy_tree()?, path, &Limits::default(), true)
            }
            Layout::Own | Layout::Paths if is(".safetensors") => {
                let config = self.named_config()?.as_ref().map(crate::json::Value::to_json);
                safetensors::write_tree(&self.tree, config.filter(|_| self.file.layout == Layout::Own), path, true)
            }
            layout => {
                let expected = match layout {
                    Layout::Paths => "`.weights.h5`, `.weights.json`, `.safetensors`, `.keras` or a directory",
                    Layout::Legacy => "`.h5` or `.hdf5`",
                    Layout::Own => "`.safetensors`",
                };
                Err(Error::new(ErrorKind::InvalidArgument, "Invalid `filepath` argument")
                    .expected(expected)
                    .received(format!("filepath={name}"))
                    .hint("`files::convert` changes how weights are named")
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

fn not_found(path: &str, tree: &WeightTree) -> Error {
    let mut known = Vec::new();
    objects("", tree, &mut |path, _| known.push(path));
    let error = Error::new(ErrorKind::Weights, format!("Path '{path}' not found in model")).at(path.to_owned());
    match did_you_mean(path, known.iter().map(String::as_str)) {
        Some(near) => error.hint(near),
        None => error,
    }
}
