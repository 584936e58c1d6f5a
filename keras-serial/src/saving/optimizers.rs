//! The states of optimizers between models and files: of those that models are compiled with, at
//! whatever depth, and of those in fields.

use std::collections::HashSet;
use std::sync::PoisonError;

use super::H5Attr;
use super::layout::{OptimizerPlace, optimizers, places};
use super::report::LoadReport;
use super::stored::{WeightTree, join};
use super::weights::KeptGroup;
use crate::error::{Result, ResultExt};
use crate::json::Value;
use crate::layers::LayerRef;
use crate::models::Model;
use crate::object::Handle;
use crate::ops::dtypes::cast;
use crate::optimizers::Optimizer;
use crate::tensor::{DType, Tensor, TensorBytes};

/// Does a model, or its file, say how it is compiled?
pub(super) fn has_compile_config(model: &LayerRef) -> bool {
    let kept = || model.base().kept_compile_config().is_some_and(|config| config != Value::Dict(Default::default()));
    model.base().trained().is_some() || model.layer().own_compile().is_some() || kept()
}

/// Do a file's groups look as if they held the variables of optimizers? The first of these counts steps.
pub(super) fn is_state(group: &WeightTree) -> bool {
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

/// The models below one and itself, with their paths.
fn models(model: &LayerRef) -> Vec<(String, LayerRef)> {
    let models = places(model).into_iter().filter(|place| place.layer.layer().is_model());
    models.map(|place| (place.path, place.layer)).collect()
}

/// What a model keeps of its file, with the paths that it has in the file of another around it.
fn kept_by(path: &str, model: &LayerRef) -> Vec<KeptGroup> {
    let kept = model.base().kept.lock().unwrap_or_else(PoisonError::into_inner).clone();
    kept.into_iter().map(|group| KeptGroup { path: join(path, &group.path), ..group }).collect()
}

/// The states of a model's optimizers, and what models that are not compiled keep of their files.
pub(super) fn states(model: &LayerRef) -> Result<Vec<KeptGroup>> {
    let kept: Vec<KeptGroup> = models(model).iter().flat_map(|(path, model)| kept_by(path, model)).collect();
    let mut groups: Vec<KeptGroup> = Vec::new();
    for OptimizerPlace { path, optimizer, .. } in optimizers(model) {
        let path = join(&path, "vars");
        // An optimizer that was never built has not taken over its file's state yet.
        if let Some(of_file) = kept.iter().find(|group| group.path == path && !optimizer.is_built()) {
            groups.push(of_file.clone());
            continue;
        }
        let values = optimizer.save_own_variables().at_with(|| path.clone())?;
        let datasets = values.iter().enumerate().map(|(i, value)| Ok((i.to_string(), value.to_bytes()?)));
        let attrs = vec![("name".to_owned(), H5Attr::Str(optimizer.name().to_owned()))];
        groups.push(KeptGroup { attrs, datasets: datasets.collect::<Result<_>>()?, path });
    }
    let rest: Vec<KeptGroup> =
        kept.into_iter().filter(|group| groups.iter().all(|known| known.path != group.path)).collect();
    groups.extend(rest);
    Ok(groups)
}

/// What becomes of a state of a file.
enum Restored {
    Loaded,
    /// The optimizer has other variables, and begins with its own.
    Anew,
}

/// How strictly states are loaded.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Strictness {
    /// A state of the right number of variables must fit, as in Keras.
    Strict,
    /// What does not fit is told.
    Lenient,
}

/// Gives a model's optimizers their states from a file, and models that are not compiled what they keep
/// of it. What could not be loaded stands in the report, as Keras warns of it.
///
/// # Errors
/// When a state has as many variables as its optimizer, and they are of other shapes.
pub(super) fn restore(
    model: &LayerRef,
    kept: Vec<KeptGroup>,
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

/// Gives models that are not compiled the states in their file, to be saved again, and optimizers that
/// are not built theirs.
fn keep(
    model: &LayerRef,
    groups: Vec<KeptGroup>,
    matched: &HashSet<String>,
    pending: &HashSet<String>,
    report: &mut LoadReport,
) {
    let mut models = models(model);
    models.sort_by_key(|(path, _)| std::cmp::Reverse(path.len()));
    let mut begun = HashSet::new();
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
        let mut kept = owner.base().kept.lock().unwrap_or_else(PoisonError::into_inner);
        if begun.insert(index) {
            kept.clear();
        }
        kept.push(KeptGroup { path, ..group });
    }
}

fn load(place: &OptimizerPlace, group: &KeptGroup) -> Result<Restored> {
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
            // Saved before the first step, when there was nothing yet but counters; that step is still to come.
            Model::from(model.clone()).optimizer_built_by_training()?;
            return Ok(Restored::Loaded);
        }
    }
    if own != values.len() {
        return Ok(Restored::Anew);
    }
    optimizer.load_own_variables(&values).map(|()| Restored::Loaded)
}
