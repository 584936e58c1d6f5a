//! The trait of models that are a graph of layers.

use super::LayerRef;
use crate::tensor::{Nested, Tensor};

/// A model with a known graph of layers: Functional or Sequential.
pub trait GraphModel {
    /// Returns the layers in the order of the configuration; for Functional models including input layers.
    fn graph_layers(&self) -> Vec<LayerRef>;
    /// Returns the input symbols, if the model is built.
    fn graph_inputs(&self) -> Option<Nested<Tensor>>;
    /// Returns the output symbols, if the model is built.
    fn graph_outputs(&self) -> Option<Nested<Tensor>>;
    /// Returns true for a Functional model, whose own configuration counts one call more.
    fn is_functional(&self) -> bool;
}
