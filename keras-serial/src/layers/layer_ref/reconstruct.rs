//! Reconstruction of a field's layers after another field was set.

use std::collections::{HashMap, VecDeque};

use super::LayerRef;
use crate::config::StateField;
use crate::layers::StateVisitor;
use crate::layers::state_visitor::ByType;
use crate::utils::{ReusedNames, to_snake_case};

/// Constructs a field's layers again after a field that they depend on was set. They keep their automatic
/// names, and layers of the same name and class keep a changed `trainable`.
pub fn reconstruct<T: StateField>(old: &T, construct: impl FnOnce() -> T) -> T {
    struct Found(Vec<LayerRef>);
    impl StateVisitor for Found {
        fn layer(&mut self, _: &str, layer: &LayerRef) {
            self.0.extend(layer.with_layers_below());
        }
    }
    let inside = |field: &T| {
        let mut found = Found(Vec::new());
        field.visit_state("", &mut ByType(&mut found));
        found.0
    };
    let before = inside(old);
    let mut names: HashMap<String, VecDeque<String>> = HashMap::new();
    for layer in before.iter().filter(|layer| layer.base().is_named_automatically()) {
        let prefix = to_snake_case(layer.original_class());
        names.entry(prefix).or_default().push_back(layer.name().to_owned());
    }
    let new = {
        let _names = ReusedNames::enter(names);
        construct()
    };
    for layer in inside(&new) {
        let same = before.iter().find(|old| old.name() == layer.name() && old.class_name() == layer.class_name());
        if let Some(trainable) = same.and_then(|old| old.base().changed_trainable()) {
            layer.base().set_trainable(trainable);
        }
    }
    new
}
