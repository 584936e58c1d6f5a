//! Exponential linear units.

use crate::config::{Config, Number};
use crate::error::Result;
use crate::layers::{Layer, LayerBase, LayerTraits};
use crate::ops;
use crate::tensor::{CallArgs, CallContext, Nested, Tensor};
use crate::{KerasSerializable, register};

/// `x` where positive, `alpha · (exp(x) - 1)` elsewhere.
///
/// # Arguments
/// - `alpha`: 1.
///
/// Follows <https://keras.io/api/layers/activation_layers/elu>.
///
/// ```
/// use keras_serial::prelude::*;
/// let x = Tensor::from_slice(&[-1000.0f32, 2.0], [1, 2])?;
/// assert_eq!(ELU::new().alpha(0.5).apply(&x)?.to_vec::<f32>()?, [-0.5, 2.0]);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.layers")]
#[derive(KerasSerializable, Debug)]
#[keras(new, default, setters, get_config = Self::reorder)]
pub struct ELU {
    base: LayerBase,
    #[keras(default = 1.0.into())]
    alpha: Number,
}

impl ELU {
    /// Puts the arguments of `__init__` first: Keras derives this configuration from them.
    fn reorder(&self, config: &mut Config) -> Result<()> {
        if let Some(alpha) = config.shift_remove("alpha") {
            config.shift_insert(1, "alpha".into(), alpha);
        }
        Ok(())
    }
}

impl Layer for ELU {
    fn traits(&self) -> LayerTraits {
        LayerTraits::new().built_at_init(true).supports_masking(true)
    }

    fn call(&self, inputs: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
        ops::elu(inputs.tensor()?, self.alpha.get()).map(Into::into)
    }
}
