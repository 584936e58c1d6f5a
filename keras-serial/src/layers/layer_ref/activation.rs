//! Layers used as activation functions.

use super::LayerRef;
use crate::activations::{Activation, ActivationSource, LayerActivation};
use crate::config::{ConfigField, FieldVisitor};
use crate::error::Result;
use crate::json::Value;
use crate::object::Handle;
use crate::tensor::Tensor;

/// A layer used as an activation function.
struct ActivationLayer(LayerRef);

impl LayerActivation for ActivationLayer {
    fn activate(&self, x: &Tensor) -> Result<Tensor> {
        self.0.apply(x)
    }

    fn serialize(&self) -> Result<Value> {
        Handle::serialize(&self.0)
    }

    fn visit(&self, name: &str, visitor: &mut dyn FieldVisitor) {
        self.0.visit(name, visitor);
    }
}

inventory::submit! {
    ActivationSource(|object| object.downcast_ref::<LayerRef>().map(|layer| Activation::from(layer.clone())))
}

impl From<LayerRef> for Activation {
    fn from(layer: LayerRef) -> Self {
        Self::layer(ActivationLayer(layer))
    }
}
