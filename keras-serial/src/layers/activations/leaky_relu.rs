//! Rectified linear units with a slope below 0.

use crate::config::Number;
use crate::error::Result;
use crate::layers::{Layer, LayerBase, LayerTraits, invalid_argument};
use crate::ops;
use crate::tensor::{CallArgs, CallContext, Nested, Tensor};
use crate::{KerasSerializable, register};

/// `x` where positive, `negative_slope · x` elsewhere.
///
/// # Arguments
/// - `negative_slope`: 0.3; `alpha` in old files.
///
/// Follows <https://keras.io/api/layers/activation_layers/leaky_relu>.
///
/// ```
/// use keras_serial::prelude::*;
/// let x = Tensor::from_slice(&[-2.0f32, 2.0], [1, 2])?;
/// assert_eq!(LeakyReLU::new().negative_slope(0.5).apply(&x)?.to_vec::<f32>()?, [-1.0, 2.0]);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.layers")]
#[derive(KerasSerializable, Debug)]
#[keras(new, default, setters, validate = Self::check)]
pub struct LeakyReLU {
    base: LayerBase,
    #[keras(default = 0.3.into(), alias = "alpha")]
    negative_slope: Number,
}

impl LeakyReLU {
    fn check(&self) -> Result<()> {
        if self.negative_slope.get() >= 0.0 {
            return Ok(());
        }
        Err(invalid_argument("negative_slope", "a non-negative float", self.negative_slope))
    }
}

impl Layer for LeakyReLU {
    fn traits(&self) -> LayerTraits {
        LayerTraits::new().built_at_init(true).supports_masking(true)
    }

    fn call(&self, inputs: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
        ops::leaky_relu(inputs.tensor()?, self.negative_slope.get()).map(Into::into)
    }
}
