//! What the library asks of models that are made of other layers.

use super::LayerRef;
use crate::tensor::{Nested, Tensor};

/// A model whose layers are known: Functional or Sequential.
pub trait GraphModel {
    /// Its layers, in the order of its configuration; with inputs for Functional ones.
    fn graph_layers(&self) -> Vec<LayerRef>;
    /// The symbols of its inputs, if it is built.
    fn graph_inputs(&self) -> Option<Nested<Tensor>>;
    /// The symbols of its outputs, if it is built.
    fn graph_outputs(&self) -> Option<Nested<Tensor>>;
    /// Is it a Functional one? Those count one call more in their own configurations.
    fn is_functional(&self) -> bool;
}
