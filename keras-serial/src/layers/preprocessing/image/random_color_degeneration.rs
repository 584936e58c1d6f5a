//! Random desaturation of images.

use super::{
    BoundingBoxFormat, Factor, ImageLayer, ValueRange, batch, for_each_image, image_fields, image_layer, uniform,
};
use crate::config::HasBase;
use crate::error::Result;
use crate::layers::LayerBase;
use crate::ops::{self, DataFormat, image_color::rgb_to_grayscale};
use crate::random::{Seed, SeedGenerator};
use crate::tensor::{DType, Tensor};
use crate::{KerasSerializable, register};

/// Desaturates at random: in training, blends each image with its grayscale version, `x + f · (gray - x)`; in
/// inference, does nothing.
///
/// # Arguments
/// - `factor`: the range of `f`: 0 changes nothing, 1 is grayscale; one number `n` stands for `(-n, n)`.
/// - `value_range`: 0 to 255; the range of pixel values.
/// - `seed`: none; the same seed gives the same images, but not the same as in Keras.
/// - `data_format`: `channels_last`; `bounding_box_format`: none; required for bounding boxes.
///
/// Follows <https://keras.io/api/layers/preprocessing_layers/image_augmentation/random_color_degeneration>.
///
/// ```
/// use keras_serial::prelude::*;
/// use keras_serial::layers::RandomColorDegeneration;
/// let x = Tensor::from_slice(&[1.0f32, 2.0], [1, 1, 2, 1])?;
/// assert_eq!(RandomColorDegeneration::new(0.2).apply(&x)?.to_vec::<f32>()?, [1.0, 2.0]);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.layers")]
#[derive(KerasSerializable, Debug)]
#[keras(new, setters)]
pub struct RandomColorDegeneration {
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

impl ImageLayer for RandomColorDegeneration {
    type Drawn = Tensor;

    image_fields!();

    fn draw(&self, images: &Tensor) -> Result<Tensor> {
        let range = self.factor.range()?;
        let count = batch(images)?;
        let numbers = self.generator.draw(&self.seed, |rng| uniform(rng, count, range));
        for_each_image(numbers, DType::Float32)
    }

    fn images(&self, images: &Tensor, factor: &Tensor) -> Result<Tensor> {
        let dtype = self.base().dtype_policy().compute_dtype()?;
        let x = ops::cast_to(images, dtype)?;
        let gray = rgb_to_grayscale(&x, self.data_format)?;
        let mixed = ops::add(&x, ops::multiply(&ops::cast_to(factor, dtype)?, ops::subtract(&gray, &x)?)?)?;
        let (low, high) = self.value_range.bounds();
        ops::clip(&mixed, low, high)
    }

    fn casts(&self) -> bool {
        false
    }
}

image_layer!(RandomColorDegeneration);
