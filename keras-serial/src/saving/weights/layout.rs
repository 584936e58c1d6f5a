//! The paths of a model's weights and assets in its file, as Keras walks its objects.

use std::collections::{HashMap, HashSet};

use crate::layers::{GraphModel, LayerRef, State, state_of_optimizer};
use crate::object::Handle;
use crate::optimizers::Optimizer;
use crate::tensor::symbolic::Operation;
use crate::utils::{join, to_snake_case};

/// An object of a model: its path in the file, and the layer.
pub(in crate::saving) struct Place {
    /// `layers/dense_1`; empty for the model itself.
    pub path: String,
    pub layer: LayerRef,
}

/// An optimizer of a model: the one it is compiled with, or one in a field.
pub(in crate::saving) struct OptimizerPlace {
    /// `optimizer`; `layers/sequential/optimizer`.
    pub path: String,
    pub optimizer: Optimizer,
    /// The model that is compiled with it, if any.
    pub model: Option<LayerRef>,
    /// The address of the optimizer that wraps it, whose variables include this one's.
    pub within: Option<usize>,
}

/// Returns the optimizers of a model, each at the first path that leads to it.
pub(in crate::saving) fn optimizers(model: &LayerRef) -> Vec<OptimizerPlace> {
    walked(model, None).optimizers
}

/// Returns all objects of a model, each at the first path that leads to it, as files have it
/// (`keras.src.saving.saving_lib._walk_saveable`).
pub(in crate::saving) fn places(model: &LayerRef) -> Vec<Place> {
    walk(model, None)
}

/// Like [`places`], but an object that the file lacks at its first path is looked up at the next path
/// that leads to it: another name of the object, or the place where an earlier Keras wrote it.
pub(in crate::saving) fn places_in(model: &LayerRef, file: &dyn Contents) -> Vec<Place> {
    walk(model, Some(file))
}

fn walk(model: &LayerRef, file: Option<&dyn Contents>) -> Vec<Place> {
    walked(model, file).places
}

fn walked<'a>(model: &LayerRef, file: Option<&'a dyn Contents>) -> Walk<'a> {
    let mut walk =
        Walk { file, places: Vec::new(), known: HashMap::new(), found: HashSet::new(), optimizers: Vec::new() };
    walk.layer(String::new(), model);
    for place in &mut walk.optimizers {
        let is_compiled = |layer: &&LayerRef| {
            let optimizer = layer.base().trained().and_then(|trained| trained.optimizer());
            optimizer.is_some_and(|optimizer| optimizer.address() == place.optimizer.address())
        };
        place.model = walk.places.iter().map(|place| &place.layer).find(is_compiled).cloned();
    }
    walk
}

/// Tells what a file has at the path of an object.
pub(in crate::saving) trait Contents {
    /// Returns true if the file has something of this layer itself.
    fn holds(&self, path: &str, layer: &LayerRef) -> bool;
    /// Returns true if the file has anything at this path or below it.
    fn reaches(&self, path: &str) -> bool;
}

struct Walk<'a> {
    file: Option<&'a dyn Contents>,
    places: Vec<Place>,
    /// The place of each layer that was visited.
    known: HashMap<usize, usize>,
    /// Layers that the file has at a path visited so far.
    found: HashSet<usize>,
    optimizers: Vec<OptimizerPlace>,
}

/// Returns the fields that hold layers, in the order of Keras's walk: a graph's `layers` first, then
/// attributes by name, private ones last. Every model also lists its layers as `layers`.
fn fields(layer: &LayerRef) -> Vec<State> {
    let mut fields = layer.state();
    let graph = layer.graph();
    if graph.is_none() && layer.is_model() {
        let layers = layer.layers().into_iter().map(|layer| State::Layer(layer.name().to_owned(), layer));
        fields.push(State::Container("layers".into(), layers.collect()));
    }
    let is_graph = graph.is_some_and(|graph: &dyn GraphModel| !graph.graph_layers().is_empty());
    fields.sort_by_key(|field| {
        let name = field.name();
        let private = name.strip_prefix('_').map_or_else(|| name.to_owned(), |name| format!("~_{name}"));
        (!(is_graph && name == "layers"), private)
    });
    fields
}

impl Walk<'_> {
    fn layer(&mut self, path: String, layer: &LayerRef) {
        let id = Operation::id(layer);
        let known = self.known.get(&id).copied();
        // Layers are visited again only at paths that the file has, so the walk ends even if a layer
        // contains itself.
        if known.is_some() && !self.file.is_some_and(|file| file.reaches(&path)) {
            return;
        }
        let is_here = !self.found.contains(&id) && self.file.is_some_and(|file| file.holds(&path, layer));
        if is_here {
            self.found.insert(id);
        }
        match known.and_then(|index| self.places.get_mut(index)) {
            None => {
                self.known.insert(id, self.places.len());
                self.places.push(Place { path: path.clone(), layer: layer.clone() });
            }
            Some(place) if is_here => place.path.clone_from(&path),
            Some(_) => {}
        }
        for field in fields(layer) {
            let path = self.child(&path, field.name());
            match field {
                State::Layer(_, layer) => self.layer(path, &layer),
                State::Optimizer(_, optimizer) => self.optimizer(path, &optimizer, None),
                State::Container(_, items) => self.container(&path, &items, None),
            }
        }
    }

    /// Returns the path of a field. Keras 2 keeps some fields that are public in Keras 3 under private
    /// names, such as `_key_dense` of attention layers.
    fn child(&self, path: &str, name: &str) -> String {
        let public = join(path, name);
        let private = join(path, &format!("_{name}"));
        match self.file {
            Some(file) if !file.reaches(&public) && file.reaches(&private) => private,
            _ => public,
        }
    }

    fn optimizer(&mut self, path: String, optimizer: &Optimizer, within: Option<usize>) {
        let id = optimizer.address();
        if self.optimizers.iter().any(|place| place.optimizer.address() == id) {
            return;
        }
        let optimizer = optimizer.clone();
        self.optimizers.push(OptimizerPlace { path: path.clone(), optimizer: optimizer.clone(), model: None, within });
        let mut fields = state_of_optimizer(&optimizer);
        fields.sort_by(|a, b| a.name().cmp(b.name()));
        for field in fields {
            let path = join(&path, field.name());
            match field {
                State::Layer(_, layer) => self.layer(path, &layer),
                State::Optimizer(_, inner) => self.optimizer(path, &inner, within.or(Some(id))),
                State::Container(_, items) => self.container(&path, &items, within.or(Some(id))),
            }
        }
    }

    /// Visits the items of a list or map, in a layer or within an optimizer.
    fn container(&mut self, path: &str, items: &[State], within: Option<usize>) {
        let mut used: HashMap<String, usize> = HashMap::new();
        let mut unique = |name: String| match used.get_mut(&name) {
            Some(count) => {
                *count += 1;
                format!("{name}_{count}")
            }
            None => {
                used.insert(name.clone(), 0);
                name
            }
        };
        for item in items {
            match item {
                State::Layer(_, layer) => self.layer(join(path, &unique(to_snake_case(layer.original_class()))), layer),
                State::Optimizer(_, optimizer) => {
                    self.optimizer(join(path, &unique(to_snake_case(optimizer.class()))), optimizer, within);
                }
                State::Container(_, items) => {
                    self.container(&join(path, &unique("container".to_owned())), items, within);
                }
            }
        }
    }
}
