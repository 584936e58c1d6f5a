//! Random posterization of images.

use super::{
    BYTE, BoundingBoxFormat, Factor, ImageLayer, ValueRange, batch, for_each_image, image_fields, image_layer,
    rescaled, uniform,
};
use crate::config::HasBase;
use crate::error::Result;
use crate::layers::LayerBase;
use crate::ops::{self, DataFormat};
use crate::random::{Seed, SeedGenerator};
use crate::tensor::{DType, Tensor};
use crate::{KerasSerializable, register};

/// Posterizes at random: in training, keeps only some upper bits of each channel; in inference, does nothing.
///
/// # Arguments
/// - `factor`: the range of the number of bits, from 1 to 8, end excluded; one number `n` stands for
///   `(1, n)`.
/// - `value_range`: 0 to 255; the range of pixel values.
/// - `seed`: none; the same seed gives the same images, but not the same as in Keras.
/// - `data_format`: `channels_last`; `bounding_box_format`: none; required for bounding boxes.
///
/// Follows <https://keras.io/api/layers/preprocessing_layers/image_augmentation/random_posterization>.
///
/// ```
/// use keras_serial::prelude::*;
/// use keras_serial::layers::RandomPosterization;
/// let x = Tensor::from_slice(&[1.0f32, 2.0], [1, 1, 2, 1])?;
/// assert_eq!(RandomPosterization::new(4).apply(&x)?.to_vec::<f32>()?, [1.0, 2.0]);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.layers")]
#[derive(KerasSerializable, Debug)]
#[keras(new, setters)]
pub struct RandomPosterization {
    base: LayerBase,
    #[keras(default)]
    data_format: DataFormat,
    #[keras(default, skip_if = Option::is_none)]
    bounding_box_format: Option<BoundingBoxFormat>,
    factor: Factor<1, 8>,
    #[keras(default)]
    value_range: ValueRange,
    #[keras(default)]
    seed: Seed,
    #[keras(seed_generator)]
    generator: SeedGenerator,
}

impl ImageLayer for RandomPosterization {
    type Drawn = Tensor;

    image_fields!();

    fn draw(&self, images: &Tensor) -> Result<Tensor> {
        let (least, most) = self.factor.range()?;
        let count = batch(images)?;
        let bits = self.generator.draw(&self.seed, |rng| uniform(rng, count, (least.trunc(), most.trunc())));
        for_each_image(bits.into_iter().map(|bits| 2f32.powi(8 - bits.floor() as i32)).collect(), DType::Float32)
    }

    fn images(&self, images: &Tensor, step: &Tensor) -> Result<Tensor> {
        let dtype = self.base().dtype_policy().compute_dtype()?;
        let x = rescaled(&ops::cast_to(images, DType::Float32)?, self.value_range.bounds(), BYTE)?;
        let bytes = ops::floor(&ops::clip(&x, 0.0, 255.0)?)?;
        let coarse = ops::multiply(ops::floor(&ops::divide(&bytes, step)?)?, step)?;
        ops::cast_to(&rescaled(&coarse, BYTE, self.value_range.bounds())?, dtype)
    }

    fn casts(&self) -> bool {
        false
    }
}

image_layer!(RandomPosterization);
