//! Random inversion of images.

use super::{BoundingBoxFormat, Factor, ImageLayer, ValueRange, batch, chosen, image_fields, image_layer};
use crate::config::HasBase;
use crate::error::Result;
use crate::layers::LayerBase;
use crate::ops::{self, DataFormat};
use crate::random::{Seed, SeedGenerator};
use crate::tensor::Tensor;
use crate::{KerasSerializable, register};

/// Inverts at random: in training, replaces the values of some images by `high - x`; in inference, does
/// nothing.
///
/// # Arguments
/// - `factor`: 1; the range of the probability of inversion, one number `n` stands for `(0, n)`.
/// - `value_range`: 0 to 255; the range of pixel values.
/// - `seed`: none; the same seed gives the same images, but not the same as in Keras.
/// - `data_format`: `channels_last`; `bounding_box_format`: none; required for bounding boxes.
///
/// Follows <https://keras.io/api/layers/preprocessing_layers/image_augmentation/random_invert>.
///
/// ```
/// use keras_serial::prelude::*;
/// use keras_serial::layers::RandomInvert;
/// let x = Tensor::from_slice(&[1.0f32, 2.0], [1, 1, 2, 1])?;
/// assert_eq!(RandomInvert::new().apply(&x)?.to_vec::<f32>()?, [1.0, 2.0]);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.layers")]
#[derive(KerasSerializable, Debug)]
#[keras(new, default, setters)]
pub struct RandomInvert {
    base: LayerBase,
    #[keras(default)]
    data_format: DataFormat,
    #[keras(default, skip_if = Option::is_none)]
    bounding_box_format: Option<BoundingBoxFormat>,
    #[keras(default = Factor::from(1.0))]
    factor: Factor<0, 1>,
    #[keras(default)]
    value_range: ValueRange,
    #[keras(default)]
    seed: Seed,
    #[keras(seed_generator)]
    generator: SeedGenerator,
}

impl ImageLayer for RandomInvert {
    type Drawn = Tensor;

    image_fields!();

    fn draw(&self, images: &Tensor) -> Result<Tensor> {
        let (range, count) = (self.factor.range()?, batch(images)?);
        self.generator.draw(&self.seed, |rng| chosen(rng, count, range))
    }

    fn images(&self, images: &Tensor, inverted: &Tensor) -> Result<Tensor> {
        let x = ops::cast_to(images, self.base().dtype_policy().compute_dtype()?)?;
        let (_, high) = self.value_range.bounds();
        ops::where_(inverted, &ops::subtract(high, &x)?, &x)
    }

    fn casts(&self) -> bool {
        false
    }
}

image_layer!(RandomInvert);
