//! Dropping of nested layers without recursion.

use std::sync::{Arc, LazyLock};

use super::LayerRef;
use crate::config::{Config, HasBase, KerasSerializable};
use crate::error::Result;
use crate::layers::{Layer, LayerBase};
use crate::tensor::{CallArgs, CallContext, Nested, Tensor};
use crate::utils::drop_later;

/// Takes the place of the layer in a handle that is being dropped.
struct Dropped(LayerBase);

static DROPPED: LazyLock<Arc<dyn Layer>> = LazyLock::new(|| Arc::new(Dropped(LayerBase::default())));

impl KerasSerializable for Dropped {
    fn get_config(&self) -> Result<Config> {
        Ok(Config::new())
    }

    fn from_config(_: &Config) -> Result<Self> {
        Ok(Self(LayerBase::default()))
    }
}

impl HasBase<LayerBase> for Dropped {
    fn base(&self) -> &LayerBase {
        &self.0
    }

    fn base_mut(&mut self) -> &mut LayerBase {
        &mut self.0
    }
}

impl Layer for Dropped {
    fn call(&self, inputs: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
        inputs.inputs()
    }
}

/// Drops nested layers one after the other: recursion would overflow the stack for thousands of them.
impl Drop for LayerRef {
    fn drop(&mut self) {
        if Arc::strong_count(&self.0) == 1 {
            drop_later(std::mem::replace(&mut self.0, DROPPED.clone()));
        }
    }
}
