//! Weights by their own paths, such as `dense/kernel`, as `.safetensors` files name them.

use super::by_path::{Plan, value_in_files, values_in_files};
use super::kept::Kept;
use super::optimizers::{is_state, states_of_keras3};
use super::rules::Rules;
use super::unread::UnreadGroup;
use crate::array::TensorBytes;
use crate::error::Result;
use crate::files::{Layout, WeightTree};
use crate::layers::LayerRef;
use crate::utils::join;
use crate::variable::Variable;

/// The weights of a model with their keys, and the layers whose classes are not registered with the paths of names
/// that lead to them.
#[derive(Default)]
struct Keys {
    weights: Vec<(String, Variable)>,
    placeholders: Vec<(String, LayerRef)>,
}

/// Returns the weights of a model with their keys: the names of the layers around a weight and its own,
/// as Keras builds a weight's path. (The paths themselves depend on how a model was built.)
fn keys(model: &LayerRef) -> Keys {
    fn walk(layer: &LayerRef, path: &str, seen: &mut Vec<LayerRef>, keys: &mut Keys) {
        if seen.iter().any(|known| known.is_same(layer)) {
            return;
        }
        seen.push(layer.clone());
        if layer.placeholder().is_some() || Kept::of(layer).is_some() {
            keys.placeholders.push((path.to_owned(), layer.clone()));
        }
        let out = &mut keys.weights;
        for weight in layer.saved_weights() {
            let key = join(path, weight.name());
            let taken = |key: &str, out: &[(String, Variable)]| out.iter().any(|(known, _)| known == key);
            let numbered = (1..).map(|n| format!("{key}_{n}"));
            let free = std::iter::once(key.clone()).chain(numbered).find(|key| !taken(key, out));
            out.push((free.unwrap_or(key), weight));
        }
        for inner in layer.layers() {
            walk(&inner, &join(path, inner.name()), seen, keys);
        }
    }
    let mut keys = Keys::default();
    walk(model, "", &mut Vec::new(), &mut keys);
    keys
}

/// Matches weights by their keys, or by their own paths.
pub(crate) fn plan(model: &LayerRef, root: &WeightTree, rules: &Rules) -> Result<Plan> {
    let mut plan = Plan::default();
    let paths = root.paths();
    let mut used = std::collections::HashSet::new();
    let keys = keys(model);
    for (path, layer) in keys.placeholders {
        if let Some(tree) = root.group(&path) {
            used.extend(tree.paths().iter().map(|below| join(&path, below)));
            plan.keep(layer, &path, tree, Layout::Own, rules);
        }
    }
    for (key, weight) in keys.weights {
        let key = rules.in_file(&key).into_owned();
        let found = [&key, weight.path()].into_iter().find(|path| root.tensor(path).is_some()).map(str::to_owned);
        let path = found.unwrap_or(key);
        plan.offer(&weight, path.clone(), root.tensor(&path), rules)?;
        used.insert(path);
    }
    for path in paths.into_iter().filter(|path| !used.contains(path)) {
        // Weights have their own paths; only optimizer states are in groups named `vars`.
        let state = path.rsplit_once('/').filter(|(group, _)| {
            let around = group.strip_suffix("/vars").and_then(|around| root.group(around));
            *group == "optimizer/vars" || around.is_some_and(is_state)
        });
        let (Some((group, name)), Some(tensor)) = (state, root.tensor(&path)) else {
            plan.report.unexpected.push(path);
            continue;
        };
        let dataset = (name.to_owned(), tensor.read()?);
        match plan.kept.iter_mut().find(|kept| kept.path == group) {
            Some(kept) => kept.datasets.push(dataset),
            None => {
                plan.kept.push(UnreadGroup { path: group.to_owned(), attrs: Vec::new(), datasets: vec![dataset] });
            }
        }
    }
    plan.finish(rules)?;
    Ok(plan)
}

/// Returns a model's weights by their keys.
pub(crate) fn build(model: &LayerRef) -> Result<Vec<(String, TensorBytes)>> {
    let values = values_in_files(model)?;
    let keys = keys(model);
    let own = keys.weights.into_iter();
    let mut tensors =
        own.map(|(key, weight)| Ok((key, value_in_files(&weight, &values)?))).collect::<Result<Vec<_>>>()?;
    for (path, layer) in keys.placeholders {
        let Some(kept) = Kept::of(&layer) else { continue };
        let tree = kept.in_layout(&layer, Layout::Own)?;
        let mut kept = Vec::new();
        tree.each(&mut |below, tensor| kept.push((join(&path, &below), tensor)));
        tensors.extend(kept.into_iter().map(|(path, tensor)| Ok((path, tensor.read()?))).collect::<Result<Vec<_>>>()?);
    }
    // The state of a wrapped optimizer is part of the outer one's, as in Keras's files.
    let states = states_of_keras3(model)?;
    let is_inner = |path: &str| {
        let mut outer = states.iter().filter_map(|state| state.path.strip_suffix("vars"));
        outer.any(|outer| path.strip_prefix(outer).is_some_and(|rest| rest != "vars"))
    };
    for group in states.iter().filter(|group| !is_inner(&group.path)).cloned() {
        tensors.extend(group.datasets.into_iter().map(|(name, data)| (format!("{}/{name}", group.path), data)));
    }
    Ok(tensors)
}
