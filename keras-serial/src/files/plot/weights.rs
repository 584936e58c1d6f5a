//! Tells from a file's weights which layers have some, and so are trainable or not.

use std::collections::HashSet;

use super::facts::Facts;
use super::form::Form;
use crate::files::{Layout, ModelFile, WeightTree, layer_groups};
use crate::json::Value;

/// Sets [`Facts::trainable`] of all layers.
pub(super) fn set_trainable(facts: &mut Facts, model: &Value, file: &ModelFile) {
    let Some(tree) = file.weights() else { return };
    facts.trainable = has_weights(tree).then(|| is_trainable(Form(model)));
    if file.layout == Layout::Paths {
        by_groups(facts, Form(model), tree);
    } else {
        // The name of a layer is a part of the paths of its weights.
        let paths = tree.paths();
        let names: HashSet<&str> = paths.iter().flat_map(|path| path.split('/').rev().skip(1)).collect();
        by_names(facts, Form(model), &names);
    }
}

fn by_groups(facts: &mut Facts, model: Form, tree: &WeightTree) {
    let forms: Vec<Form> = model.layers().collect();
    let groups = layer_groups(forms.iter().map(|form| form.0));
    for ((facts, form), group) in facts.layers.iter_mut().zip(&forms).zip(groups) {
        let Some(group) = group.and_then(|group| tree.groups.get("layers")?.groups.get(&group)) else { continue };
        facts.trainable = has_weights(group).then(|| is_trainable(*form));
        by_groups(facts, *form, group);
    }
}

fn by_names(facts: &mut Facts, model: Form, names: &HashSet<&str>) {
    for (facts, form) in facts.layers.iter_mut().zip(model.layers()) {
        by_names(facts, form, names);
        let has_weights = names.contains(form.name()) || facts.layers.iter().any(|inner| inner.trainable.is_some());
        facts.trainable = has_weights.then(|| is_trainable(form));
    }
}

fn is_trainable(form: Form) -> bool {
    form.entry("trainable").and_then(Value::as_bool) != Some(false)
}

/// Returns true if a group holds weights, apart from the states of seed generators, which are none.
fn has_weights(group: &WeightTree) -> bool {
    let mut groups = group.groups.iter().filter(|(name, _)| !name.starts_with("seed_generator"));
    !group.tensors.is_empty() || groups.any(|(_, group)| has_weights(group))
}
