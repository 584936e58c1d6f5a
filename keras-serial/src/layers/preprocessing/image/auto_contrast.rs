//! Automatic contrast of images.

use super::{BYTE, BoundingBoxFormat, ImageLayer, ValueRange, image_fields, image_layer, rescaled};
use crate::config::HasBase;
use crate::error::Result;
use crate::layers::LayerBase;
use crate::ops::{self, Axes, DataFormat};
use crate::tensor::Tensor;
use crate::{KerasSerializable, register};

/// Stretches the values of each channel of each image to the whole value range.
///
/// # Arguments
/// - `value_range`: 0 to 255; the range of pixel values.
/// - `data_format`: `channels_last`; `bounding_box_format`: none; required for bounding boxes.
///
/// Follows <https://keras.io/api/layers/preprocessing_layers/image_augmentation/auto_contrast>.
///
/// ```
/// use keras_serial::prelude::*;
/// use keras_serial::layers::AutoContrast;
/// let x = Tensor::from_slice(&[10.0f32, 15.0, 20.0], [1, 1, 3, 1])?;
/// assert_eq!(AutoContrast::new().apply(&x)?.to_vec::<f32>()?, [0.0, 127.5, 255.0]);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.layers")]
#[derive(KerasSerializable, Debug)]
#[keras(new, default, setters)]
pub struct AutoContrast {
    base: LayerBase,
    #[keras(default)]
    data_format: DataFormat,
    #[keras(default, skip_if = Option::is_none)]
    bounding_box_format: Option<BoundingBoxFormat>,
    #[keras(default)]
    value_range: ValueRange,
}

impl ImageLayer for AutoContrast {
    type Drawn = ();

    image_fields!();

    fn draw(&self, _: &Tensor) -> Result<()> {
        Ok(())
    }

    fn always(&self) -> bool {
        true
    }

    fn images(&self, images: &Tensor, (): &()) -> Result<Tensor> {
        let dtype = self.base().dtype_policy().compute_dtype()?;
        let original = ops::cast_to(images, dtype)?;
        let x = rescaled(&original, self.value_range.bounds(), BYTE)?;
        // Keras uses these axes for every data format.
        let axes = || Axes::from([1, 2]);
        let (low, high) = (ops::min(&x, axes(), true)?, ops::max(&x, axes(), true)?);
        let scale = ops::divide(255.0, ops::subtract(&high, &low)?)?;
        let offset = ops::multiply(ops::negative(&low)?, &scale)?;
        let x = ops::add(ops::multiply(&x, &scale)?, &offset)?;
        // A channel of one value gives NaN and stays as it is; NaN is detected here because clipping would
        // hide it.
        let none = ops::not_equal(&x, &x)?;
        let x = rescaled(&ops::clip(&x, 0.0, 255.0)?, BYTE, self.value_range.bounds())?;
        ops::where_(&none, &original, &x)
    }
}

image_layer!(AutoContrast);
