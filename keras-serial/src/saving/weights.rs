//! Weights between models and files, as Keras lays them out since Keras 3.

use std::collections::HashSet;
use std::sync::PoisonError;

use super::H5Attr;
use super::layout::{Contents, Place, places, places_in};
use super::report::{LoadReport, Mismatch, Missing};
use super::rules::Rules;
use super::stored::{StoredTensor, WeightTree, join};
use crate::error::{Result, ResultExt};
use crate::layers::LayerRef;
use crate::models::Model;
use crate::ops::dtypes::cast;
use crate::optimizers::LossScaleOptimizer;
use crate::tensor::{DType, Shape, Tensor, TensorBytes};
use crate::variable::Variable;

/// The groups of a file that no layer has: an optimizer's state. Kept, and written back unharmed.
pub(super) const KEPT: &[&str] = &["optimizer"];

/// A group of a file that is kept as it is.
#[derive(Clone, Debug)]
pub(crate) struct KeptGroup {
    pub(super) path: String,
    pub(super) attrs: Vec<(String, H5Attr)>,
    pub(super) datasets: Vec<(String, TensorBytes)>,
}

impl KeptGroup {
    /// The number of elements, and of bytes.
    pub(crate) fn size(&self) -> (usize, usize) {
        self.datasets.iter().fold((0, 0), |(count, bytes), (_, data)| {
            (count + data.shape.iter().product::<usize>(), bytes + data.data.len())
        })
    }
}

/// All groups below one, with their paths.
fn keep(path: &str, group: &WeightTree, kept: &mut Vec<KeptGroup>) -> Result<()> {
    let datasets = group.tensors.iter().map(|(name, tensor)| Ok((name.clone(), tensor.read()?)));
    kept.push(KeptGroup {
        path: path.to_owned(),
        attrs: group.attrs.iter().map(|(name, value)| (name.clone(), value.clone())).collect(),
        datasets: datasets.collect::<Result<_>>()?,
    });
    group.groups.iter().try_for_each(|(name, group)| keep(&format!("{path}/{name}"), group, kept))
}

/// The state of a compiled model's optimizer, or what a model keeps of its file beside its weights.
pub(super) fn kept(model: &LayerRef) -> Result<Vec<KeptGroup>> {
    if !Model::from(model.clone()).is_compiled() {
        return Ok(model.base().kept.lock().unwrap_or_else(PoisonError::into_inner).clone());
    }
    let mut groups = Vec::new();
    let mut path = "optimizer".to_owned();
    let mut next = Model::from(model.clone()).optimizer();
    while let Some(optimizer) = next {
        let values = optimizer.save_own_variables().at("optimizer")?;
        let datasets = values.iter().enumerate().map(|(i, value)| Ok((i.to_string(), value.to_bytes()?)));
        groups.push(KeptGroup {
            path: format!("{path}/vars"),
            attrs: vec![("name".to_owned(), H5Attr::Str(optimizer.name().to_owned()))],
            datasets: datasets.collect::<Result<_>>()?,
        });
        path.push_str("/inner_optimizer");
        next = optimizer.downcast_ref::<LossScaleOptimizer>().map(|scaling| scaling.inner_optimizer().clone());
    }
    Ok(groups)
}

/// Gives a compiled model's optimizer its state from a file; builds it if need be.
///
/// # Errors
/// When the state is another optimizer's; nothing is changed then.
pub(super) fn restore_optimizer(model: &Model, kept: &[KeptGroup]) -> Result<()> {
    let (Some(optimizer), Some(group)) = (model.optimizer(), kept.iter().find(|group| group.path == STATE)) else {
        return Ok(());
    };
    let mut numbered: Vec<(usize, &TensorBytes)> =
        group.datasets.iter().filter_map(|(name, data)| Some((name.parse().ok()?, data))).collect();
    numbered.sort_by_key(|(number, _)| *number);
    let values = numbered.iter().map(|(_, data)| Tensor::from_bytes(data)).collect::<Result<Vec<_>>>().at(STATE)?;
    if !optimizer.is_built() && optimizer.variables()?.len() != values.len() {
        optimizer.build(&model.trainable_weights()).at(STATE)?;
    }
    let steps = values.first().map(|steps| cast(steps, DType::Int64)?.item::<i64>()).transpose().at(STATE)?;
    let has_slots = values.iter().any(|value| value.rank() > 0);
    if steps == Some(0) && !has_slots && values.len() < optimizer.variables()?.len() {
        // Saved before the first step, when there was nothing yet but counters; that step is still to come.
        return model.optimizer_built_by_training().at(STATE);
    }
    optimizer.load_own_variables(&values).map_err(|error| {
        error.at(STATE).hint("load with `compile(false)` (or `strict(false)`) to do without the optimizer's state")
    })
}

/// Is this the state of an optimizer inside of a `LossScaleOptimizer`?
pub(super) fn scaled_loss(kept: &[KeptGroup]) -> bool {
    kept.iter().any(|group| group.path == "optimizer/inner_optimizer/vars")
}

/// Where the optimizer's own variables stand.
const STATE: &str = "optimizer/vars";

/// A model's weights by the paths of its layers, and the groups in Keras's order.
pub(super) fn build(model: &LayerRef, skipped: &[LayerRef]) -> Result<(WeightTree, Vec<String>)> {
    let rules = Rules { objects: skipped.to_vec(), ..Rules::default() };
    let mut file = WeightTree::default();
    let mut order = Vec::new();
    for Place { path, layer } in places(model) {
        if rules.leaves_out(&layer) {
            continue;
        }
        let vars = join(&path, "vars");
        let group = file.make_group(&vars)?;
        group.attrs.insert("name".into(), H5Attr::Str(layer.name().to_owned()));
        for (index, variable) in layer.saved_weights().iter().enumerate() {
            let bytes =
                variable.value_in_files().and_then(|value| value.to_bytes()).at_with(|| variable.path().to_owned())?;
            group.tensors.insert(index.to_string(), bytes.into());
        }
        for (name, value) in layer.layer().named_state().at_with(|| layer.name().to_owned())? {
            group.tensors.insert(name.to_owned(), value.to_bytes()?.into());
        }
        order.push(vars);
    }
    for kept in kept(model)? {
        let target = file.make_group(&kept.path)?;
        target.attrs.extend(kept.attrs);
        target.tensors.extend(kept.datasets.into_iter().map(|(name, data)| (name, data.into())));
        order.push(kept.path);
    }
    Ok((file, order))
}

/// What a file's weights come to in a model, before anything is changed.
#[derive(Default)]
pub(super) struct Plan {
    pub report: LoadReport,
    assignments: Vec<(Variable, Tensor)>,
    /// What layers keep by name beside their weights.
    states: Vec<(LayerRef, String, Tensor)>,
    layers: Vec<LayerRef>,
    pub kept: Vec<KeptGroup>,
}

/// Finds a value for each weight, by Keras's paths.
pub(super) fn plan(model: &LayerRef, root: &WeightTree, rules: &Rules) -> Result<Plan> {
    let mut plan = Plan::default();
    let mut used = HashSet::new();
    for Place { path, layer } in places_in(model, &Weights { root, rules }) {
        let vars = join(&path, "vars");
        let in_file = rules.in_file(&vars).into_owned();
        let group = find(root, &in_file);
        used.insert(in_file.clone());
        plan.layers.push(layer.clone());
        let own = layer.saved_weights();
        let left_out = rules.leaves_out(&layer);
        for (index, variable) in own.iter().enumerate() {
            let path = format!("{in_file}/{index}");
            if left_out {
                plan.report.skipped.push(path);
                continue;
            }
            plan.offer(variable, path, group.and_then(|group| tensor_of(group, index, variable)), rules)?;
        }
        if let Some(group) = group {
            let known = layer.layer().state_names();
            for (name, tensor) in group.tensors.iter().filter(|(name, _)| known.contains(&name.as_str()) && !left_out) {
                let path = format!("{in_file}/{name}");
                let value = tensor.read().and_then(|data| Tensor::from_bytes(&data)).at_with(|| path.clone())?;
                plan.states.push((layer.clone(), name.clone(), value));
                plan.report.applied.push(path);
            }
            let extra = group.tensors.keys().filter(|name| !known.contains(&name.as_str())).filter(|name| {
                name.parse::<usize>()
                    .map_or_else(|_| !own.iter().any(|v| v.name() == *name), |index| index >= own.len())
            });
            plan.report.unexpected.extend(extra.map(|name| format!("{in_file}/{name}")));
        }
    }
    for name in KEPT {
        if let Some(group) = root.groups.get(*name) {
            keep(name, group, &mut plan.kept)?;
        }
    }
    unused("", root, &used, &mut plan.report.unexpected);
    plan.finish(rules);
    Ok(plan)
}

/// A file's weights, as it names them.
struct Weights<'a> {
    root: &'a WeightTree,
    rules: &'a Rules,
}

impl Contents for Weights<'_> {
    fn holds(&self, path: &str, layer: &LayerRef) -> bool {
        let Some(group) = find(self.root, &self.rules.in_file(&join(path, "vars"))) else { return false };
        let (own, known) = (layer.saved_weights(), layer.layer().state_names());
        let named = group.tensors.keys().filter(|name| known.contains(&name.as_str())).count();
        // What is another layer's has other shapes, as a rule.
        let mut weights = own.iter().enumerate().map(|(index, weight)| (tensor_of(group, index, weight), weight));
        group.tensors.len() == own.len() + named
            && weights.all(|(tensor, weight)| tensor.is_some_and(|t| weight.shape() == &Shape::from(t.shape())))
            && (named > 0 || known.is_empty() || !own.is_empty())
    }

    fn reaches(&self, path: &str) -> bool {
        find(self.root, &self.rules.in_file(path)).is_some()
    }
}

/// A layer's weight in its group. Keras wrote names in place of numbers for some weeks of 2025.
fn tensor_of<'a>(group: &'a WeightTree, index: usize, weight: &Variable) -> Option<&'a StoredTensor> {
    group.tensors.get(&index.to_string()).or_else(|| group.tensors.get(weight.name()))
}

/// The group of a path; files of Keras 2.13 call a model's layers otherwise.
fn find<'a>(root: &'a WeightTree, path: &str) -> Option<&'a WeightTree> {
    root.group(path).or_else(|| {
        let rest = path.strip_prefix("layers/")?;
        root.group(&format!("_layer_checkpoint_dependencies/{rest}"))
    })
}

/// Tensors that no layer of the model leads to.
fn unused(path: &str, group: &WeightTree, used: &HashSet<String>, out: &mut Vec<String>) {
    if path.is_empty() || !KEPT.contains(&path) {
        let known = used.contains(&path.replace("_layer_checkpoint_dependencies/", "layers/"));
        if !known {
            out.extend(group.tensors.keys().map(|name| join(path, name)));
        }
        for (name, group) in &group.groups {
            unused(&join(path, name), group, used, out);
        }
    }
}

impl Plan {
    /// Notes that a layer's weights may change.
    pub fn touch(&mut self, layer: &LayerRef) {
        self.layers.push(layer.clone());
    }

    /// Takes a tensor of the file for a weight, where it is wanted, there, and of its shape.
    pub fn offer(
        &mut self,
        weight: &Variable,
        path: String,
        tensor: Option<&StoredTensor>,
        rules: &Rules,
    ) -> Result<()> {
        if !rules.wants(&path, weight.path()) {
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
        let value = tensor.read().and_then(|data| Tensor::from_bytes(&data)).at_with(|| path.clone())?;
        self.assignments.push((weight.clone(), value));
        self.report.applied.push(path);
        Ok(())
    }

    /// Ends the account: what rules leave out is skipped, not unexpected.
    pub fn finish(&mut self, rules: &Rules) {
        let unexpected = std::mem::take(&mut self.report.unexpected);
        let (unexpected, skipped): (Vec<_>, Vec<_>) = unexpected.into_iter().partition(|path| rules.wants(path, path));
        self.report.unexpected = unexpected;
        self.report.skipped.extend(skipped);
        self.report.suggest();
    }

    /// Gives the weights their values: all of them, or none and an error.
    pub fn apply(self, model: &LayerRef, strict: bool) -> Result<LoadReport> {
        if strict {
            self.report.check()?;
        }
        for (variable, value) in &self.assignments {
            variable.assign_from_file(value)?;
        }
        for (layer, name, value) in &self.states {
            layer.layer().load_named_state(name, value).at_with(|| layer.name().to_owned())?;
        }
        for layer in &self.layers {
            layer.layer().after_load().at_with(|| layer.name().to_owned())?;
        }
        if !self.kept.is_empty() && model.base().trained().is_none() {
            *model.base().kept.lock().unwrap_or_else(PoisonError::into_inner) = self.kept;
        }
        Ok(self.report)
    }
}
