//! Legacy HDF5: weights in groups by the names of layers, as Keras 2 saved them.

mod keras2_state;

use std::collections::HashMap;

pub(super) use self::keras2_state::upgrade_state;
use super::weights::by_path::{Plan, read, value_in_files, values_in_files};
use super::weights::kept::Kept;
use super::weights::optimizers::states;
use super::weights::rules::Rules;
use super::weights::unread::UnreadGroup;
use crate::error::{Error, ErrorKind, Result, ResultExt};
use crate::files::legacy::{NAMES, OPTIMIZER, TOP, name_list, put_names, tensors};
use crate::files::{H5Attr, KERAS_VERSION, Layout, StoredTensor, WeightTree};
use crate::layers::LayerRef;
use crate::tensor::Tensor;
use crate::variable::Variable;

/// Returns a layer's weights in the order of legacy files: trainable ones first.
fn weights_of(layer: &LayerRef) -> Vec<Variable> {
    let mut weights = layer.trainable_weights();
    weights.extend(layer.non_trainable_weights());
    weights.retain(Variable::is_saved);
    weights
}

/// Returns a model's own weights, which belong to none of its layers.
fn top_weights(model: &LayerRef) -> Vec<Variable> {
    model.saved_weights()
}

fn layers_of(model: &LayerRef) -> Vec<LayerRef> {
    match model.graph() {
        Some(graph) => graph.graph_layers(),
        None => model.layers(),
    }
}

fn group<'a>(root: &'a WeightTree, name: &str) -> Result<&'a WeightTree> {
    root.group(name).filter(|_| !name.is_empty()).ok_or_else(|| {
        Error::new(ErrorKind::Hdf5, "the file has no group for a layer that it names").at(name.to_owned())
    })
}

/// Matches weights by the order of layers, or by layer names.
pub(super) fn plan(model: &LayerRef, root: &WeightTree, by_name: bool, rules: &Rules, lenient: bool) -> Result<Plan> {
    let mut plan = Plan::default();
    if model.placeholder().is_some() {
        plan.keep(model.clone(), "", root, Layout::Legacy, rules);
        plan.finish(rules)?;
        return Ok(plan);
    }
    let names = name_list(root, "layer_names")?;
    if by_name {
        plan_by_name(model, root, &names, rules, lenient, &mut plan)?;
    } else {
        plan_in_order(model, root, &names, rules, &mut plan)?;
    }
    if let Some(group) = root.groups.get(TOP) {
        let own = top_weights(model);
        let found = tensors(group, TOP)?;
        let what = "top-level weights";
        if own.len() == found.len() {
            offer(&mut plan, &own, &found, rules)?;
        } else if !(by_name && lenient) {
            return Err(count_mismatch(what, own.len(), found.len()).at(TOP));
        }
    }
    plan.finish(rules)?;
    Ok(plan)
}

fn plan_in_order(model: &LayerRef, root: &WeightTree, names: &[String], rules: &Rules, plan: &mut Plan) -> Result<()> {
    let layers: Vec<(LayerRef, Vec<Variable>)> = layers_of(model)
        .into_iter()
        .map(|layer| {
            let weights = weights_of(&layer);
            (layer, weights)
        })
        .filter(|(layer, weights)| !weights.is_empty() && !layer.has_placeholders())
        .collect();
    let mut saved = Vec::new();
    for name in names {
        let found = tensors(group(root, name)?, name)?;
        let layers = layers_of(model);
        let known = layers.iter().find(|layer| rules.in_file(layer.name()) == name.as_str());
        if let Some(layer) = known.filter(|layer| layer.has_placeholders()) {
            keep(layer, name, root, rules, plan)?;
            continue;
        }
        if !found.is_empty() && !known.map(|layer| plan_state(layer, &found, plan)).transpose()?.unwrap_or(false) {
            saved.push((name, found));
        }
    }
    if saved.len() != layers.len() {
        return Err(Error::new(ErrorKind::Weights, "Layer count mismatch when loading weights from file")
            .expected(format!("{} layers: {}", layers.len(), list(layers.iter().map(|(layer, _)| layer.name()))))
            .received(format!("{} saved layers: {}", saved.len(), list(saved.iter().map(|(name, _)| name.as_str()))))
            .hint("load with `by_name(true)` to match layers by their names")
            .at("layer_names"));
    }
    for (k, ((layer, weights), (name, found))) in layers.iter().zip(saved).enumerate() {
        if weights.len() != found.len() {
            let what = format!("layer #{k} (named {} in the current model, {name} in the save file)", layer.name());
            return Err(count_mismatch(&what, weights.len(), found.len()).at(name.clone()));
        }
        offer(plan, weights, &found, rules)?;
    }
    Ok(())
}

/// Plans to keep the weights of a layer that is a placeholder, or holds one.
fn keep(layer: &LayerRef, name: &str, root: &WeightTree, rules: &Rules, plan: &mut Plan) -> Result<()> {
    if !weights_of(layer).is_empty() {
        let text = "a legacy file does not tell which weights are those of a class in it that is not registered";
        return Err(Error::new(ErrorKind::Weights, text).hint("register the class").at(layer.name().to_owned()));
    }
    plan.keep(layer.clone(), name, group(root, name)?, Layout::Legacy, rules);
    Ok(())
}

/// Plans to load a weight of Keras 2 that is a named state in Keras 3, such as `idf_weights`. Returns
/// whether the layer has such a state.
fn plan_state(layer: &LayerRef, found: &[(String, &StoredTensor)], plan: &mut Plan) -> Result<bool> {
    let ([name], [(path, tensor)]) = (layer.own_state().state_names(), found) else { return Ok(false) };
    if !weights_of(layer).is_empty() {
        return Ok(false);
    }
    let value = read(tensor, path)?;
    plan.state(layer, name, path.clone(), value);
    Ok(true)
}

fn plan_by_name(
    model: &LayerRef,
    root: &WeightTree,
    names: &[String],
    rules: &Rules,
    lenient: bool,
    plan: &mut Plan,
) -> Result<()> {
    let layers = layers_of(model);
    for (k, name) in names.iter().enumerate() {
        let found = tensors(group(root, name)?, name)?;
        let mut known = false;
        for layer in layers.iter().filter(|layer| rules.in_file(layer.name()) == name.as_str()) {
            known = true;
            if layer.has_placeholders() {
                keep(layer, name, root, rules, plan)?;
                continue;
            }
            if plan_state(layer, &found, plan)? {
                continue;
            }
            let weights = weights_of(layer);
            if weights.len() == found.len() {
                offer(plan, &weights, &found, rules)?;
            } else if lenient {
                plan.report.skipped.extend(weights.iter().map(|weight| weight.path().to_owned()));
            } else {
                let what = format!("layer #{k} (named {})", layer.name());
                return Err(count_mismatch(&what, weights.len(), found.len()).at(name.clone()));
            }
        }
        if !known {
            plan.report.skipped.extend(found.into_iter().map(|(path, _)| path));
        }
    }
    for layer in layers {
        let name = rules.in_file(layer.name()).into_owned();
        if !names.contains(&name) {
            plan.report.skipped.extend(weights_of(&layer).iter().map(|weight| weight.path().to_owned()));
        }
    }
    Ok(())
}

fn offer(plan: &mut Plan, weights: &[Variable], found: &[(String, &StoredTensor)], rules: &Rules) -> Result<()> {
    for (weight, (path, tensor)) in weights.iter().zip(found) {
        plan.offer(weight, path.clone(), Some(tensor), rules)?;
    }
    Ok(())
}

fn list<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.collect::<Vec<_>>().join(", ")
}

fn count_mismatch(what: &str, expected: usize, received: usize) -> Error {
    Error::new(ErrorKind::Weights, format!("Weight count mismatch for {what}"))
        .expected(format!("{expected} weight(s)"))
        .received(format!("{received} saved weight(s)"))
}

/// Reads the optimizer's state into the layout of Keras 3 files; with the names of its variables on
/// request.
pub(super) fn read_optimizer(root: &WeightTree, with_names: bool) -> Result<Vec<UnreadGroup>> {
    let Some(group) = root.groups.get(OPTIMIZER) else { return Ok(Vec::new()) };
    let found = tensors(group, OPTIMIZER)?;
    let datasets = found.iter().enumerate().map(|(i, (_, tensor))| Ok((i.to_string(), tensor.read()?)));
    let names = name_list(group, "weight_names").at(OPTIMIZER)?;
    let attrs = if with_names { vec![(NAMES.to_owned(), H5Attr::StrList(names))] } else { Vec::new() };
    Ok(vec![UnreadGroup { path: "optimizer/vars".into(), attrs, datasets: datasets.collect::<Result<_>>()? }])
}

/// Builds the groups of a model's weights.
pub(super) fn build(model: &LayerRef) -> Result<WeightTree> {
    if let Some(kept) = Kept::of(model) {
        return kept.in_layout(model, Layout::Legacy);
    }
    let mut root = WeightTree::default();
    let layers = layers_of(model);
    let names: Vec<String> = layers.iter().map(|layer| layer.name().to_owned()).collect();
    put_names(&mut root, "layer_names", names)?;
    root.attrs.insert("backend".into(), H5Attr::Str("tensorflow".into()));
    root.attrs.insert("keras_version".into(), H5Attr::Str(KERAS_VERSION.into()));
    let values = values_in_files(model)?;
    let mut sorted: Vec<&LayerRef> = layers.iter().collect();
    sorted.sort_by_key(|layer| layer.name());
    for layer in sorted {
        if root.group(layer.name()).is_some() {
            let error = Error::new(ErrorKind::Weights, "the names of two layers stand for one group of a legacy file");
            return Err(error.hint("rename one, or save as `.keras`").at(layer.name().to_owned()));
        }
        if let Some(kept) = Kept::of(layer) {
            root.make_group(layer.name())?.merge(&kept.in_layout(layer, Layout::Legacy)?);
            continue;
        }
        put(root.make_group(layer.name())?, &weights_of(layer), &values).at_with(|| layer.name().to_owned())?;
    }
    put(root.make_group(TOP)?, &top_weights(model), &values).at(TOP)?;
    Ok(root)
}

fn put(group: &mut WeightTree, weights: &[Variable], values: &HashMap<u64, Tensor>) -> Result<()> {
    put_names(group, "weight_names", weights.iter().map(|weight| weight.path().to_owned()).collect())?;
    for weight in weights {
        if group.tensor(weight.path()).is_some() {
            return Err(
                Error::new(ErrorKind::Weights, "two weights of a layer have one path").at(weight.path().to_owned())
            );
        }
        group.insert(weight.path(), value_in_files(weight, values)?)?;
    }
    Ok(())
}

/// Writes the optimizer state that the model keeps, under the name of its optimizer.
pub(super) fn put_optimizer(root: &mut WeightTree, model: &LayerRef, optimizer: &str) -> Result<()> {
    let kept = states(model)?;
    let Some(state) = kept.iter().find(|group| group.path == "optimizer/vars") else { return Ok(()) };
    let mut numbered: Vec<_> =
        state.datasets.iter().filter_map(|(name, data)| Some((name.parse::<usize>().ok()?, data))).collect();
    numbered.sort_by_key(|(number, _)| *number);
    // The state of an old Keras keeps its names.
    let own = state.attrs.iter().find_map(|(attr, names)| match names {
        H5Attr::StrList(names) if attr == NAMES && names.len() == numbered.len() => Some(names.clone()),
        _ => None,
    });
    let name = |number: usize| match (own.as_ref().and_then(|names| names.get(number)), number) {
        (Some(name), _) => name.clone(),
        (None, 0) => format!("{optimizer}/iteration"),
        (None, 1) => format!("{optimizer}/learning_rate"),
        (None, number) => format!("{optimizer}/variable_{number}"),
    };
    let group = root.make_group(OPTIMIZER)?;
    put_names(group, "weight_names", numbered.iter().map(|(number, _)| name(*number)).collect())?;
    numbered.into_iter().try_for_each(|(number, data)| group.insert(&name(number), data.clone()))
}
