//! Rectified linear units.

use crate::config::Number;
use crate::error::Result;
use crate::layers::{Layer, LayerBase, LayerTraits, invalid_argument};
use crate::ops;
use crate::tensor::{CallArgs, CallContext, Nested, Tensor};
use crate::{KerasSerializable, register};

/// `min(x, max_value)` where `x` is above the threshold, `negative_slope · (x - threshold)`
/// elsewhere.
///
/// # Arguments
/// - `max_value`: none; a bound above.
/// - `negative_slope`: 0.
/// - `threshold`: 0.
///
/// Follows <https://keras.io/api/layers/activation_layers/relu>.
///
/// ```
/// use keras_serial::prelude::*;
/// let x = Tensor::from_slice(&[-2.0f32, 2.0, 9.0], [1, 3])?;
/// assert_eq!(ReLU::new().max_value(6.0).apply(&x)?.to_vec::<f32>()?, [0.0, 2.0, 6.0]);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.layers")]
#[derive(KerasSerializable, Debug)]
#[keras(new, default, setters, validate = Self::check)]
pub struct ReLU {
    base: LayerBase,
    #[keras(default)]
    max_value: Option<Number>,
    #[keras(default = 0.0.into())]
    negative_slope: Number,
    #[keras(default = 0.0.into())]
    threshold: Number,
}

impl ReLU {
    fn check(&self) -> Result<()> {
        let arguments = [
            ("negative_slope", Some(self.negative_slope)),
            ("threshold", Some(self.threshold)),
            ("max_value", self.max_value),
        ];
        match arguments.iter().find_map(|(name, value)| Some((name, value.filter(|value| value.get() < 0.0)?))) {
            Some((name, value)) => Err(invalid_argument(name, "a non-negative number", value)),
            None => Ok(()),
        }
    }
}

impl Layer for ReLU {
    fn traits(&self) -> LayerTraits {
        LayerTraits::new().built_at_init(true).supports_masking(true)
    }

    fn call(&self, inputs: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
        let (slope, max, threshold) =
            (self.negative_slope.get(), self.max_value.map(Number::get), self.threshold.get());
        ops::relu_with(inputs.tensor()?, slope, max, threshold).map(Into::into)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers::LayerExt;

    // keras.layers.ReLU(max_value=3, negative_slope=0.5, threshold=1)(np.array([[-1., 0.5, 1., 2., 9.]]))
    #[test]
    fn slope_bound_and_threshold_work_together() {
        let x = Tensor::from_slice(&[-1.0f32, 0.5, 1.0, 2.0, 9.0], [1, 5]).unwrap();
        let y = ReLU::new().max_value(3).negative_slope(0.5).threshold(1).apply(&x).unwrap();
        assert_eq!(y.to_vec::<f32>().unwrap(), [-1.0, -0.25, 0.0, 2.0, 3.0]);
        assert!(ReLU::from_config(&ReLU::new().threshold(-1).get_config().unwrap()).is_err());
    }
}
