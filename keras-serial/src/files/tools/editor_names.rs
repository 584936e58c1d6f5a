//! The configuration of an edited file: set values, and renamed objects.

use super::config_names::{self, name_at};
use super::editor::FileEditor;
use super::editor_objects::{Renamed, rename_group, split};
use crate::error::{Error, ErrorKind, Result, ResultExt};
use crate::files::{H5Attr, Layout, WeightTree, legacy};
use crate::json::{Names, Value, rename_in_compile};
use crate::registry;
use crate::utils::join;

/// A configuration with new names, and the names before and after, in order.
struct Named {
    config: Value,
    names: Vec<(String, String)>,
}

impl FileEditor {
    /// Sets the value at a path of the model's configuration, if the class that it belongs to accepts it, as
    /// [`registry::set`](crate::registry::set) does. Weights stay as they are.
    ///
    /// ```no_run
    /// use keras_serial::files::FileEditor;
    /// let mut editor = FileEditor::open("model.keras")?;
    /// editor.set_config("config/layers[dense]/config/activation", "relu")?;
    /// editor.save("edited.keras")?;
    /// # Ok::<(), keras_serial::Error>(())
    /// ```
    ///
    /// # Errors
    /// When the file has no configuration, or none at the path; when the class does not accept the value.
    pub fn set_config(&mut self, path: &str, value: impl Into<Value>) -> Result<()> {
        let lacking = || Error::new(ErrorKind::InvalidArgument, "the file has no configuration").at(path.to_owned());
        if self.file.layout != Layout::Legacy {
            return registry::set(self.file.config.as_mut().ok_or_else(lacking)?, path, value);
        }
        let text = self.tree.attrs.get("model_config").and_then(H5Attr::as_str).ok_or_else(lacking)?;
        let mut config = Value::parse(text).at("model_config")?;
        registry::set(&mut config, path, value).at("model_config")?;
        self.tree.attrs.insert("model_config".into(), H5Attr::Str(config.to_json()));
        Ok(())
    }

    /// Returns the path in the opened file of what has this path after the first `count` renames.
    fn original(&self, path: &str, count: usize) -> String {
        let mut path = path.to_owned();
        for renamed in self.renamed.iter().take(count).rev() {
            let after = renamed.after();
            if let Some(rest) = path.strip_prefix(&after).filter(|rest| rest.is_empty() || rest.starts_with('/')) {
                path = format!("{}{rest}", renamed.path);
            }
        }
        path
    }

    /// Returns the renames of objects that the opened file had, with their paths in it.
    fn of_file(&self) -> impl Iterator<Item = (String, &Renamed)> {
        let all = self.renamed.iter().enumerate();
        let all = all.map(|(count, renamed)| (self.original(&renamed.path, count), renamed));
        all.filter(|(original, _)| self.known.contains(original))
    }

    /// Returns a configuration of the file with the new names of its objects.
    ///
    /// # Errors
    /// When it has no name for a renamed object, or another object of the new name.
    fn renamed_in(&self, config: &Value) -> Result<Named> {
        let mut named = Named { config: config.clone(), names: Vec::new() };
        for (original, Renamed { name, .. }) in self.of_file() {
            let path = original.strip_prefix(legacy::WEIGHTS).unwrap_or(&original);
            let pointer = config_names::locate(config, self.file.layout, path).ok_or_else(|| {
                Error::new(ErrorKind::InvalidArgument, "the configuration has no name for the renamed object")
                    .expected("an object that the model's configuration names, as layers of its graph")
                    .received(format!("rename_object({original:?}, {name:?})"))
                    .hint("another object holds it in a field, under that field's name: save as weights alone")
                    .at(original.clone())
            })?;
            let old = name_at(&named.config, &pointer).map(str::to_owned);
            config_names::rename(&mut named.config, &pointer, name).at_with(|| original.clone())?;
            named.names.extend(old.map(|old| (old, name.clone())));
        }
        Ok(named)
    }

    /// Returns the model's configuration with the new names; `None` for weights alone.
    pub(super) fn named_config(&self) -> Result<Option<Value>> {
        self.file.config.as_ref().map(|config| Ok(self.renamed_in(config)?.config)).transpose()
    }

    /// Returns the weights under their paths in a whole model: Keras finds objects by the names of their classes,
    /// whatever their own names are.
    pub(super) fn tree_of_model(&self) -> Result<WeightTree> {
        let mut tree = self.tree.clone();
        for (count, renamed) in self.renamed.iter().enumerate().rev() {
            let (parent, name) = split(&renamed.path);
            if !self.known.contains(&self.original(&renamed.path, count)) {
                continue;
            }
            let Some(parent) = tree.group_mut(parent).filter(|parent| parent.groups.contains_key(&renamed.name)) else {
                continue;
            };
            if parent.groups.contains_key(name) {
                let text = "another object is in the place of the renamed one";
                return Err(Error::new(ErrorKind::InvalidArgument, text)
                    .hint("a whole model has its objects where their classes put them: save as weights alone")
                    .at(renamed.path.clone()));
            }
            rename_group(parent, &renamed.name, name);
        }
        Ok(tree)
    }

    /// Returns the contents of a legacy file with the new names in its configurations.
    pub(super) fn legacy_tree(&self) -> Result<WeightTree> {
        let mut tree = self.tree.clone();
        let text = |name: &str| tree.attrs.get(name).and_then(H5Attr::as_str).map(str::to_owned);
        let (model, training) = (text("model_config"), text("training_config"));
        let Some(model) = model.filter(|_| !self.renamed.is_empty()) else { return Ok(tree) };
        let config = Value::parse(&model).at("model_config")?;
        let named = self.renamed_in(&config).at("model_config")?;
        if let Some(training) = training {
            let mut training = Value::parse(&training).at("training_config")?;
            if let Value::Dict(training) = &mut training {
                for (old, new) in &named.names {
                    rename_in_compile(training, &Names::from([(old.as_str(), new.as_str())]));
                }
            }
            tree.attrs.insert("training_config".into(), H5Attr::Str(training.to_json()));
        }
        tree.attrs.insert("model_config".into(), H5Attr::Str(named.config.to_json()));
        Ok(tree)
    }

    /// Returns the paths of objects that have this name, for files that store names with the weights.
    pub(super) fn paths_of_name(&self, name: &str) -> Vec<String> {
        fn walk(path: &str, tree: &WeightTree, name: &str, found: &mut Vec<String>) {
            let vars = tree.groups.get("vars").and_then(|vars| vars.attrs.get("name"));
            if vars.and_then(H5Attr::as_str) == Some(name) && !path.is_empty() {
                found.push(path.to_owned());
            }
            tree.groups.iter().for_each(|(key, group)| walk(&join(path, key), group, name, found));
        }
        let mut found = Vec::new();
        walk("", &self.tree, name, &mut found);
        found
    }
}
