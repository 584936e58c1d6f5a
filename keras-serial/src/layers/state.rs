//! Weights and layers inside of a layer, by the names of fields.

use std::any::Any;

use super::{LayerRef, Weight};
use crate::config::FieldVisitor;
use crate::metrics::Metric;

/// One field that holds state.
#[derive(Clone)]
pub(crate) enum State {
    /// A layer.
    Layer(String, LayerRef),
    /// A list or map of layers.
    Container(String, Vec<State>),
}

impl State {
    pub(crate) fn name(&self) -> &str {
        match self {
            State::Layer(name, _) | State::Container(name, _) => name,
        }
    }
}

/// The fields of a layer that hold layers, in their order.
pub(super) fn of(layer: &LayerRef) -> Vec<State> {
    let mut collector = Collector { open: vec![(String::new(), Vec::new())] };
    layer.layer().visit_fields(&mut collector);
    if let Some(graph) = layer.layer().graph() {
        let layers = graph.graph_layers().into_iter().map(|layer| State::Layer(layer.name().to_owned(), layer));
        collector.push(State::Container("layers".into(), layers.collect()));
    }
    collector.open.pop().map(|(_, items)| items).unwrap_or_default()
}

/// The layers among fields, in their order.
pub(super) fn layers(state: &[State]) -> Vec<LayerRef> {
    let mut found: Vec<LayerRef> = Vec::new();
    for item in state {
        match item {
            State::Layer(_, layer) => {
                if !found.iter().any(|known| known.is_same(layer)) {
                    found.push(layer.clone());
                }
            }
            State::Container(_, items) => found.extend(layers(items)),
        }
    }
    found
}

/// The fields of a layer that hold metrics, in their order.
pub(super) fn metrics(layer: &LayerRef) -> Vec<Metric> {
    let mut found = Found(Vec::new());
    layer.layer().visit_fields(&mut found);
    found.0
}

struct Found(Vec<Metric>);

impl FieldVisitor for Found {
    fn field(&mut self, _: &str, value: &dyn Any) {
        self.0.extend(value.downcast_ref::<Metric>().cloned());
    }
}

struct Collector {
    open: Vec<(String, Vec<State>)>,
}

impl Collector {
    fn push(&mut self, state: State) {
        if let Some((_, items)) = self.open.last_mut() {
            items.push(state);
        }
    }
}

impl FieldVisitor for Collector {
    fn field(&mut self, name: &str, value: &dyn Any) {
        if let Some(layer) = value.downcast_ref::<LayerRef>() {
            self.push(State::Layer(name.to_owned(), layer.clone()));
        } else {
            debug_assert!(value.is::<Weight>() || value.is::<Metric>(), "only state is visited");
        }
    }

    fn enter(&mut self, name: &str) {
        self.open.push((name.to_owned(), Vec::new()));
    }

    fn leave(&mut self) {
        if let Some((name, items)) = self.open.pop()
            && !items.is_empty()
        {
            self.push(State::Container(name, items));
        }
    }
}
