//! Where a model's weights and assets stand in its file, as Keras walks its objects.

use std::collections::{HashMap, HashSet};

use crate::layers::{GraphModel, LayerRef, State};
use crate::tensor::symbolic::Operation;
use crate::utils::to_snake_case;

/// One object of a model: its path in the file, and the layer.
pub(super) struct Place {
    /// `layers/dense_1`; empty for the model itself.
    pub path: String,
    pub layer: LayerRef,
}

/// All objects of a model, each at the first path that leads to it
/// (`keras.src.saving.saving_lib._walk_saveable`).
pub(super) fn places(model: &LayerRef) -> Vec<Place> {
    let mut walk = Walk { places: Vec::new(), seen: HashSet::new() };
    walk.layer(String::new(), model);
    walk.places
}

struct Walk {
    places: Vec<Place>,
    seen: HashSet<usize>,
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}/{name}") }
}

impl Walk {
    fn layer(&mut self, path: String, layer: &LayerRef) {
        if !self.seen.insert(Operation::id(layer)) {
            return;
        }
        self.places.push(Place { path: path.clone(), layer: layer.clone() });
        let mut fields = layer.state();
        // A model's `layers` come first, then attributes by name with private ones last.
        let is_graph = layer.layer().graph().is_some_and(|graph: &dyn GraphModel| !graph.graph_layers().is_empty());
        fields.sort_by_key(|field| {
            let name = field.name();
            let private = name.strip_prefix('_').map_or_else(|| name.to_owned(), |name| format!("~_{name}"));
            (!(is_graph && name == "layers"), private)
        });
        for field in fields {
            let path = join(&path, field.name());
            match field {
                State::Layer(_, layer) => self.layer(path, &layer),
                State::Container(_, items) => self.container(&path, &items),
            }
        }
    }

    fn container(&mut self, path: &str, items: &[State]) {
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
                State::Layer(_, layer) => {
                    self.layer(join(path, &unique(to_snake_case(layer.layer().original_class()))), layer)
                }
                State::Container(_, items) => self.container(&join(path, &unique("container".to_owned())), items),
            }
        }
    }
}
