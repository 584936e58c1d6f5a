//! 3D upsampling, over depth, height and width.

use crate::error::Result;
use crate::layers::{Dims, InputSpec, Layer, LayerBase};
use crate::ops::DataFormat;
use crate::tensor::{CallArgs, CallContext, Nested, Tensor};
use crate::{KerasSerializable, register};

/// Upsamples volumes: repeats positions along each axis.
///
/// # Arguments
/// `size`: the factor of each axis, 2 by default; `data_format`: `channels_last`.
///
/// # Shapes
/// `(batch, depth, height, width, channels)` gives `size` times as many positions.
///
/// Follows <https://keras.io/api/layers/reshaping_layers/up_sampling3d>.
///
/// ```
/// use keras_serial::prelude::*;
/// let x = Tensor::from_slice(&[1.0f32, 2.0], [1, 1, 1, 2, 1])?;
/// let y = UpSampling3D::new().size([1, 1, 2]).apply(&x)?;
/// assert_eq!(y.to_vec::<f32>()?, [1.0, 1.0, 2.0, 2.0]);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.layers")]
#[derive(KerasSerializable, Debug)]
#[keras(new, default, setters)]
pub struct UpSampling3D {
    base: LayerBase,
    #[keras(default = 2.into())]
    size: Dims<3>,
    #[keras(default)]
    data_format: DataFormat,
}

impl Layer for UpSampling3D {
    fn call(&self, inputs: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
        super::macros::repeat(inputs.tensor()?, &self.size.0, self.data_format).map(Into::into)
    }

    fn input_spec(&self) -> Option<InputSpec> {
        Some(InputSpec::ndim(5))
    }
}
