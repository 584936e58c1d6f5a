//! Random saturation of images.

use super::{
    BoundingBoxFormat, Factor, ImageLayer, ValueRange, batch, for_each_image, image_fields, image_layer, uniform,
};
use crate::error::Result;
use crate::layers::LayerBase;
use crate::ops::{
    self, DataFormat,
    image_color::{hsv_to_rgb, rgb_to_hsv},
};
use crate::random::{Seed, SeedGenerator};
use crate::tensor::{DType, Tensor};
use crate::{KerasSerializable, register};

/// Adjusts saturation at random: in training, multiplies the saturation of each image by `f / (1 - f)` for a
/// random `f`; in inference, does nothing.
///
/// # Arguments
/// - `factor`: the range of `f`: 0 is grayscale, 0.5 changes nothing, 1 is full saturation; one number `n`
///   stands for `(-n, n)`.
/// - `value_range`: 0 to 255; the range of pixel values.
/// - `seed`: none; the same seed gives the same images, but not the same as in Keras.
/// - `data_format`: `channels_last`; `bounding_box_format`: none; required for bounding boxes.
///
/// Follows <https://keras.io/api/layers/preprocessing_layers/image_augmentation/random_saturation>.
///
/// ```
/// use keras_serial::prelude::*;
/// use keras_serial::layers::RandomSaturation;
/// let x = Tensor::from_slice(&[1.0f32, 2.0], [1, 1, 2, 1])?;
/// assert_eq!(RandomSaturation::new(0.2).apply(&x)?.to_vec::<f32>()?, [1.0, 2.0]);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.layers")]
#[derive(KerasSerializable, Debug)]
#[keras(new, setters)]
pub struct RandomSaturation {
    base: LayerBase,
    #[keras(default)]
    data_format: DataFormat,
    #[keras(default, skip_if = Option::is_none)]
    bounding_box_format: Option<BoundingBoxFormat>,
    factor: Factor<-1, 1>,
    #[keras(default)]
    value_range: ValueRange,
    #[keras(default)]
    seed: Seed,
    #[keras(seed_generator)]
    generator: SeedGenerator,
}

impl ImageLayer for RandomSaturation {
    type Drawn = Tensor;

    image_fields!();

    fn draw(&self, images: &Tensor) -> Result<Tensor> {
        let range = self.factor.range()?;
        let count = batch(images)?;
        let factors = self.generator.draw(&self.seed, |rng| uniform(rng, count, range));
        for_each_image(factors.into_iter().map(|f| f / (1.0 - f + 1e-7)).collect(), DType::Float32)
    }

    fn images(&self, images: &Tensor, factor: &Tensor) -> Result<Tensor> {
        let axis = self.data_format.channel_axis();
        let hsv = ops::split(&rgb_to_hsv(images, self.data_format)?, 3, axis)?;
        let [hue, saturation, value] = hsv.as_slice() else { return Ok(images.clone()) };
        let (low, high) = self.value_range.bounds();
        let saturation = ops::multiply(saturation, ops::cast_to(factor, images.dtype())?)?;
        let saturation = ops::clip(&saturation, low, high)?;
        hsv_to_rgb(&ops::concatenate(&[hue.clone(), saturation, value.clone()], axis)?, self.data_format)
    }

    fn casts(&self) -> bool {
        false
    }
}

image_layer!(RandomSaturation);
