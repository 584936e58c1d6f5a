//! 2D upsampling, over height and width.

use crate::error::Result;
use crate::layers::{Dims, InputSpec, Layer, LayerBase};
use crate::ops::{DataFormat, Interpolation, ResizeOptions, image};
use crate::program;
use crate::tensor::{CallArgs, CallContext, Nested, Tensor};
use crate::{KerasSerializable, register};

/// Upsamples images: repeats rows and columns, or interpolates between them.
///
/// # Arguments
/// `size`: the factors of height and width, 2 by default; `data_format`: `channels_last`; `interpolation`:
/// `nearest` (repeats), `bilinear`, `bicubic`, `lanczos3` or `lanczos5`.
///
/// # Shapes
/// `(batch, height, width, channels)` gives `(batch, height · size, width · size, channels)`.
///
/// Follows <https://keras.io/api/layers/reshaping_layers/up_sampling2d>.
///
/// ```
/// use keras_serial::prelude::*;
/// let x = Tensor::from_slice(&[1.0f32, 3.0], [1, 1, 2, 1])?;
/// let layer = UpSampling2D::new().size([1, 2]);
/// assert_eq!(layer.apply(&x)?.to_vec::<f32>()?, [1.0, 1.0, 3.0, 3.0]);
/// let layer = UpSampling2D::new().size([1, 2]).interpolation(ops::Interpolation::Bilinear);
/// assert_eq!(layer.apply(&x)?.to_vec::<f32>()?, [1.0, 1.5, 2.5, 3.0]);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.layers")]
#[derive(KerasSerializable, Debug)]
#[keras(new, default, setters)]
pub struct UpSampling2D {
    base: LayerBase,
    #[keras(default = 2.into())]
    size: Dims<2>,
    #[keras(default)]
    data_format: DataFormat,
    #[keras(default)]
    interpolation: Interpolation,
}

impl Layer for UpSampling2D {
    fn call(&self, inputs: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
        let x = inputs.tensor()?;
        if self.interpolation == Interpolation::Nearest {
            return super::macros::repeat(x, &self.size.0, self.data_format).map(Into::into);
        }
        let [height, width] = match self.data_format {
            DataFormat::ChannelsLast => [1, 2],
            DataFormat::ChannelsFirst => [2, 3],
        };
        let [by_height, by_width] = self.size.0;
        let times = |extent: Option<usize>, by: usize| extent.map(|extent| extent.saturating_mul(by));
        let new_height = times(x.shape().get(height)?, by_height);
        let new_width = times(x.shape().get(width)?, by_width);
        let inferred = Tensor::symbol(x.shape().with(height, new_height)?.with(width, new_width)?, x.dtype());
        let options =
            ResizeOptions { interpolation: self.interpolation, data_format: self.data_format, ..Default::default() };
        program::infer_or_compute(&[x], inferred, || {
            image::resize_impl(x, [new_height.unwrap_or_default(), new_width.unwrap_or_default()], &options)
        })
        .map(Into::into)
    }

    fn input_spec(&self) -> Option<InputSpec> {
        Some(InputSpec::ndim(4))
    }
}
