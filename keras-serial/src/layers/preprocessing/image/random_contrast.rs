//! Random contrast of images.

use super::{
    BoundingBoxFormat, Factor, ImageLayer, ValueRange, batch, for_each_image, image_fields, image_layer, spatial,
    uniform,
};
use crate::error::Result;
use crate::layers::LayerBase;
use crate::ops::{self, Axes, DataFormat};
use crate::random::{Seed, SeedGenerator};
use crate::tensor::{DType, Tensor};
use crate::{KerasSerializable, register};

/// Adjusts contrast at random: in training, scales the distance of each channel from its mean by one random
/// factor per image, and clips to the value range; in inference, does nothing.
///
/// # Arguments
/// - `factor`: two numbers `a` and `b` for factors from `1 - a` to `1 + b`; one number `n` stands for
///   `(0, n)`.
/// - `value_range`: 0 to 255; the range of pixel values.
/// - `seed`: none; the same seed gives the same images, but not the same as in Keras.
/// - `data_format`: `channels_last`; `bounding_box_format`: none; required for bounding boxes.
///
/// Follows <https://keras.io/api/layers/preprocessing_layers/image_augmentation/random_contrast>.
///
/// ```
/// use keras_serial::prelude::*;
/// use keras_serial::layers::RandomContrast;
/// let x = Tensor::from_slice(&[1.0f32, 2.0], [1, 1, 2, 1])?;
/// assert_eq!(RandomContrast::new(0.2).apply(&x)?.to_vec::<f32>()?, [1.0, 2.0]);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.layers")]
#[derive(KerasSerializable, Debug)]
#[keras(new, setters)]
pub struct RandomContrast {
    base: LayerBase,
    #[keras(default)]
    data_format: DataFormat,
    #[keras(default, skip_if = Option::is_none)]
    bounding_box_format: Option<BoundingBoxFormat>,
    factor: Factor<0, 1>,
    #[keras(default)]
    value_range: ValueRange,
    #[keras(default)]
    seed: Seed,
    #[keras(seed_generator)]
    generator: SeedGenerator,
}

impl ImageLayer for RandomContrast {
    type Drawn = Tensor;

    image_fields!();

    fn draw(&self, images: &Tensor) -> Result<Tensor> {
        let (lower, upper) = self.factor.range()?;
        let count = batch(images)?;
        let numbers = self.generator.draw(&self.seed, |rng| uniform(rng, count, (1.0 - lower, 1.0 + upper)));
        for_each_image(numbers, DType::Float32)
    }

    fn images(&self, images: &Tensor, factor: &Tensor) -> Result<Tensor> {
        let mean = ops::mean(images, Axes::from(spatial(self.data_format)), true)?;
        let factor = ops::cast_to(factor, mean.dtype())?;
        let x = ops::add(ops::multiply(ops::subtract(images, &mean)?, &factor)?, &mean)?;
        let (low, high) = self.value_range.bounds();
        ops::clip(&x, low, high)
    }

    fn casts(&self) -> bool {
        false
    }
}

image_layer!(RandomContrast);
