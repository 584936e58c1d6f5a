//! Dropping of layers in layers, without recursion.

use std::sync::{Arc, LazyLock};

use super::LayerRef;
use crate::config::{Config, KerasSerializable};
use crate::error::Result;
use crate::layers::{HasBase, Layer, LayerBase};
use crate::tensor::{CallArgs, CallContext, Nested, Tensor};
use crate::utils::drop_later;

/// Stands in a handle that is being dropped, in the place of its layer.
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

impl HasBase for Dropped {
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

/// Layers in layers are dropped one after the other: thousands of them, one inside of the other, would
/// overflow the stack.
impl Drop for LayerRef {
    fn drop(&mut self) {
        if Arc::strong_count(&self.0) == 1 {
            drop_later(std::mem::replace(&mut self.0, DROPPED.clone()));
        }
    }
}
