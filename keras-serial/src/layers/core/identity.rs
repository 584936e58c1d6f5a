//! The identity layer.

use crate::error::Result;
use crate::layers::{Layer, LayerBase, LayerTraits};
use crate::tensor::{CallArgs, CallContext, Nested, Tensor};
use crate::{KerasSerializable, register};

/// Returns its inputs unchanged; structures of tensors too.
///
/// Follows <https://keras.io/api/layers/core_layers/identity>.
///
/// ```
/// use keras_serial::prelude::*;
/// let x = Tensor::from_slice(&[1.0f32, 2.0], [1, 2])?;
/// assert_eq!(keras_serial::layers::Identity::new().apply(&x)?.to_vec::<f32>()?, [1.0, 2.0]);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.layers")]
#[derive(KerasSerializable, Debug)]
#[keras(new, default)]
pub struct Identity {
    base: LayerBase,
}

impl Layer for Identity {
    fn traits(&self) -> LayerTraits {
        LayerTraits::new().built_at_init(true).supports_masking(true)
    }

    fn call(&self, inputs: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
        inputs.inputs()
    }
}
