//! Layers that stand for others, whose classes are not registered.

use super::LayerRef;
use crate::config::{ConfigField, Placeholder};
use crate::dtype_policies::Policy;
use crate::error::Result;
use crate::json::Value;
use crate::layers::{Layer, LayerBase, LayerTraits};
use crate::registry::{self, StandIn};
use crate::tensor::{CallArgs, CallContext, Nested, Tensor};

impl Layer for StandIn<LayerBase> {
    fn call(&self, _: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
        Err(self.error())
    }

    fn traits(&self) -> LayerTraits {
        // It has no weights of its own to create.
        LayerTraits::new().built_at_init(true)
    }
}

impl LayerRef {
    /// Makes a layer that stands for one of a class that is not registered, with its name, dtype policy, and whether
    /// it is trainable, as far as its configuration has them.
    pub(super) fn stand_in(placeholder: Placeholder) -> Self {
        let mut base = LayerBase::default();
        let config = placeholder.config();
        let name = placeholder.form().get("name").or_else(|| config.get("name"));
        if let Some(name) = name.and_then(Value::as_str) {
            base.set_name(name);
        }
        base.set_trainable(config.get("trainable").and_then(Value::as_bool).unwrap_or(true));
        if let Some(policy) = config.get("dtype").and_then(|dtype| Policy::from_value(dtype).ok()) {
            base.set_dtype_policy(policy);
        }
        Self::new(StandIn::with_base(base, placeholder))
    }

    /// Returns true if the layer, or one inside, stands for one whose class is not registered.
    pub(crate) fn has_placeholders(&self) -> bool {
        self.with_layers_below().iter().any(|layer| layer.placeholder().is_some())
    }
}

/// Serializes a layer that stands for another: as its file had it, but for `trainable`, which can be set.
pub(super) fn kept(layer: &LayerRef) -> Result<Value> {
    let mut form = registry::serialize_shared(layer.0.clone(), |_| Ok(()))?;
    if let (Some(trainable), Value::Dict(form)) = (layer.base().changed_trainable(), &mut form)
        && let Some(Value::Dict(config)) = form.get_mut("config")
        && let Some(entry) = config.get_mut("trainable")
    {
        *entry = Value::Bool(trainable);
    }
    Ok(form)
}
