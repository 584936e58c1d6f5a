//! Random brightness of images.

use super::{
    BoundingBoxFormat, Factor, ImageLayer, ValueRange, batch, for_each_image, image_fields, image_layer, uniform,
};
use crate::error::Result;
use crate::layers::LayerBase;
use crate::ops::{self, DataFormat};
use crate::random::{Seed, SeedGenerator};
use crate::tensor::{DType, Tensor};
use crate::{KerasSerializable, register};

/// Adjusts brightness at random: in training, adds one random number to each image and clips to the value
/// range; in inference, does nothing.
///
/// # Arguments
/// - `factor`: the range of the numbers, as fractions of the value range; one number `n` stands for
///   `(-n, n)`.
/// - `value_range`: 0 to 255; the range of pixel values.
/// - `seed`: none; the same seed gives the same images, but not the same as in Keras.
/// - `data_format`: `channels_last`; `bounding_box_format`: none; required for bounding boxes.
///
/// Follows <https://keras.io/api/layers/preprocessing_layers/image_augmentation/random_brightness>.
///
/// ```
/// use keras_serial::prelude::*;
/// use keras_serial::layers::RandomBrightness;
/// let x = Tensor::from_slice(&[1.0f32, 2.0], [1, 1, 2, 1])?;
/// assert_eq!(RandomBrightness::new(0.2).apply(&x)?.to_vec::<f32>()?, [1.0, 2.0]);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.layers")]
#[derive(KerasSerializable, Debug)]
#[keras(new, setters)]
pub struct RandomBrightness {
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

impl ImageLayer for RandomBrightness {
    type Drawn = Tensor;

    image_fields!();

    fn draw(&self, images: &Tensor) -> Result<Tensor> {
        let (low, high) = self.value_range.bounds();
        let (least, most) = self.factor.range()?;
        let count = batch(images)?;
        let numbers = self.generator.draw(&self.seed, |rng| uniform(rng, count, (least, most)));
        ops::multiply(&for_each_image(numbers, DType::Float32)?, high - low)
    }

    fn images(&self, images: &Tensor, delta: &Tensor) -> Result<Tensor> {
        let (low, high) = self.value_range.bounds();
        let x = ops::add(images, ops::cast_to(delta, images.dtype())?)?;
        ops::clip(&x, low, high)
    }

    fn casts(&self) -> bool {
        false
    }
}

image_layer!(RandomBrightness);
