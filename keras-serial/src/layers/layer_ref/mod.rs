//! Shared layers: what the library does around a layer's own methods.

mod activation;
mod build;
mod call;
mod drop;
mod quantize;
mod remake;
mod serialize;
mod weights;

use std::any::Any;
use std::fmt;
use std::sync::{Arc, Weak};

pub use self::remake::remake;
use super::{Layer, LayerBase, Weight};
use crate::config::FieldVisitor;
use crate::dtype_policies::Policy;
use crate::error::{Result, ResultExt};
use crate::tensor::{Nested, Tensor};

/// A shared layer or model.
#[derive(Clone)]
pub struct LayerRef(Arc<dyn Layer>);

impl LayerRef {
    /// Shares a layer; it gets its name now if it has none.
    pub fn new(layer: impl Layer) -> Self {
        Self::from_arc(Arc::new(layer))
    }

    pub(crate) fn from_arc(layer: Arc<dyn Layer>) -> Self {
        layer.base().name(layer.original_class());
        layer.base().set_shared();
        layer.made();
        if layer.is_built_at_init() {
            layer.base().set_built();
        }
        let this = Self(layer);
        this.0.visit_fields(&mut WeightNames);
        this
    }

    /// The handle to a layer that is shared already.
    pub(super) fn from_shared(layer: Arc<dyn Layer>) -> Self {
        Self(layer)
    }

    /// The layer, without keeping it.
    pub(super) fn downgrade(&self) -> Weak<dyn Layer> {
        Arc::downgrade(&self.0)
    }

    /// The layer itself.
    pub fn layer(&self) -> &dyn Layer {
        &*self.0
    }

    /// The layer, if it is a `T`.
    pub fn downcast_ref<T: Layer>(&self) -> Option<&T> {
        (&*self.0 as &dyn Any).downcast_ref()
    }

    pub(crate) fn base(&self) -> &LayerBase {
        self.0.base()
    }

    /// The name.
    pub fn name(&self) -> &str {
        self.base().name(self.0.class())
    }

    /// The class's name.
    pub fn class_name(&self) -> &'static str {
        self.0.class()
    }

    /// A number that no other layer has while this one lives.
    pub(crate) fn id(&self) -> usize {
        Arc::as_ptr(&self.0).cast::<()>() as usize
    }

    /// Are both handles to one layer?
    pub fn is_same(&self, other: &Self) -> bool {
        self.id() == other.id()
    }

    /// With which dtypes it computes and keeps its weights, and how those are quantized.
    pub fn dtype_policy(&self) -> &Policy {
        self.base().dtype_policy()
    }

    /// Learns what the layer computes with from data: one tensor, or a list of batches
    /// (`Normalization.adapt` and its like).
    ///
    /// # Errors
    /// The layer's own, under its name.
    pub fn adapt(&self, data: impl Into<Nested<Tensor>>) -> Result<()> {
        let data = data.into();
        if let Some(first) = data.leaves().first() {
            self.build(first.shape())?;
        }
        self.0.adapt(&data).at_with(|| self.name().to_owned())
    }

    /// Forgets what it keeps from one batch for the next ([`Layer::reset_state`]).
    ///
    /// # Errors
    /// When the layer should keep something, but is not set to.
    pub fn reset_state(&self) -> Result<()> {
        self.0.reset_state().at_with(|| self.name().to_owned())
    }
}

/// Tells weights the names of their fields.
struct WeightNames;

impl FieldVisitor for WeightNames {
    fn field(&mut self, name: &str, value: &dyn Any) {
        if let Some(weight) = value.downcast_ref::<Weight>() {
            weight.set_name(name);
        }
    }
}

impl<T: Layer> From<T> for LayerRef {
    fn from(layer: T) -> Self {
        Self::new(layer)
    }
}

impl fmt::Debug for LayerRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{} name={}, built={}>", self.class_name(), self.name(), self.base().is_built())
    }
}
