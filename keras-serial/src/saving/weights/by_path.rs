//! Loads and saves a model's weights in the layout of Keras 3.

use std::collections::{HashMap, HashSet};

use rayon::prelude::*;

use super::kept::Kept;
use super::layout::{Contents, Place, places, places_in};
use super::optimizers;
use super::report::{LoadReport, Mismatch, Missing};
use super::rules::{Rules, is_within};
use super::unread::UnreadGroup;
use crate::array::TensorBytes;
use crate::error::{Result, ResultExt};
use crate::files::{H5Attr, Layout, StoredTensor, WeightTree};
use crate::layers::LayerRef;
use crate::tensor::{Shape, Tensor};
use crate::utils::join;
use crate::variable::Variable;

/// Collects a group and all groups below it, with their paths.
pub(in crate::saving) fn keep(path: &str, group: &WeightTree, kept: &mut Vec<UnreadGroup>) -> Result<()> {
    let tensors: Vec<_> = group.tensors.iter().collect();
    let datasets = tensors.into_par_iter().map(|(name, tensor)| Ok((name.clone(), tensor.read()?)));
    kept.push(UnreadGroup {
        path: path.to_owned(),
        attrs: group.attrs.iter().map(|(name, value)| (name.clone(), value.clone())).collect(),
        datasets: datasets.collect::<Result<_>>()?,
    });
    group.groups.iter().try_for_each(|(name, group)| keep(&format!("{path}/{name}"), group, kept))
}

/// Builds the tree of a model's weights by the paths of its layers, and the list of groups in Keras's
/// order.
pub(in crate::saving) fn build(model: &LayerRef, skipped: &[LayerRef]) -> Result<(WeightTree, Vec<String>)> {
    let mut file = WeightTree::default();
    let mut order = Vec::new();
    for Place { path, layer } in places(model) {
        if is_within(skipped, &layer) {
            continue;
        }
        if let Some(kept) = Kept::of(&layer) {
            let tree = kept.in_layout(&layer, Layout::Paths)?;
            file.make_group(&path)?.merge(&tree);
            order.extend(tree.groups_with_contents().iter().map(|below| join(&path, below)));
        }
        if layer.placeholder().is_some() {
            continue;
        }
        let vars = join(&path, "vars");
        let group = file.make_group(&vars)?;
        group.attrs.insert("name".into(), H5Attr::Str(layer.name().to_owned()));
        let values = layer.values_in_files()?;
        for (index, variable) in layer.saved_weights().iter().enumerate() {
            let bytes = value_in_files(variable, &values).at_with(|| variable.path().to_owned())?;
            group.tensors.insert(index.to_string(), bytes.into());
        }
        for (name, value) in layer.own_state().named_state().at_with(|| layer.name().to_owned())? {
            group.tensors.insert(name.to_owned(), value.to_bytes()?.into());
        }
        order.push(vars);
    }
    for kept in optimizers::states_of_keras3(model)? {
        let target = file.make_group(&kept.path)?;
        target.attrs.extend(kept.attrs);
        target.tensors.extend(kept.datasets.into_iter().map(|(name, data)| (name, data.into())));
        order.push(kept.path);
    }
    Ok((file, order))
}

/// Reads a tensor of a file at a path, which errors name.
pub(in crate::saving) fn read(tensor: &StoredTensor, path: &str) -> Result<Tensor> {
    tensor.read().and_then(|data| Tensor::from_bytes(&data)).map_err(|error| error.or_at(path))
}

/// Returns the value of a weight as files hold it.
pub(in crate::saving) fn value_in_files(variable: &Variable, of_layer: &HashMap<u64, Tensor>) -> Result<TensorBytes> {
    match of_layer.get(&variable.id()) {
        Some(value) => value.to_bytes(),
        None => variable.value_in_files()?.to_bytes(),
    }
}

/// Returns what files hold for those weights of a model whose own value is not what is saved.
pub(in crate::saving) fn values_in_files(model: &LayerRef) -> Result<HashMap<u64, Tensor>> {
    let layers = model.with_layers_below();
    Ok(layers.iter().map(LayerRef::values_in_files).collect::<Result<Vec<_>>>()?.into_iter().flatten().collect())
}

/// The planned load of a file's weights into a model, before anything is changed.
#[derive(Default)]
pub(in crate::saving) struct Plan {
    pub report: LoadReport,
    /// The weights to load, with the tensors of the file, which are not read yet.
    found: Vec<(Variable, String, StoredTensor)>,
    assignments: Vec<(Variable, Tensor)>,
    /// State that layers keep by name in addition to their weights.
    states: Vec<(LayerRef, String, Tensor)>,
    pub kept: Vec<UnreadGroup>,
    /// Weights of layers whose classes are not registered.
    placeholders: Vec<(LayerRef, Layout, WeightTree)>,
}

/// Finds a value for each weight, by Keras's paths.
pub(in crate::saving) fn plan(model: &LayerRef, root: &WeightTree, rules: &Rules) -> Result<Plan> {
    let mut plan = Plan::default();
    let (mut used, mut moved, mut left) = (HashSet::new(), HashSet::new(), Vec::new());
    let mut models = HashMap::from([(String::new(), optimizers::has_compile_config(model))]);
    let mut named = Vec::new();
    for Place { path, layer } in places_in(model, &Weights { root, rules }) {
        if layer.placeholder().is_some() {
            let in_file = rules.in_file(&path);
            if let Some(tree) = find(root, &in_file) {
                used.extend(tree.groups_with_contents().iter().map(|below| join(&in_file, below)));
                plan.keep(layer, &in_file, tree, Layout::Paths, rules);
            }
            continue;
        }
        if layer.is_model() {
            models.insert(rules.in_file(&path).into_owned(), optimizers::has_compile_config(&layer));
        }
        let vars = join(&path, "vars");
        let in_file = rules.in_file(&vars).into_owned();
        let group = find(root, &in_file);
        used.insert(in_file.clone());
        let own = layer.saved_weights();
        let left_out = rules.leaves_out(&layer);
        for (index, variable) in own.iter().enumerate() {
            let path = rules.in_file(&format!("{vars}/{index}")).into_owned();
            if left_out {
                plan.report.skipped.push(path);
                continue;
            }
            let in_group = format!("{in_file}/{index}");
            let tensor = if path == in_group {
                group.and_then(|group| tensor_of(group, index, variable))
            } else {
                moved.insert(path.clone());
                left.extend(group.and_then(|group| tensor_of(group, index, variable)).map(|_| in_group));
                tensor_at(root, &path)
            };
            plan.offer(variable, path, tensor, rules)?;
        }
        if let Some(group) = group {
            if let Some(name) = group.attrs.get("name").and_then(H5Attr::as_str).filter(|_| !own.is_empty()) {
                named.push(Named { path: in_file.clone(), in_file: name.to_owned(), layer: layer.name().to_owned() });
            }
            let known = layer.own_state().state_names();
            for (name, tensor) in group.tensors.iter().filter(|(name, _)| known.contains(&name.as_str()) && !left_out) {
                let path = format!("{in_file}/{name}");
                if !rules.wants_state(&path, &layer, name) {
                    plan.report.skipped.push(path);
                    continue;
                }
                let value = read(tensor, &path)?;
                plan.state(&layer, name, path, value);
            }
            let extra = group.tensors.keys().filter(|name| !known.contains(&name.as_str())).filter(|name| {
                name.parse::<usize>()
                    .map_or_else(|_| !own.iter().any(|v| v.name() == *name), |index| index >= own.len())
            });
            plan.report.unexpected.extend(extra.map(|name| format!("{in_file}/{name}")));
        }
    }
    let mut rest = Rest { used: &used, models: &models, kept: Vec::new(), unexpected: Vec::new() };
    rest.walk("", root, false)?;
    plan.report.unexpected.append(&mut rest.unexpected);
    plan.report.unexpected.append(&mut left);
    plan.report.unexpected.retain(|path| !moved.contains(path));
    plan.kept = rest.kept;
    plan.report.notes.extend(exchanged(&named));
    plan.finish(rules)?;
    Ok(plan)
}

/// A layer and the name that the file gives the layer whose weights it gets.
struct Named {
    path: String,
    in_file: String,
    layer: String,
}

/// Returns a note for each layer in a cycle of exchanged weights: a layer gets the weights of a second
/// one, which gets those of a third, and so on back to the first. Names that merely count differently
/// (`dense_3` for `dense_1`) form no such cycle.
fn exchanged(named: &[Named]) -> Vec<String> {
    let layers: HashMap<&str, &str> = named.iter().map(|one| (one.in_file.as_str(), one.layer.as_str())).collect();
    let (mut seen, mut in_circle) = (HashMap::new(), HashSet::new());
    for (walk, one) in named.iter().enumerate() {
        let (mut name, mut passed) = (one.in_file.as_str(), Vec::new());
        while let Some(next) = layers.get(name) {
            match seen.get(name) {
                None => seen.insert(name, walk),
                Some(before) if *before == walk => {
                    in_circle.extend(passed.into_iter().skip_while(|earlier| *earlier != name));
                    break;
                }
                Some(_) => break,
            };
            passed.push(name);
            name = next;
        }
    }
    let exchanged = named.iter().filter(|one| one.in_file != one.layer && in_circle.contains(one.in_file.as_str()));
    let line = |one: &Named| {
        format!(
            "`{}` holds the weights of the layer `{}`, as the file has it, and is loaded into `{}`: layers may be exchanged",
            one.path, one.in_file, one.layer
        )
    };
    exchanged.map(line).collect()
}

/// The weights of a file, with the rules for renamed paths.
struct Weights<'a> {
    root: &'a WeightTree,
    rules: &'a Rules,
}

impl Contents for Weights<'_> {
    fn holds(&self, path: &str, layer: &LayerRef) -> bool {
        if layer.placeholder().is_some() {
            return self.reaches(path);
        }
        let Some(group) = find(self.root, &self.rules.in_file(&join(path, "vars"))) else { return false };
        let (own, known) = (layer.saved_weights(), layer.own_state().state_names());
        let named = group.tensors.keys().filter(|name| known.contains(&name.as_str())).count();
        // Another layer's weights usually have other shapes.
        let mut weights = own.iter().enumerate().map(|(index, weight)| (tensor_of(group, index, weight), weight));
        group.tensors.len() == own.len() + named
            && weights.all(|(tensor, weight)| tensor.is_some_and(|t| weight.shape() == &Shape::from(t.shape())))
            && (named > 0 || known.is_empty() || !own.is_empty())
    }

    fn reaches(&self, path: &str) -> bool {
        find(self.root, &self.rules.in_file(path)).is_some()
    }
}

/// Returns a layer's weight in its group. For some weeks of 2025 Keras wrote names instead of numbers.
fn tensor_of<'a>(group: &'a WeightTree, index: usize, weight: &Variable) -> Option<&'a StoredTensor> {
    group.tensors.get(&index.to_string()).or_else(|| group.tensors.get(weight.name()))
}

/// Returns the tensor at a path, whose group is looked up as in [`find`].
fn tensor_at<'a>(root: &'a WeightTree, path: &str) -> Option<&'a StoredTensor> {
    let (group, name) = path.rsplit_once('/').unwrap_or(("", path));
    find(root, group)?.tensors.get(name)
}

/// Returns the group at a path; files of Keras 2.13 name a model's layers differently.
fn find<'a>(root: &'a WeightTree, path: &str) -> Option<&'a WeightTree> {
    root.group(path).or_else(|| {
        let rest = path.strip_prefix("layers/")?;
        root.group(&format!("_layer_checkpoint_dependencies/{rest}"))
    })
}

/// The part of a file that no layer of the model refers to.
struct Rest<'a> {
    used: &'a HashSet<String>,
    /// The paths of models, and whether the file says how each is compiled.
    models: &'a HashMap<String, bool>,
    /// The optimizer states.
    kept: Vec<UnreadGroup>,
    unexpected: Vec<String>,
}

impl Rest<'_> {
    /// Sorts a group and those below it into optimizer states and unexpected weights.
    fn walk(&mut self, path: &str, group: &WeightTree, is_compiled: bool) -> Result<()> {
        let model = self.models.get(path).copied();
        let is_compiled = model.unwrap_or(is_compiled);
        if !self.used.contains(&path.replace("_layer_checkpoint_dependencies/", "layers/")) {
            self.unexpected.extend(group.tensors.keys().map(|name| join(path, name)));
        }
        for (name, inner) in &group.groups {
            let place = join(path, name);
            let may_be_state = model.is_some() && name == "optimizer" || is_compiled && optimizers::is_state(inner);
            if may_be_state && !self.reaches(&place) {
                keep(&place, inner, &mut self.kept)?;
            } else {
                self.walk(&place, inner, is_compiled)?;
            }
        }
        Ok(())
    }

    /// Returns true if a layer is at a path or below it.
    fn reaches(&self, path: &str) -> bool {
        self.used
            .iter()
            .any(|used| used.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
    }
}

impl Plan {
    /// Plans to load a named state of a layer, which is not one of its weights.
    pub fn state(&mut self, layer: &LayerRef, name: &str, path: String, value: Tensor) {
        self.states.push((layer.clone(), name.to_owned(), value));
        self.report.applied.push(path);
    }

    /// Plans to keep what the file has at a path and below for a layer whose class is not registered, as far as it is
    /// wanted.
    pub fn keep(&mut self, layer: LayerRef, path: &str, tree: &WeightTree, layout: Layout, rules: &Rules) {
        let mut tree = tree.clone();
        for below in tree.paths() {
            let in_file = join(path, &below);
            if rules.leaves_out(&layer) || !rules.wants_unknown(&in_file) {
                tree.remove(&below);
                self.report.skipped.push(in_file);
            } else {
                self.report.applied.push(in_file);
            }
        }
        self.placeholders.push((layer, layout, tree));
    }

    /// Plans to load a tensor of the file into a weight, if it is wanted, exists and has the right
    /// shape.
    pub fn offer(
        &mut self,
        weight: &Variable,
        path: String,
        tensor: Option<&StoredTensor>,
        rules: &Rules,
    ) -> Result<()> {
        if !rules.wants(&path, weight) {
            self.report.skipped.push(path);
            return Ok(());
        }
        let Some(tensor) = tensor else {
            self.report.missing.push(Missing { path, weight: weight.path().to_owned(), near: None });
            return Ok(());
        };
        let shape = Shape::from(tensor.shape());
        if weight.shape() != &shape {
            self.report.mismatched.push(Mismatch {
                path,
                weight: weight.path().to_owned(),
                expected: weight.shape().to_string(),
                received: shape.to_string(),
            });
            return Ok(());
        }
        self.found.push((weight.clone(), path.clone(), tensor.clone()));
        self.report.applied.push(path);
        Ok(())
    }

    /// Reads the planned tensors with several threads, and completes the report: what the rules exclude
    /// counts as skipped, not unexpected.
    pub fn finish(&mut self, rules: &Rules) -> Result<()> {
        let read = |(weight, path, tensor): (Variable, String, StoredTensor)| Ok((weight, self::read(&tensor, &path)?));
        self.assignments = std::mem::take(&mut self.found).into_par_iter().map(read).collect::<Result<_>>()?;
        for (layer, _, tree) in &mut self.placeholders {
            tree.read_all().at_with(|| layer.name().to_owned())?;
        }
        let unexpected = std::mem::take(&mut self.report.unexpected);
        let (unexpected, skipped): (Vec<_>, Vec<_>) =
            unexpected.into_iter().partition(|path| rules.wants_unknown(path));
        self.report.unexpected = unexpected;
        self.report.skipped.extend(skipped);
        self.report.suggest();
        Ok(())
    }

    /// Assigns the weights: all of them, or none and an error.
    pub fn apply(self, strict: bool) -> Result<LoadReport> {
        if strict {
            self.report.check()?;
        }
        for (variable, value) in &self.assignments {
            variable.assign_from_file(value)?;
        }
        for (layer, layout, tree) in self.placeholders {
            Kept::set_tree(&layer, layout, tree);
        }
        for (layer, name, value) in &self.states {
            crate::program::layers_changed();
            layer.own_state().load_named_state(name, value).at_with(|| layer.name().to_owned())?;
        }
        Ok(self.report)
    }
}
