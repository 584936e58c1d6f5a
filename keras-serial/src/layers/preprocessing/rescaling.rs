//! Rescaling of numbers.

use super::Array;
use crate::config::HasBase;
use crate::error::Result;
use crate::layers::{Layer, LayerBase, LayerTraits};
use crate::ops;
use crate::tensor::{CallArgs, CallContext, Nested, Tensor};
use crate::{KerasSerializable, register};

/// Rescales inputs: `x · scale + offset`.
///
/// # Arguments
/// - `scale`: one number, or numbers for the last axes.
/// - `offset`: the same; 0 by default.
///
/// Follows <https://keras.io/api/layers/preprocessing_layers/image_preprocessing/rescaling>.
///
/// ```
/// use keras_serial::prelude::*;
/// use keras_serial::layers::Rescaling;
/// let x = Tensor::from_slice(&[0u8, 255], [1, 2])?;
/// let y = Rescaling::new(1.0 / 127.5).offset(-1).apply(&x)?;
/// assert_eq!(y.to_vec::<f32>()?, [-1.0, 1.0]);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.layers")]
#[derive(KerasSerializable, Debug)]
#[keras(new, setters)]
pub struct Rescaling {
    base: LayerBase,
    scale: Array,
    #[keras(default = Array::from(0.0))]
    offset: Array,
}

impl Layer for Rescaling {
    fn call(&self, inputs: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
        let dtype = self.base().dtype_policy().compute_dtype()?;
        let x = ops::cast_to(inputs.tensor()?, dtype)?;
        let scaled = ops::multiply(&x, self.scale.tensor(dtype)?)?;
        ops::add(&scaled, self.offset.tensor(dtype)?).map(Into::into)
    }

    fn traits(&self) -> LayerTraits {
        LayerTraits::new().supports_masking(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::Value;
    use crate::layers::LayerExt;

    #[test]
    fn numbers_stay_as_they_were_written() {
        let layer = Rescaling::new([1, 2]).offset(0.5);
        let x = Tensor::from_slice(&[1.0f32, 1.0], [1, 2]).unwrap();
        let config = layer.get_config().unwrap();
        assert_eq!(config["scale"], Value::from([1, 2]));
        assert_eq!(layer.apply(&x).unwrap().to_vec::<f32>().unwrap(), [1.5, 2.5]);
    }
}
