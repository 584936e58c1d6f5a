//! `LayerRef`: a shared layer, and what the library does around a layer's own methods.

mod activation;
mod build;
mod call;
mod capabilities;
mod drop;
mod ends;
mod placeholder;
mod quantize;
mod reconstruct;
mod serialize;
mod weights;

use std::any::Any;
use std::fmt;
use std::sync::{Arc, Weak};

use self::placeholder::kept;
pub use self::reconstruct::reconstruct;
use super::{Layer, LayerBase, StateVisitor, Weight, visit_state};
use crate::config::Placeholder;
use crate::dtype_policies::Policy;
use crate::error::{Error, ErrorKind, Result, ResultExt};
use crate::tensor::{Nested, Tensor};

/// A shared handle to a layer or model.
#[derive(Clone)]
pub struct LayerRef(Arc<dyn Layer>);

impl LayerRef {
    /// Shares a layer, and generates a name if it has none.
    pub fn new(layer: impl Layer) -> Self {
        Self::from_arc(Arc::new(layer))
    }

    pub(crate) fn from_arc(layer: Arc<dyn Layer>) -> Self {
        let this = Self(layer);
        let base = this.base();
        base.name(this.original_class());
        base.set_shared();
        if this.0.traits().built_at_init {
            base.set_built();
        }
        visit_state(&*this.0, &mut WeightNames);
        this
    }

    /// Returns a handle to a layer that is shared already.
    pub(super) fn from_shared(layer: Arc<dyn Layer>) -> Self {
        Self(layer)
    }

    /// Returns a weak reference to the layer.
    pub(super) fn downgrade(&self) -> Weak<dyn Layer> {
        Arc::downgrade(&self.0)
    }

    /// Returns the layer itself.
    pub fn layer(&self) -> &dyn Layer {
        &*self.0
    }

    /// Returns the layer if it is a `T`.
    pub fn downcast_ref<T: Layer>(&self) -> Option<&T> {
        (&*self.0 as &dyn Any).downcast_ref()
    }

    pub(crate) fn base(&self) -> &LayerBase {
        self.0.base()
    }

    /// Returns the layer's name.
    pub fn name(&self) -> &str {
        self.base().name(self.0.class())
    }

    /// Returns the name of the layer's class.
    pub fn class_name(&self) -> &str {
        self.0.class()
    }

    /// Returns the serialized form that the layer stands for, if its class is not registered; `None` for all other
    /// layers.
    pub fn placeholder(&self) -> Option<&Placeholder> {
        self.0.placeholder()
    }

    /// Returns a number that is unique among living layers.
    pub(crate) fn id(&self) -> usize {
        Arc::as_ptr(&self.0).cast::<()>() as usize
    }

    /// Returns true if both handles refer to the same layer.
    pub fn is_same(&self, other: &Self) -> bool {
        self.id() == other.id()
    }

    /// Returns the dtype policy: the dtypes of computation and variables, and the quantization mode.
    pub fn dtype_policy(&self) -> &Policy {
        self.base().dtype_policy()
    }

    /// Computes the layer's state from data: one tensor, or a list of batches (`Normalization.adapt` and the
    /// like). A [`FeatureSpace`](super::FeatureSpace) takes dicts.
    ///
    /// # Errors
    /// Errors of the layer, with its name.
    pub fn adapt(&self, data: impl Into<Nested<Tensor>>) -> Result<()> {
        let data = data.into();
        let Some(adaptable) = self.0.adaptable() else {
            let what = format!("a layer of the class {} can't be adapted", self.class_name());
            return Err(Error::new(ErrorKind::InvalidArgument, what).at(self.name().to_owned()));
        };
        let first = match &data {
            Nested::List(items) | Nested::Tuple(items) => items.first(),
            data => Some(data),
        };
        // What learns from dicts builds the layers inside of it by itself.
        if let Some(first) = first.filter(|first| !matches!(first, Nested::Dict(_)))
            && let Some(first) = first.leaves().first()
        {
            self.build(first.shape())?;
        }
        crate::program::layers_changed();
        adaptable.adapt(&data).at_with(|| self.name().to_owned())
    }

    /// Resets the state that is kept from batch to batch ([`Layer::reset_state`]).
    ///
    /// # Errors
    /// If the layer has such a state but is not set to keep it.
    pub fn reset_state(&self) -> Result<()> {
        self.0.reset_state().at_with(|| self.name().to_owned())
    }
}

/// Visits fields and gives each weight the name of its field.
struct WeightNames;

impl StateVisitor for WeightNames {
    fn weight(&mut self, name: &str, weight: &Weight) {
        weight.set_name(name);
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
