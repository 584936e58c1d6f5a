//! L2 normalization to unit length.

use crate::error::Result;
use crate::layers::{AxisSpec, Layer, LayerBase, LayerTraits};
use crate::ops;
use crate::tensor::{CallArgs, CallContext, Nested, Tensor};
use crate::{KerasSerializable, register};

/// Scales vectors to length 1: `x / ‖x‖`, with the Euclidean norm over axes.
///
/// # Arguments
/// - `axis`: -1; one axis, or a list.
///
/// Follows <https://keras.io/api/layers/normalization_layers/unit_normalization>.
///
/// ```
/// use keras_serial::prelude::*;
/// let x = Tensor::from_slice(&[0.0f32, -3.0], [1, 2])?;
/// assert_eq!(UnitNormalization::new().apply(&x)?.to_vec::<f32>()?, [0.0, -1.0]);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.layers")]
#[derive(KerasSerializable, Debug)]
#[keras(new, default, setters)]
pub struct UnitNormalization {
    base: LayerBase,
    #[keras(default = AxisSpec::One(-1))]
    axis: AxisSpec,
}

impl Layer for UnitNormalization {
    fn traits(&self) -> LayerTraits {
        LayerTraits::new().built_at_init(true).supports_masking(true)
    }

    fn call(&self, inputs: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
        ops::normalize(inputs.tensor()?, self.axis.axes(), 1e-12).map(Into::into)
    }
}
