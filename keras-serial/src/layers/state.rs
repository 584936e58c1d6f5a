//! The state inside a layer: weights, layers, optimizers and random generators, by field name.

use std::collections::HashSet;

use super::state_visitor::ByType;
use super::{LayerRef, StateVisitor, visit_state};
use crate::metrics::Metric;
use crate::optimizers::Optimizer;
use crate::random::SeedGenerator;
use crate::utils::join;

/// A field that holds state.
#[derive(Clone)]
pub(crate) enum State {
    /// A layer.
    Layer(String, LayerRef),
    /// An optimizer: the one that a model is compiled with, or one in a field.
    Optimizer(String, Optimizer),
    /// A list or map of layers and optimizers.
    Container(String, Vec<State>),
}

impl State {
    pub(crate) fn name(&self) -> &str {
        match self {
            State::Layer(name, _) | State::Optimizer(name, _) | State::Container(name, _) => name,
        }
    }
}

/// Returns the fields of a layer that hold layers and optimizers, in order.
pub(super) fn of(layer: &LayerRef) -> Vec<State> {
    let mut collector = Collector { open: vec![(String::new(), Vec::new())] };
    visit_state(layer.layer(), &mut collector);
    if let Some(graph) = layer.graph() {
        let layers = graph.graph_layers().into_iter().map(|layer| State::Layer(layer.name().to_owned(), layer));
        collector.push(State::Container("layers".into(), layers.collect()));
    }
    let mut fields = collector.finish();
    // In Keras, a field `optimizer` is the same attribute that a model's own `compile` sets.
    let optimizer = layer.base().trained().and_then(|trained| trained.optimizer());
    if let Some(optimizer) = optimizer.filter(|_| fields.iter().all(|field| field.name() != "optimizer")) {
        fields.push(State::Optimizer("optimizer".into(), optimizer));
    }
    fields
}

/// Returns the fields of an optimizer that hold other optimizers, in order.
#[cfg(feature = "archive")]
pub(crate) fn of_optimizer(optimizer: &Optimizer) -> Vec<State> {
    let mut collector = Collector { open: vec![(String::new(), Vec::new())] };
    optimizer.visit_fields(&mut ByType(&mut collector));
    collector.finish()
}

/// Returns the layers among fields, each once, in order.
pub(super) fn layers(state: &[State]) -> Vec<LayerRef> {
    fn add(state: &[State], seen: &mut HashSet<usize>, found: &mut Vec<LayerRef>) {
        for item in state {
            match item {
                State::Layer(_, layer) => {
                    if seen.insert(layer.id()) {
                        found.push(layer.clone());
                    }
                }
                State::Optimizer(..) => {}
                State::Container(_, items) => add(items, seen, found),
            }
        }
    }
    let mut found = Vec::new();
    add(state, &mut HashSet::new(), &mut found);
    found
}

/// Returns the fields of a layer that hold metrics, in order.
pub(super) fn metrics(layer: &LayerRef) -> Vec<Metric> {
    let mut found = Found(Vec::new());
    visit_state(layer.layer(), &mut found);
    found.0
}

struct Found(Vec<Metric>);

impl StateVisitor for Found {
    fn metric(&mut self, _: &str, metric: &Metric) {
        self.0.push(metric.clone());
    }
}

struct Collector {
    open: Vec<(String, Vec<State>)>,
}

impl Collector {
    fn finish(mut self) -> Vec<State> {
        self.open.pop().map(|(_, items)| items).unwrap_or_default()
    }

    fn push(&mut self, state: State) {
        if let Some((_, items)) = self.open.last_mut() {
            items.push(state);
        }
    }
}

impl StateVisitor for Collector {
    fn layer(&mut self, name: &str, layer: &LayerRef) {
        self.push(State::Layer(name.to_owned(), layer.clone()));
    }

    fn optimizer(&mut self, name: &str, optimizer: &Optimizer) {
        self.push(State::Optimizer(name.to_owned(), optimizer.clone()));
    }

    fn enter(&mut self, name: &str) {
        self.open.push((name.to_owned(), Vec::new()));
    }

    fn leave(&mut self) {
        // Empty lists are kept, because they count in the names of sibling lists.
        if let Some((name, items)) = self.open.pop() {
            self.push(State::Container(name, items));
        }
    }
}

/// Visits the random generators of a layer and of those below, with their paths, in a deterministic order.
pub(crate) fn visit_generators(layer: &LayerRef, visit: &mut dyn FnMut(String, &SeedGenerator)) {
    // Visited layers are kept alive, so that no other layer can get the same address.
    let (mut seen, mut kept) = (HashSet::new(), Vec::new());
    let mut next = vec![(layer.clone(), String::new())];
    while let Some((layer, path)) = next.pop() {
        if !seen.insert(layer.id()) {
            continue;
        }
        visit_state(layer.layer(), &mut Generators { path: &path, visit });
        let below = layer.layers().into_iter().rev();
        next.extend(below.map(|below| (below.clone(), join(&path, below.name()))));
        kept.push(layer);
    }
}

/// Visits the random generators in the fields of one layer.
struct Generators<'a> {
    path: &'a str,
    visit: &'a mut dyn FnMut(String, &SeedGenerator),
}

impl StateVisitor for Generators<'_> {
    fn seed(&mut self, name: &str, generator: &SeedGenerator) {
        (self.visit)(join(self.path, name), generator);
    }
}
