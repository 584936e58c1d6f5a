//! A regularizer of activations as a layer.

use crate::config::Number;
use crate::error::Result;
use crate::layers::losses::add_activity;
use crate::layers::{Layer, LayerBase, LayerTraits};
use crate::regularizers::{L1L2, Regularizer};
use crate::tensor::{CallArgs, CallContext, Nested, Tensor};
use crate::{KerasSerializable, register};

/// Returns its inputs unchanged, and adds `l1 · Σ|x| + l2 · Σx²`, divided by the batch size, to the loss.
///
/// # Arguments
/// - `l1`, `l2`: 0.
///
/// Follows <https://keras.io/api/layers/regularization_layers/activity_regularization>.
///
/// ```
/// use keras_serial::layers::{collect_losses, ActivityRegularization};
/// use keras_serial::prelude::*;
/// let x = Tensor::from_slice(&[1.0f32, -2.0], [1, 2])?;
/// let (_, losses) = collect_losses(|| ActivityRegularization::new().l1(0.5).l2(2.0).apply(&x))?;
/// assert_eq!(losses[0].item::<f32>()?, 11.5);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.layers")]
#[derive(KerasSerializable, Debug)]
#[keras(new, default, setters)]
pub struct ActivityRegularization {
    base: LayerBase,
    #[keras(default = 0.0.into())]
    l1: Number,
    #[keras(default = 0.0.into())]
    l2: Number,
}

impl Layer for ActivityRegularization {
    fn traits(&self) -> LayerTraits {
        LayerTraits::new().built_at_init(true).supports_masking(true)
    }

    fn call(&self, inputs: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
        let x = Nested::from(inputs.tensor()?.clone());
        add_activity(&Regularizer::new(L1L2::new(self.l1.get(), self.l2.get())), &x)?;
        Ok(x)
    }
}
