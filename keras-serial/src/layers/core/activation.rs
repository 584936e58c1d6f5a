//! An activation function as a layer.

use crate::activations::Activation as Function;
use crate::error::Result;
use crate::layers::{Layer, LayerBase, LayerTraits};
use crate::tensor::{CallArgs, CallContext, Nested, Tensor};
use crate::{KerasSerializable, register};

/// Applies an activation function: a name, a function, or another layer.
///
/// Follows <https://keras.io/api/layers/core_layers/activation>.
///
/// ```
/// use keras_serial::prelude::*;
/// let x = Tensor::from_slice(&[-1.0f32, 2.0], [1, 2])?;
/// // In the prelude, `Activation` is the argument of other layers, and this layer is `ActivationLayer`.
/// assert_eq!(ActivationLayer::new("relu").apply(&x)?.to_vec::<f32>()?, [0.0, 2.0]);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.layers")]
#[derive(KerasSerializable, Debug)]
#[keras(new)]
pub struct Activation {
    base: LayerBase,
    activation: Function,
}

impl Layer for Activation {
    fn traits(&self) -> LayerTraits {
        LayerTraits::new().built_at_init(true).supports_masking(true)
    }

    fn call(&self, inputs: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
        self.activation.apply(inputs.tensor()?).map(Into::into)
    }
}
