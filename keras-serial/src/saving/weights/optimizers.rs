//! Loads and saves the states of optimizers: those that models at any depth are compiled with, and those
//! in fields.

use std::any::Any;
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use super::layout::{OptimizerPlace, optimizers, places};
use super::report::LoadReport;
use super::unread::UnreadGroup;
use crate::array::{DType, TensorBytes};
use crate::error::{Result, ResultExt};
use crate::files::legacy::NAMES;
use crate::files::{H5Attr, WeightTree};
use crate::json::Value;
use crate::layers::{LayerRef, UnreadState};
use crate::models::Model;
use crate::object::Handle;
use crate::ops::dtypes::cast;
use crate::optimizers::Optimizer;
use crate::tensor::Tensor;
use crate::utils::join;

/// Returns true if a model is compiled, or its file says how.
pub(in crate::saving) fn has_compile_config(model: &LayerRef) -> bool {
    let kept = || model.base().compile_config_of_file().is_some_and(|config| config != Value::Dict(Default::default()));
    model.base().trained().is_some() || model.own_compile().is_some() || kept()
}

/// Returns true if a file's groups look like optimizer variables, the first of which counts steps.
pub(in crate::saving) fn is_state(group: &WeightTree) -> bool {
    fn check(group: &WeightTree, found: &mut bool) -> bool {
        group.tensors.is_empty()
            && group.groups.iter().all(|(name, inner)| match inner.tensors.get("0") {
                Some(steps) if name == "vars" => {
                    *found = true;
                    steps.shape().is_empty() && matches!(steps.dtype(), Ok(DType::Int64 | DType::Int32))
                }
                _ => check(inner, found),
            })
    }
    let mut found = false;
    check(group, &mut found) && found
}

/// Returns a model and those nested in it, with their paths.
fn models(model: &LayerRef) -> Vec<(String, LayerRef)> {
    let models = places(model).into_iter().filter(|place| place.layer.is_model());
    models.map(|place| (place.path, place.layer)).collect()
}

/// The groups of a model's file that nothing has read.
struct Unread(Vec<UnreadGroup>);

impl UnreadState for Unread {
    fn size(&self) -> (usize, usize) {
        self.0.iter().map(UnreadGroup::size).fold((0, 0), |total, size| (total.0 + size.0, total.1 + size.1))
    }
}

/// Returns the groups of a model's file that nothing has read.
fn unread(model: &LayerRef) -> Vec<UnreadGroup> {
    let state = model.base().model_state().unread();
    let groups = state.as_deref().and_then(|state| (state as &dyn Any).downcast_ref::<Unread>());
    groups.map(|unread| unread.0.clone()).unwrap_or_default()
}

/// Returns the groups that a nested model keeps of its file, with their paths in the outer model's file.
fn kept_by(path: &str, model: &LayerRef) -> Vec<UnreadGroup> {
    unread(model).into_iter().map(|group| UnreadGroup { path: join(path, &group.path), ..group }).collect()
}

/// Returns the states of a model's optimizers, and those that uncompiled models keep of their files.
pub(in crate::saving) fn states(model: &LayerRef) -> Result<Vec<UnreadGroup>> {
    let kept: Vec<UnreadGroup> = models(model).iter().flat_map(|(path, model)| kept_by(path, model)).collect();
    let mut groups: Vec<UnreadGroup> = Vec::new();
    for OptimizerPlace { path, optimizer, .. } in optimizers(model) {
        let path = join(&path, "vars");
        // An optimizer that was never built has not loaded the file's state yet.
        if let Some(of_file) = kept.iter().find(|group| group.path == path && !optimizer.is_built()) {
            groups.push(of_file.clone());
            continue;
        }
        let values = optimizer.save_own_variables().at_with(|| path.clone())?;
        let datasets = values.iter().enumerate().map(|(i, value)| Ok((i.to_string(), value.to_bytes()?)));
        let attrs = vec![("name".to_owned(), H5Attr::Str(optimizer.name().to_owned()))];
        groups.push(UnreadGroup { attrs, datasets: datasets.collect::<Result<_>>()?, path });
    }
    let rest: Vec<UnreadGroup> =
        kept.into_iter().filter(|group| groups.iter().all(|known| known.path != group.path)).collect();
    groups.extend(rest);
    Ok(groups)
}

/// Returns [`states`] without those that only an old Keras can read: they are written to legacy files only.
pub(in crate::saving) fn states_of_keras3(model: &LayerRef) -> Result<Vec<UnreadGroup>> {
    let is_old = |group: &UnreadGroup| group.attrs.iter().any(|(name, _)| name == NAMES);
    Ok(states(model)?.into_iter().filter(|group| !is_old(group)).collect())
}

/// The outcome of loading an optimizer's state.
enum Restored {
    Loaded,
    /// The number of variables differs, so the optimizer starts with fresh state.
    Anew,
}

/// Whether optimizer states must fit.
#[derive(Clone, Copy, PartialEq)]
pub(in crate::saving) enum Strictness {
    /// A state with the right number of variables must fit, as in Keras.
    Strict,
    /// States that don't fit are reported and skipped.
    Lenient,
}

/// Loads the states of a model's optimizers from a file; models that are not compiled keep theirs for
/// the next save. The report lists what could not be loaded, where Keras warns.
///
/// # Errors
/// When a state has as many variables as its optimizer, but of other shapes.
pub(in crate::saving) fn restore(
    model: &LayerRef,
    kept: Vec<UnreadGroup>,
    report: &mut LoadReport,
    strictness: Strictness,
) -> Result<()> {
    let (mut matched, mut whole, mut pending) = (HashSet::new(), HashSet::new(), HashSet::new());
    for place in optimizers(model) {
        let path = join(&place.path, "vars");
        let Some(group) = kept.iter().find(|group| group.path == path) else { continue };
        matched.insert(path.clone());
        if place.within.is_some_and(|around| whole.contains(&around)) {
            // Loaded with the variables of the optimizer around it.
            continue;
        }
        match load(&place, group).at_with(|| path.clone()) {
            Ok(Restored::Loaded) => {
                whole.insert(place.optimizer.address());
            }
            Ok(Restored::Anew) => {
                let variables = place.optimizer.variables()?.len();
                report.notes.push(format!(
                    "{path}: the optimizer `{}` starts anew, because it has {variables} variables, and the file {}",
                    place.optimizer.name(),
                    group.datasets.len()
                ));
                report.skipped.push(path.clone());
                if !place.optimizer.is_built() {
                    pending.insert(path);
                }
            }
            Err(error) if strictness == Strictness::Lenient => {
                report.notes.push(format!("the optimizer `{}` starts anew: {error}", place.optimizer.name()));
                report.skipped.push(path);
            }
            Err(error) => {
                return Err(
                    error.hint("load with `compile(false)` (or `strict(false)`) to do without the optimizer's state")
                );
            }
        }
    }
    keep(model, kept, &matched, &pending, report);
    Ok(())
}

/// Keeps states for the next save in models that are not compiled, and for optimizers that are not built
/// until they are.
fn keep(
    model: &LayerRef,
    groups: Vec<UnreadGroup>,
    matched: &HashSet<String>,
    pending: &HashSet<String>,
    report: &mut LoadReport,
) {
    let mut models = models(model);
    models.sort_by_key(|(path, _)| std::cmp::Reverse(path.len()));
    let mut unread: BTreeMap<usize, Vec<UnreadGroup>> = BTreeMap::new();
    for group in groups {
        let below = |path: &str| match path {
            "" => Some(group.path.clone()),
            _ => group.path.strip_prefix(path)?.strip_prefix('/').map(str::to_owned),
        };
        let Some((index, path, owner)) =
            models.iter().enumerate().find_map(|(index, (path, owner))| Some((index, below(path)?, owner)))
        else {
            continue;
        };
        let is_compiled = owner.base().trained().is_some();
        if matched.contains(&group.path) && !pending.contains(&group.path) {
            continue;
        }
        if is_compiled && !pending.contains(&group.path) {
            let is_own = path == "optimizer" || path.starts_with("optimizer/");
            if !is_own && !group.datasets.is_empty() {
                report.unexpected.extend(group.datasets.iter().map(|(name, _)| join(&group.path, name)));
            }
            continue;
        }
        unread.entry(index).or_default().push(UnreadGroup { path, ..group });
    }
    for (index, groups) in unread {
        if let Some((_, owner)) = models.get(index) {
            owner.base().model_state().set_unread(Some(Arc::new(Unread(groups))));
        }
    }
}

fn load(place: &OptimizerPlace, group: &UnreadGroup) -> Result<Restored> {
    let optimizer: &Optimizer = &place.optimizer;
    let mut numbered: Vec<(usize, &TensorBytes)> =
        group.datasets.iter().filter_map(|(name, data)| Some((name.parse().ok()?, data))).collect();
    numbered.sort_by_key(|(number, _)| *number);
    let values = numbered.iter().map(|(_, data)| Tensor::from_bytes(data)).collect::<Result<Vec<_>>>()?;
    let compiled = place.model.as_ref();
    if let Some(model) = compiled.filter(|_| !optimizer.is_built())
        && optimizer.variables()?.len() != values.len()
    {
        optimizer.build(&model.trainable_weights())?;
    }
    let own = optimizer.variables()?.len();
    if let Some(model) = compiled.filter(|_| own > values.len()) {
        let steps = values.first().map(|steps| cast(steps, DType::Int64)?.item::<i64>()).transpose()?;
        if steps == Some(0) && values.iter().all(|value| value.rank() == 0) {
            // Saved before the first step, when there were only counters; the variables are created by
            // that step.
            Model::from(model.clone()).optimizer_built_by_training()?;
            return Ok(Restored::Loaded);
        }
    }
    if own != values.len() {
        return Ok(Restored::Anew);
    }
    optimizer.load_own_variables(&values).map(|()| Restored::Loaded)
}
