//! Random solarization of images.

use super::{
    BYTE, BoundingBoxFormat, Factor, ImageLayer, ValueRange, batch, for_each_image, image_fields, image_layer,
    rescaled, uniform,
};
use crate::config::HasBase;
use crate::error::Result;
use crate::json::Value;
use crate::layers::LayerBase;
use crate::ops::{self, DataFormat};
use crate::random::{Seed, SeedGenerator};
use crate::tensor::Tensor;
use crate::{KerasSerializable, register};

/// Solarizes at random: in training, adds one random number to each image and inverts values from a random
/// threshold on, `255 - x`; in inference, does nothing.
///
/// # Arguments
/// - `addition_factor`, `threshold_factor`: 0; the ranges of both numbers, as fractions of 255; one number
///   `n` stands for `(0, n)`.
/// - `value_range`: 0 to 255; the range of pixel values.
/// - `seed`: none; the same seed gives the same images, but not the same as in Keras.
/// - `data_format`: `channels_last`; `bounding_box_format`: none; required for bounding boxes.
///
/// Follows <https://keras.io/api/layers/preprocessing_layers/image_augmentation/solarization>.
///
/// ```
/// use keras_serial::prelude::*;
/// use keras_serial::layers::Solarization;
/// let x = Tensor::from_slice(&[1.0f32, 2.0], [1, 1, 2, 1])?;
/// assert_eq!(Solarization::new().apply(&x)?.to_vec::<f32>()?, [1.0, 2.0]);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.layers")]
#[derive(KerasSerializable, Debug)]
#[keras(new, default, setters)]
pub struct Solarization {
    base: LayerBase,
    #[keras(default)]
    data_format: DataFormat,
    #[keras(default, skip_if = Option::is_none)]
    bounding_box_format: Option<BoundingBoxFormat>,
    #[keras(default)]
    value_range: ValueRange,
    #[keras(default = Factor::from([Value::from(0), Value::from(0.0)]))]
    addition_factor: Factor<0, 1>,
    #[keras(default = Factor::from([Value::from(0), Value::from(0.0)]))]
    threshold_factor: Factor<0, 1>,
    #[keras(default)]
    seed: Seed,
    #[keras(seed_generator)]
    generator: SeedGenerator,
}

impl ImageLayer for Solarization {
    type Drawn = (Tensor, Tensor);

    image_fields!();

    fn draw(&self, images: &Tensor) -> Result<(Tensor, Tensor)> {
        let scaled = |factor: &Factor<0, 1>| factor.range().map(|(low, high)| (low, high * 255.0));
        let (additions, thresholds) = (scaled(&self.addition_factor)?, scaled(&self.threshold_factor)?);
        let count = batch(images)?;
        let (additions, thresholds) =
            self.generator.draw(&self.seed, |rng| (uniform(rng, count, additions), uniform(rng, count, thresholds)));
        let dtype = self.base().dtype_policy().compute_dtype()?;
        Ok((for_each_image(additions, dtype)?, for_each_image(thresholds, dtype)?))
    }

    fn images(&self, images: &Tensor, (additions, thresholds): &(Tensor, Tensor)) -> Result<Tensor> {
        let x = ops::cast_to(images, self.base().dtype_policy().compute_dtype()?)?;
        let x = rescaled(&x, self.value_range.bounds(), BYTE)?;
        let x = ops::clip(&ops::add(&x, additions)?, 0.0, 255.0)?;
        let x = ops::where_(&ops::less(&x, thresholds)?, &x, &ops::subtract(255.0, &x)?)?;
        rescaled(&x, BYTE, self.value_range.bounds())
    }
}

image_layer!(Solarization);
