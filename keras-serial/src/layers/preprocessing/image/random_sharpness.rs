//! Random sharpness of images.

use super::{
    BoundingBoxFormat, Factor, ImageLayer, ValueRange, batch, for_each_image, image_fields, image_layer, uniform,
};
use crate::config::HasBase;
use crate::error::Result;
use crate::layers::LayerBase;
use crate::ops::{self, DataFormat, Padding, conv::depthwise_conv};
use crate::random::{Seed, SeedGenerator};
use crate::tensor::{DType, Tensor};
use crate::{KerasSerializable, register};

/// Adjusts sharpness at random: in training, blends each image with a smoothed one,
/// `x + (1 - 2f) · (smooth - x)`; in inference, does nothing.
///
/// # Arguments
/// - `factor`: the range of `f`: 0 is smoothed, 0.5 changes nothing, 1 is sharpened; one number `n` stands
///   for `(0, n)`.
/// - `value_range`: 0 to 255; the range of pixel values.
/// - `seed`: none; the same seed gives the same images, but not the same as in Keras.
/// - `data_format`: `channels_last`; `bounding_box_format`: none; required for bounding boxes.
///
/// Follows <https://keras.io/api/layers/preprocessing_layers/image_augmentation/random_sharpness>.
///
/// ```
/// use keras_serial::prelude::*;
/// use keras_serial::layers::RandomSharpness;
/// let x = Tensor::from_slice(&[1.0f32, 2.0], [1, 1, 2, 1])?;
/// assert_eq!(RandomSharpness::new(0.2).apply(&x)?.to_vec::<f32>()?, [1.0, 2.0]);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.layers")]
#[derive(KerasSerializable, Debug)]
#[keras(new, setters)]
pub struct RandomSharpness {
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

impl ImageLayer for RandomSharpness {
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
        let channels = x.shape().dim(self.data_format.channel_axis())?;
        let (a, b) = (1.0f32 / 13.0, 5.0 / 13.0);
        let kernel = [a, a, a, a, b, a, a, a, a].map(|weight| vec![weight; channels]).concat();
        let kernel = ops::cast_to(&Tensor::from_vec(kernel, [3, 3, channels, 1])?, dtype)?;
        let smooth = depthwise_conv(&x, &kernel, &[1, 1], Padding::Same, self.data_format, &[1, 1])?;
        let weight = ops::cast_to(&ops::subtract(1.0, ops::multiply(factor, 2.0)?)?, dtype)?;
        let mixed = ops::add(&x, ops::multiply(&weight, ops::subtract(&smooth, &x)?)?)?;
        let (low, high) = self.value_range.bounds();
        ops::clip(&mixed, low, high)
    }
}

image_layer!(RandomSharpness);
