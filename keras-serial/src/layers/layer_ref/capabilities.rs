//! What a layer can do beyond `call`, as its type declares it.

use super::LayerRef;
use crate::layers::{GraphModel, ModelHooks, OwnCompile, OwnState, TrainStep};

/// A layer of which files hold its weights in order, and nothing else.
struct WeightsOnly;

impl OwnState for WeightsOnly {}

impl LayerRef {
    /// Returns true if the layer is a model: its Python class is then a subclass of `keras.Model`.
    pub fn is_model(&self) -> bool {
        self.0.is_model() || self.graph().is_some()
    }

    /// Returns the graph, for a model that has one.
    pub fn graph(&self) -> Option<&dyn GraphModel> {
        self.0.model_hooks().and_then(ModelHooks::graph)
    }

    /// Returns the model's own training, test and predict steps, if it overrides them.
    pub(crate) fn train_step(&self) -> Option<&dyn TrainStep> {
        self.0.model_hooks().and_then(ModelHooks::train_step)
    }

    /// Returns the model's own `compile`, if it overrides it.
    pub(crate) fn own_compile(&self) -> Option<&dyn OwnCompile> {
        self.0.model_hooks().and_then(ModelHooks::own_compile)
    }

    /// Returns how the layer is saved and loaded.
    pub(crate) fn own_state(&self) -> &dyn OwnState {
        self.0.own_state().unwrap_or(&WeightsOnly)
    }

    /// Returns the `build_config` of the layer, if it is built and files need it.
    pub(crate) fn build_config(&self) -> Option<crate::json::Value> {
        self.own_state().build_config(self.base().build_config())
    }

    /// Returns the class's own name, even if Keras exports it under another one.
    pub(crate) fn original_class(&self) -> &str {
        self.0.traits().original_class.unwrap_or_else(|| self.0.class())
    }
}
