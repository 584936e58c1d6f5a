//! RMS normalization.

use super::write_axes;
use crate::config::Config;
use crate::error::Result;
use crate::initializers::Initializer;
use crate::layers::{AxisSpec, BuildContext, Layer, LayerBase, Signature, Weight};
use crate::ops;
use crate::tensor::{CallArgs, CallContext, Nested, Shape, Tensor};
use crate::{KerasSerializable, register};

/// RMS normalization: `scale · x / √(mean(x²) + epsilon)`, with the mean over axes.
///
/// # Arguments
/// - `axis`: -1; one axis, or a list.
/// - `epsilon`: 0.000001.
///
/// Follows <https://keras.io/api/layers/normalization_layers/rms_normalization>.
///
/// ```
/// use keras_serial::prelude::*;
/// let x = Tensor::from_slice(&[3.0f32, -3.0], [1, 2])?;
/// let y = RMSNormalization::new().epsilon(0.0).apply(&x)?;
/// assert_eq!(y.to_vec::<f32>()?, [1.0, -1.0]);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.layers")]
#[derive(KerasSerializable, Debug)]
#[keras(new, default, setters, get_config = Self::write)]
pub struct RMSNormalization {
    base: LayerBase,
    #[keras(default = AxisSpec::One(-1))]
    axis: AxisSpec,
    #[keras(default = 1e-6)]
    epsilon: f64,
    #[keras(weight)]
    scale: Weight,
}

impl RMSNormalization {
    fn write(&self, config: &mut Config) -> Result<()> {
        write_axes(&self.axis, &self.base, config)
    }
}

impl Layer for RMSNormalization {
    fn build(&self, input: &Shape, cx: &mut BuildContext<'_>) -> Result<()> {
        let ones: Initializer = "ones".into();
        self.scale.make(cx, self.axis.weight_shape(input)?).initializer(&ones).create()
    }

    fn call(&self, inputs: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
        let scale = self.scale.value()?;
        ops::rms_normalization(inputs.tensor()?, Some(&scale), &self.axis.sorted(), self.epsilon).map(Into::into)
    }

    fn signature(&self) -> Signature {
        Signature::new(&["x"])
    }
}
